//! `snapback demo`: a chat application's database with two weeks of history and live writes.

mod app;
mod history;
mod past;
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
use snapback::snapshot::{Clock, Options, Retention, Snapshots};
use snapback::store::Store;
use snapback::{Error, Result};

use crate::cli::{self, Outcome, ServeOptions};

/// The demo's database, in its folder; the store lies beside it.
const DATABASE: &str = "chat.db";
const STORE: &str = "chat.db.snapback";
/// Written last: a folder with it is whole.
const ABOUT: &str = "about.txt";
/// How many snapshots of each kind the demo keeps: its history, and room to try things.
const KEEP_LAST: usize = 20;

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
            return open(folder, Clock::default());
        }
        cli::say(out, &format!("building two weeks of chats in {} …\n", folder.display()))?;
        std::fs::create_dir_all(folder).map_err(|source| cannot(folder, source))?;
        clear(folder).map_err(|source| cannot(folder, source))?;
        build(folder, Timestamp::now())?;
        let about = "This folder belongs to `snapback demo`. It can be deleted at any time.\n";
        std::fs::write(folder.join(ABOUT), about).map_err(|source| cannot(folder, source))?;
        cli::say(out, "the folder can be deleted at any time\n")?;
        open(folder, Clock::default())
    }
}

/// Writes the database and the store of a history that ends now.
fn build(folder: &Path, now: Timestamp) -> Result<()> {
    let chats = app::open(&folder.join(DATABASE)).map_err(failed)?;
    let past = past::Past::at(now);
    let snapshots = &open(folder, past.clock())?;
    let store = &folder.join(STORE);
    history::Author { chats, snapshots, store, past }.write(now)?;
    history::leave_a_damaged_file(store, now).map_err(|source| cannot(folder, source))
}

fn open(folder: &Path, clock: Clock) -> Result<Snapshots> {
    let database = Database::open(&folder.join(DATABASE), &EventOptions::default())?;
    let store = cli::store_beside(&folder.join(DATABASE))?;
    let options = Options { retention: Retention::last(KEEP_LAST), clock, ..Options::default() };
    Snapshots::open(database, Store::open(&store)?, options)
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

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use snapback::snapshot::{Entry, Kind, State};

    /// A demo whose history ends now, as it is served.
    fn built(folder: &Path) -> (Snapshots, Vec<Entry>, Timestamp) {
        let now = Timestamp::now();
        build(folder, now).expect("a demo");
        let snapshots = open(folder, Clock::default()).expect("snapshots");
        let entries = snapshots.list().expect("a list").snapshots;
        (snapshots, entries, now)
    }

    fn days(days: i64) -> SignedDuration {
        SignedDuration::from_hours(24 * days)
    }

    #[test]
    fn what_was_done_is_spread_over_two_weeks_and_nothing_looks_copied() {
        let folder = tempfile::tempdir().expect("a folder");
        let (snapshots, entries, now) = built(folder.path());
        assert!(entries.iter().all(|entry| entry.copied_at.is_none()), "{entries:?}");
        let taken = |from: SignedDuration, to: SignedDuration| {
            let within = |entry: &&Entry| (now - to..now - from).contains(&entry.created_at);
            entries.iter().filter(within).count()
        };
        let minutes = SignedDuration::from_mins;
        assert_eq!(taken(SignedDuration::ZERO, minutes(60)), 1);
        assert_eq!(taken(minutes(60), minutes(120)), 1);
        assert_eq!(taken(days(1), days(2)), 1);
        assert!(taken(days(2), days(7)) >= 2);
        assert!(taken(days(7), days(14)) >= 3);
        assert_eq!(taken(SignedDuration::ZERO, days(14)), entries.len());
        let history = snapshots.history(100).expect("a history");
        assert!(history.is_sorted_by(|newer, older| newer.at > older.at), "{history:?}");
        assert!(history.last().is_some_and(|oldest| oldest.at < now - days(12)), "{history:?}");
    }

    #[test]
    fn both_kinds_a_pin_notes_and_one_damaged_file_are_there_to_see() {
        let folder = tempfile::tempdir().expect("a folder");
        let (snapshots, entries, _) = built(folder.path());
        let count =
            |wanted: &dyn Fn(&Entry) -> bool| entries.iter().filter(|&entry| wanted(entry)).count();
        assert_eq!(count(&|entry| entry.kind == Kind::Rewind && entry.cause.is_some()), 2);
        assert_eq!(count(&|entry| entry.state == State::Damaged), 1);
        assert_eq!(count(&|entry| entry.pinned), 1);
        assert!(count(&|entry| entry.note.is_some()) >= 4);
        let newest = &entries[0];
        assert_eq!(newest.kind, Kind::Periodic);
        assert!(newest.event_delta.is_some_and(|behind| behind > 0), "{newest:?}");
        let verified = snapshots.verify(None, "test").expect("all read back");
        let damaged = verified.iter().filter(|verified| verified.state == State::Damaged).count();
        assert_eq!((verified.len(), damaged), (entries.len(), 1));
    }
}
