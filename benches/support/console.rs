//! A console with many snapshots, served on a port of this machine.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use snapback::database::{Database, EventOptions};
use snapback::snapshot::{Clock, Options, Retention, Snapshots};
use snapback::store::Store;
use snapback::web;
use tokio::net::TcpListener;

/// How far snapshots are from each other.
const APART: SignedDuration = SignedDuration::from_mins(10);
/// Events between two snapshots.
const EVENTS: i64 = 20;

/// An application's database, and snapshots of it that were taken one after the other.
pub struct Scene {
    folder: PathBuf,
    pub snapshots: Snapshots,
}

impl Scene {
    /// Takes so many snapshots, each after some events; the last one is about as old as they are
    /// apart. One in ten has a note.
    pub fn new(folder: &Path, count: i64) -> Result<Self, Box<dyn Error>> {
        let folder = folder.to_owned();
        let mut application = application(&folder)?;
        let begin = Timestamp::now() - APART * i32::try_from(count)?;
        let second = Arc::new(AtomicI64::new(begin.as_second()));
        let clock = {
            let second = Arc::clone(&second);
            Clock::new(move || {
                Timestamp::from_second(second.load(Ordering::Relaxed)).unwrap_or_default()
            })
        };
        let past = open(&folder, clock)?;
        for taken in 0..count {
            let now = begin + APART * i32::try_from(taken)?;
            events(&mut application, taken, now)?;
            second.store(now.as_second(), Ordering::Relaxed);
            let note = (taken % 10 == 0).then(|| format!("before release {taken}"));
            let entry = past.take(note.as_deref(), "bench")?;
            let file = folder.join("store/snapshots").join(format!("{}.json", entry.snapshot()));
            let file = std::fs::File::options().append(true).open(file)?;
            let written = Duration::from_secs(u64::try_from(now.as_second())?);
            file.set_modified(SystemTime::UNIX_EPOCH + written)?;
        }
        events(&mut application, count, Timestamp::now())?;
        let snapshots = open(&folder, Clock::default())?;
        Ok(Self { folder, snapshots })
    }

    /// The same database and store once more, as another process would open them.
    pub fn reopen(&self) -> Result<Snapshots, Box<dyn Error>> {
        open(&self.folder, Clock::default())
    }

    /// The application's own connection.
    pub fn application(&self) -> rusqlite::Result<Connection> {
        connect(&self.folder)
    }

    /// Serves the console, and tells where. It is served until this process ends.
    pub fn serve(&self) -> Result<SocketAddr, Box<dyn Error>> {
        let snapshots = self.snapshots.clone();
        let (told, address) = std::sync::mpsc::channel();
        std::thread::spawn(move || -> Result<(), Box<dyn Error + Send + Sync>> {
            tokio::runtime::Runtime::new()?.block_on(async {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
                told.send(listener.local_addr()?)?;
                let forever = std::future::pending();
                web::serve(snapshots, listener, web::Options::default(), forever).await?;
                Ok(())
            })
        });
        Ok(address.recv()?)
    }
}

fn open(folder: &Path, clock: Clock) -> Result<Snapshots, Box<dyn Error>> {
    let database = Database::open(&folder.join("app.db"), &EventOptions::default())?;
    let store = Store::directory(&folder.join("store"))?;
    let options = Options { retention: Retention::last(0), clock, ..Options::default() };
    Ok(Snapshots::open(database, store, options)?)
}

fn connect(folder: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(folder.join("app.db"))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}

fn application(folder: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(folder)?;
    connection.execute_batch(
        "CREATE TABLE event_log (
             id INTEGER PRIMARY KEY, created_at TEXT NOT NULL, event_type TEXT NOT NULL,
             payload TEXT NOT NULL);
         CREATE TABLE messages (
             id INTEGER PRIMARY KEY, author TEXT NOT NULL, body TEXT NOT NULL);",
    )?;
    Ok(connection)
}

/// Some events, each with its message, in the minutes before a moment.
pub fn events(application: &mut Connection, round: i64, until: Timestamp) -> rusqlite::Result<()> {
    let tx = application.transaction()?;
    for event in 0..EVENTS {
        let age = APART.as_secs() * (EVENTS - event) / (EVENTS + 1);
        let at = (until - SignedDuration::from_secs(age)).to_string();
        let body = format!("message {event} of round {round}");
        tx.prepare_cached(
            "INSERT INTO event_log (created_at, event_type, payload) VALUES (?, 'posted', ?)",
        )?
        .execute((&at, format!("{{\"body\":\"{body}\"}}")))?;
        tx.prepare_cached("INSERT INTO messages (author, body) VALUES ('user', ?)")?
            .execute([&body])?;
    }
    tx.commit()
}
