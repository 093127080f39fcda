//! `snapback serve`: the console, until the process is told to stop.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use clap::Args;
use snapback::many::OPEN_AT_ONCE;
use snapback::snapshot::{Now, Snapshots};
use snapback::{Error, Result, web};
use tokio::signal::unix::{SignalKind, signal};

use super::access::AccessOptions;
use super::config::Section;
use super::plan::{NamedFile, PlaceOptions, Plan};
use super::schedule::Time;
use super::{Outcome, print};

/// `snapback serve`
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The live SQLite database; repeated and with names, several are served
    #[arg(
        long,
        value_name = "[NAME=]FILE",
        env = "SNAPBACK_DB",
        required_unless_present_any = ["config", "db_glob"],
        help_heading = "Database"
    )]
    pub(super) db: Vec<NamedFile>,

    /// Databases by a pattern such as 'tenants/*.db', each named after its file, new ones too;
    /// repeated
    #[arg(long, value_name = "PATTERN", env = "SNAPBACK_DB_GLOB", help_heading = "Database")]
    pub(super) db_glob: Vec<String>,

    /// How many of several databases are open at once
    #[arg(
        long,
        value_name = "N",
        env = "SNAPBACK_OPEN_AT_ONCE",
        default_value_t = OPEN_AT_ONCE,
        help_heading = "Database"
    )]
    pub(super) open_at_once: usize,

    /// A file that says everything that is not said here
    #[arg(long, value_name = "FILE", env = "SNAPBACK_CONFIG", help_heading = "Database")]
    config: Option<PathBuf>,

    #[command(flatten)]
    pub(super) options: ServeOptions,

    /// Print errors as JSON
    #[arg(long, help_heading = "Output")]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) place: PlaceOptions,

    /// The databases that the file tells of one by one.
    #[arg(skip)]
    pub(super) sections: Vec<Section>,
}

/// Where the console listens, and to which names.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Console")]
pub(crate) struct ServeOptions {
    /// The address and port to listen at; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", env = "SNAPBACK_LISTEN", default_value = "127.0.0.1:7878")]
    listen: SocketAddr,

    /// A further name under which browsers reach the console; repeated or with commas
    #[arg(long, value_name = "NAME", env = "SNAPBACK_HOST", value_delimiter = ',')]
    host: Vec<String>,

    /// Read all snapshots back this often, such as 24h: the outcome is in the history
    #[arg(long, value_name = "TIME", env = "SNAPBACK_VERIFY_EVERY")]
    verify_every: Option<Time>,

    /// How long what is under way may take to end once the console is asked to stop, such as 30s:
    /// what takes longer is ended with nothing changed
    #[arg(long, value_name = "TIME", env = "SNAPBACK_SHUTDOWN_TIMEOUT", default_value = "10s")]
    shutdown_timeout: Time,

    #[command(flatten)]
    access: AccessOptions,
}

/// How long threads may still run once everything was told to end.
const LAST_WORDS: Duration = Duration::from_secs(5);

impl Serve {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Outcome> {
        let listener = listen(&self.options)?;
        match Plan::of(self)? {
            Plan::One(place) => {
                let snapshots = place.open()?;
                print::say(out, &greeting(&snapshots.now()?, &place.store))?;
                serve(snapshots, listener, &self.options, out)?;
            }
            Plan::Many(many) => {
                let databases = many.databases(self.open_at_once)?;
                print::say(out, &many.greeting(&databases))?;
                let serve = |listener, web, until| web::serve_many(databases, listener, web, until);
                let farewell = serve_with(listener, &self.options, &mut *out, "d", serve)?;
                print::say(out, &format!("{farewell}\n"))?;
            }
        }
        Ok(Outcome::Well)
    }
}

impl ServeOptions {
    /// Where it listens, and whether it asks who somebody is; what is none of these is told.
    pub(super) fn told(&self) -> Result<(String, bool)> {
        Ok((self.listen.to_string(), self.access.read()?.is_guarded()))
    }
}

/// Takes the address, so that a second console on it is refused before any work is done; and so is
/// a hash that is none.
pub(crate) fn listen(options: &ServeOptions) -> Result<TcpListener> {
    options.access.read()?;
    TcpListener::bind(options.listen).map_err(|source| {
        Error::failed("cannot listen at this address")
            .on(options.listen)
            .hint("choose another with --listen, or stop what listens there")
            .because(source)
    })
}

