//! An application with a database for each tenant, and a console over all of them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use poem::{EndpointExt as _, Route};
use rusqlite::Connection;
use snapback::database::{Database, EventOptions};
use snapback::many::{Builder, Databases, Name, Place};
use snapback::snapshot::{Alarm, Options, Schedule, Snapshots};
use snapback::store::Store;
use snapback::web;
use tempfile::TempDir;

use crate::app::connect;
use crate::client::{Client, Served, patient};

/// Databases in a folder, and how often each way of opening them was gone.
pub(crate) struct Tenants {
    folder: TempDir,
    openings: Arc<AtomicUsize>,
    options: Options,
}

impl Tenants {
    /// A folder without a database.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder, openings: Arc::default(), options: Options::default() }
    }

    /// Adds databases, each with an event and a row.
    pub(crate) fn with(self, names: &[&str]) -> Self {
        for name in names {
            self.add(name);
        }
        self
    }

    /// One more tenant comes.
    pub(crate) fn add(&self, name: &str) -> Connection {
        let connection = connect_new(&self.db(name));
        connection
            .execute_batch(
                "PRAGMA journal_mode = wal;
                 CREATE TABLE event_log(id INTEGER PRIMARY KEY, event_type TEXT);
                 CREATE TABLE items(id INTEGER PRIMARY KEY, name TEXT);",
            )
            .expect("tables");
        write(&connection, 1);
        connection
    }

    /// A tenant's application writes so many events.
    pub(crate) fn events(&self, name: &str, count: usize) {
        write(&connect(&self.db(name)), count);
    }

    /// The file of a tenant's database.
    pub(crate) fn db(&self, name: &str) -> PathBuf {
        self.file(&format!("{name}.db"))
    }

    /// A file of the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// How many databases were opened so far, some of them several times.
    pub(crate) fn openings(&self) -> usize {
        self.openings.load(Ordering::Relaxed)
    }

    /// All databases of the folder, so many open at once.
    pub(crate) fn databases(&self, open_at_once: usize) -> Databases {
        self.databases_with(Builder::default().open_at_once(open_at_once))
    }

    /// The same, closed as soon as nobody is at one.
    pub(crate) fn soon_closed(&self) -> Databases {
        self.databases_with(Builder::default().close_after(Duration::ZERO))
    }

    fn databases_with(&self, builder: Builder) -> Databases {
        let (openings, options) = (self.openings.clone(), self.options.clone());
        let pattern = self.file("*.db").display().to_string();
        let place = move |_: &Name, path: &Path| place(path, &openings, &options);
        builder.folder(&pattern, place).expect("a pattern").build()
    }

    /// Who is told of failures.
    pub(crate) fn alarm(mut self, alarm: Alarm) -> Self {
        self.options.alarm = Some(alarm);
        self
    }

    /// When checkpoints of all of them are taken by themselves.
    pub(crate) fn schedule(mut self, schedule: Schedule) -> Self {
        self.options.schedule = schedule;
        self
    }

    /// Serves a console over all of them on a free port.
    pub(crate) fn serve(&self) -> Served {
        serve(self.databases(8), web::Options::default())
    }

    /// A client of a console over all of them.
    pub(crate) fn client(&self) -> Client {
        client(self.databases(8), patient())
    }

    /// Which of the databases' files this process has open.
    pub(crate) fn files_open(&self) -> Vec<PathBuf> {
        let mut files = self.all_open();
        files.retain(|path| path.extension().is_some_and(|ending| ending == "db"));
        files
    }

    /// Which files of the folder, stores and all, this process has open.
    pub(crate) fn all_open(&self) -> Vec<PathBuf> {
        let handles = std::fs::read_dir("/proc/self/fd").expect("this process's files");
        let mut files: Vec<PathBuf> = handles
            .filter_map(|handle| std::fs::read_link(handle.ok()?.path()).ok())
            .filter(|path| path.starts_with(self.folder.path()))
            .collect();
        files.sort();
        files.dedup();
        files
    }
}

/// Serves a console over databases on a free port.
pub(crate) fn serve(databases: Databases, options: web::Options) -> Served {
    Served::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), move |socket, stopped| {
        web::serve_many(databases, socket, options, stopped)
    })
}

/// A client of a console of several databases, nested where the options say so.
pub(crate) fn client(databases: Databases, options: web::Options) -> Client {
    let mount = options.mount.clone();
    let routes = web::many(databases, options);
    Client::of(match mount.as_str() {
        "" => routes.boxed(),
        mount => Route::new().nest(mount, routes).map_to_response().boxed(),
    })
}

/// A name that was checked.
pub(crate) fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn place(path: &Path, openings: &Arc<AtomicUsize>, options: &Options) -> Place {
    let store = path.with_extension("snapback").display().to_string();
    let (at, location) = (path.to_owned(), store.clone());
    let (openings, options) = (openings.clone(), options.clone());
    Place::new(path, &store, options.schedule.clone(), move || {
        openings.fetch_add(1, Ordering::Relaxed);
        let database = Database::open(&at, &EventOptions::default())?;
        Snapshots::open(database, Store::open(&location)?, options.clone())
    })
}

fn connect_new(path: &Path) -> Connection {
    Connection::open(path).expect("a database")
}

fn write(connection: &Connection, count: usize) {
    for _ in 0..count {
        connection
            .execute_batch(
                "BEGIN;
                 INSERT INTO event_log(event_type) VALUES('item_added');
                 INSERT INTO items(name) VALUES('an item');
                 COMMIT;",
            )
            .expect("an event");
    }
}
