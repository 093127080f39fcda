//! `snapback demo`: a chat application's database with two weeks of history and live writes.

mod app;
mod history;
mod random;
mod rhythm;
mod story;
mod words;
mod writer;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use snapback::database::{Database, EventOptions};
use snapback::snapshot::{Options, Snapshots};
use snapback::store::Store;
use snapback::{Error, Result};

use crate::cli::{self, Outcome, ServeOptions};

/// The demo's database, in its folder; the store lies beside it.
const DATABASE: &str = "chat.db";
const STORE: &str = "chat.db.snapback";
/// Written last: a folder with it is whole.
const ABOUT: &str = "about.txt";

/// `snapback demo`
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The demo's own folder [default: snapback-demo in the system's temporary directory]
    #[arg(long, value_name = "DIR", env = "SNAPBACK_DEMO_DIR")]
    dir: Option<PathBuf>,

    /// Start over, with a new database and a new store
    #[arg(long)]
    fresh: bool,

    #[command(flatten)]
    options: ServeOptions,
}

impl Demo {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome> {
        // First the address: a demo that is already running keeps its folder.
        let listener = cli::listen(&self.options)?;
        let folder = self.dir.clone().unwrap_or_else(|| std::env::temp_dir().join("snapback-demo"));
        let snapshots = self.prepare(&folder, out)?;
        let writer = writer::Writer::start(folder.join(DATABASE));
        let served = cli::serve(snapshots, listener, &self.options, out);
        drop(writer);
        served.map(|()| Outcome::Well)
    }

    /// Opens the demo in its folder, building it where it is not there or not whole.
    fn prepare(&self, folder: &Path, out: &mut dyn Write) -> Result<Snapshots> {
        let whole = folder.join(ABOUT).is_file() && folder.join(DATABASE).is_file();
        if whole && !self.fresh {
            cli::say(out, &format!("the demo of before, in {}\n", folder.display()))?;
            return open(folder);
        }
        cli::say(out, &format!("building two weeks of chats in {} …\n", folder.display()))?;
        std::fs::create_dir_all(folder).map_err(|source| cannot(folder, source))?;
        clear(folder).map_err(|source| cannot(folder, source))?;
        let chats = app::open(&folder.join(DATABASE)).map_err(failed)?;
        let snapshots = open(folder)?;
        history::write(chats, &snapshots, Timestamp::now())?;
        history::leave_a_damaged_file(&folder.join(STORE))
            .map_err(|source| cannot(folder, source))?;
        let about = "This folder belongs to `snapback demo`. It can be deleted at any time.\n";
        std::fs::write(folder.join(ABOUT), about).map_err(|source| cannot(folder, source))?;
        cli::say(out, "the folder can be deleted at any time\n")?;
        Ok(snapshots)
    }
}

fn open(folder: &Path) -> Result<Snapshots> {
    let database = Database::open(&folder.join(DATABASE), &EventOptions::default())?;
    let store = cli::store_beside(&folder.join(DATABASE))?;
    Snapshots::open(database, Store::open(&store)?, Options::default())
}

/// Removes what a demo wrote, by name: a folder that somebody named by mistake keeps the rest.
fn clear(folder: &Path) -> io::Result<()> {
    let absent_is_fine = |result: io::Result<()>| match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    // The mark of a whole demo goes first: what is half removed is rebuilt.
    for name in [ABOUT, DATABASE, "chat.db-wal", "chat.db-shm", "chat.db-journal"] {
        absent_is_fine(std::fs::remove_file(folder.join(name)))?;
    }
    absent_is_fine(std::fs::remove_dir_all(folder.join(STORE)))
}

/// A moment as the application writes it: ISO 8601 in UTC, to the millisecond.
fn stamp(at: Timestamp) -> String {
    format!("{at:.3}")
}

fn cannot(folder: &Path, source: io::Error) -> Error {
    Error::failed("the demo's folder cannot be written")
        .on(folder.display())
        .hint("name another folder with --dir")
        .because(source)
}

fn failed(source: rusqlite::Error) -> Error {
    Error::failed("the demo's own application failed")
        .on(DATABASE)
        .hint("start over with --fresh")
        .because(source)
}