/// Serves the console until Ctrl-C or SIGTERM, and says where it is once it answers there.
pub(crate) fn serve(
    snapshots: Snapshots,
    listener: TcpListener,
    options: &ServeOptions,
    out: &mut dyn Write,
) -> Result<()> {
    let serve = |listener, web, until| web::serve(snapshots, listener, web, until);
    let farewell = serve_with(listener, options, &mut *out, "snapshots", serve)?;
    print::say(out, &format!("{farewell}\n"))
}

/// When the console is to stop; asked for first when it answers.
type Until<'u> = Pin<Box<dyn Future<Output = ()> + 'u>>;

/// Has `serve` serve whatever it serves, and tells the address of its first page.
fn serve_with<'u, F: Future<Output = Result<web::Farewell>>>(
    listener: TcpListener,
    options: &ServeOptions,
    out: &'u mut dyn Write,
    first: &str,
    serve: impl FnOnce(tokio::net::TcpListener, web::Options, Until<'u>) -> F,
) -> Result<web::Farewell> {
    let failed = |source: std::io::Error| {
        Error::failed("the console cannot be started")
            .hint("see to what the system says, then start it again")
            .because(source)
    };
    let access = options.access.read()?;
    let address = listener.local_addr().map_err(failed)?;
    if access.is_guarded() && !access.behind_tls && !address.ip().is_loopback() {
        print::say(
            out,
            "advice    the password and the rows travel unencrypted; put a proxy that speaks TLS \
             in\n          front, and say so with --behind-tls\n",
        )?;
    }
    listener.set_nonblocking(true).map_err(failed)?;
    let runtime = tokio::runtime::Runtime::new().map_err(failed)?;
    let farewell = runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
        let web = web::Options {
            hosts: options.host.clone(),
            access,
            verify_every: options.verify_every.map(|every| every.0),
            farewell: options.shutdown_timeout.0,
            ..web::Options::default()
        };
        let stop = stop().map_err(failed)?;
        // Asked for first when the address was accepted and requests are: the time to tell it.
        let told = format!("\nhttp://{address}/{first}\nstop with Ctrl-C\n");
        let until = async move {
            if let Err(error) = print::say(out, &told) {
                tracing::warn!(%error, "the console's address could not be told");
            }
            stop.await;
        };
        serve(listener, web, Box::pin(until)).await
    });
    // What has not ended by now is left: it is as if the process were killed.
    runtime.shutdown_timeout(LAST_WORDS);
    farewell
}

/// Sets the handlers of Ctrl-C and SIGTERM; the answer resolves at the first of them.
fn stop() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    })
}

/// What is served, in a few lines.
fn greeting(now: &Now, store: &str) -> String {
    let log = match (&now.event_table, now.position) {
        (Some(table), Some(position)) => {
            format!(
                "events in {}, the last is {}",
                print::printable(table),
                print::grouped(position)
            )
        }
        (Some(table), None) => format!("events in {}, none yet", print::printable(table)),
        (None, _) => "no event log".to_owned(),
    };
    let mut lines = format!(
        "database  {} ({}, {log})\nstore     {}\nSQLite    {}, journal mode {}\n",
        print::printable(&now.path),
        print::size(now.bytes),
        print::printable(store),
        rusqlite::version(),
        now.journal_mode
    );
    if !now.journal_mode.eq_ignore_ascii_case("wal") {
        lines.push_str(
            "advice    in this mode the application's writers wait while a snapshot is read;\n          \
             `PRAGMA journal_mode = WAL` on the database avoids that\n",
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(journal_mode: &str) -> Now {
        Now {
            name: "app.db".into(),
            path: "/data/app.db".into(),
            position: Some(48_213),
            bytes: 61_000_000,
            event_table: Some("event_log".into()),
            journal_mode: journal_mode.into(),
            next_take: None,
            next_take_position: None,
            leads: None,
        }
    }

    #[test]
    fn the_greeting_names_database_store_and_library() {
        let expected = format!(
            "database  /data/app.db (61 MB, events in event_log, the last is 48 213)\n\
             store     /data/app.db.snapback\n\
             SQLite    {}, journal mode wal\n",
            rusqlite::version()
        );
        assert_eq!(greeting(&now("wal"), "/data/app.db.snapback"), expected);
    }

    #[test]
    fn a_rollback_journal_brings_the_advice_to_use_wal() {
        let advice = "advice    in this mode the application's writers wait while a snapshot is \
                      read;\n          `PRAGMA journal_mode = WAL` on the database avoids that\n";
        assert!(greeting(&now("delete"), "x").ends_with(advice));
    }
}
