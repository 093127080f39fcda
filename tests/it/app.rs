//! The harness: an application with its own database, and a console beside it.
//!
//! Everything is real: files in a temporary folder, SQLite, a store on disk. The application
//! applies events as one would: log and read models in one transaction.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use object_store::ObjectStore;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use snapback::Result;
use snapback::database::{Database, EventOptions};
use snapback::snapshot::{
    Clock, Format, LabelChange, Options, Page, Point, Preview, RestoreRequest, Restored, Retention,
    RowChange, Schedule, Scope, SnapshotRef, Snapshots,
};
use snapback::store::Store;
use tempfile::TempDir;

use crate::events::SCHEMA;
pub(crate) use crate::events::{apply_event, invariant_holds};
use crate::writer::LiveWriter;

/// Who does things in tests, as the history has it.
pub(crate) const BY: &str = "a test";

/// Every row of every table, view and virtual table, as text that differs where values do.
pub(crate) type State = BTreeMap<String, Vec<String>>;

/// An application and its console. Built step by step, opened at first use.
pub(crate) struct App {
    console: OnceLock<Snapshots>,
    application: Option<Mutex<Connection>>,
    store: Option<Store>,
    options: Options,
    events: EventOptions,
    folder: TempDir,
}

impl App {
    /// An application with an empty event log, in WAL mode.
    pub(crate) fn new() -> Self {
        Self::in_folder(tempfile::tempdir().expect("a temporary folder"))
    }

    /// The same with its files in memory where the system has such a folder: for tests of many
    /// rounds, which would wait for the disk most of the time.
    pub(crate) fn in_memory() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self::in_folder(folder.expect("a temporary folder"))
    }

    /// The same with its files in a folder of the test's own choosing.
    pub(crate) fn in_folder(folder: TempDir) -> Self {
        let app = Self {
            console: OnceLock::new(),
            application: None,
            store: None,
            options: Options::default(),
            events: EventOptions::default(),
            folder,
        };
        app.schema(SCHEMA)
    }

    /// A database of the test's own making, in place of the usual one.
    pub(crate) fn schema(mut self, sql: &str) -> Self {
        self.application = None;
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(self.folder.path().join(format!("app.db{ending}")));
        }
        let connection = Connection::open(self.db_path()).expect("a database");
        // Before the journal mode: a schema may set the encoding, which an existing file refuses.
        connection.execute_batch(sql).expect("the schema");
        set_journal(&connection, "wal");
        drop(connection);
        self.application = Some(Mutex::new(connect(&self.db_path())));
        self
    }

    /// Tables without an event log.
    pub(crate) fn tables_only(self, sql: &str) -> Self {
        self.schema(sql)
            .event_options(EventOptions { table: Some("none".into()), ..EventOptions::default() })
    }

    /// Applies `count` events.
    pub(crate) fn with_events(self, count: usize) -> Self {
        self.events(count);
        self
    }

    /// SQLite's default journal in place of the WAL.
    pub(crate) fn rollback_journal(self) -> Self {
        set_journal(&self.application(), "delete");
        self
    }

    /// How many snapshots of each kind stay.
    pub(crate) fn keep_last(mut self, count: usize) -> Self {
        self.options.retention = Retention::last(count);
        self
    }

    /// Leaves tables out of every snapshot and restore.
    pub(crate) fn exclude(mut self, pattern: &str) -> Self {
        self.options.exclude_tables.push(pattern.to_owned());
        self
    }

    /// When checkpoints are taken by themselves, and the clock that tells the time.
    pub(crate) fn schedule(mut self, schedule: Schedule, clock: Clock) -> Self {
        (self.options.schedule, self.options.clock) = (schedule, clock);
        self
    }

    /// Hides the values of columns.
    pub(crate) fn redact(mut self, pattern: &str) -> Self {
        self.options.redact.push(pattern.to_owned());
        self
    }

    /// How young a pack must be for pruning to leave it alone.
    pub(crate) fn grace(mut self, grace: Duration) -> Self {
        self.options.grace = grace;
        self
    }

    /// What is said of the event log.
    pub(crate) fn event_options(mut self, options: EventOptions) -> Self {
        self.events = options;
        self
    }

    /// Keeps snapshots in memory.
    pub(crate) fn store_in_memory(mut self) -> Self {
        self.store = Some(Store::memory());
        self
    }

    /// Keeps snapshots in an object store.
    pub(crate) fn store_over(mut self, objects: Arc<dyn ObjectStore>) -> Self {
        self.store = Some(Store::over(objects));
        self
    }

    /// Keeps snapshots in this store.
    pub(crate) fn store_in(mut self, store: Store) -> Self {
        self.store = Some(store);
        self
    }

    /// Copies every snapshot to this store too.
    pub(crate) fn mirror_in(mut self, store: Store) -> Self {
        self.options.mirror = Some(store);
        self
    }

    /// The application's database file.
    pub(crate) fn db_path(&self) -> PathBuf {
        self.folder.path().join("app.db")
    }

    /// Where the store is, when it is a directory.
    pub(crate) fn store_dir(&self) -> PathBuf {
        self.folder.path().join("app.snapback")
    }

    /// A path beside the database, for exports and the like.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The application's connection.
    pub(crate) fn application(&self) -> MutexGuard<'_, Connection> {
        let connection = self.application.as_ref().expect("a connection");
        connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// One more connection of the application.
    pub(crate) fn connection(&self) -> Connection {
        connect(&self.db_path())
    }

    /// The application runs statements.
    pub(crate) fn sql(&self, sql: &str) {
        self.application().execute_batch(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    }

    /// What a query answers, each value as SQLite would write it.
    pub(crate) fn query(&self, sql: &str) -> Vec<Vec<String>> {
        query(&self.application(), sql)
    }

    /// The first value of a query's first row, as text.
    pub(crate) fn value(&self, sql: &str) -> String {
        self.query(sql)[0][0].clone()
    }

    /// The position of the event log.
    pub(crate) fn position(&self) -> i64 {
        self.value("SELECT coalesce(max(id), 0) FROM event_log").parse().expect("a number")
    }

    /// Applies `count` events, each in a transaction.
    pub(crate) fn events(&self, count: usize) {
        let mut connection = self.application();
        for _ in 0..count {
            apply_event(&mut connection).expect("an event is applied");
        }
    }

    /// Every row of one table.
    pub(crate) fn dump(&self, table: &str) -> Vec<String> {
        self.state().remove(table).unwrap_or_else(|| panic!("there is a table {table}"))
    }

    /// Every row of every table, view and virtual table, rowids among them.
    pub(crate) fn state(&self) -> State {
        state(&self.application())
    }

    /// The console.
    pub(crate) fn snapshots(&self) -> Snapshots {
        self.console.get_or_init(|| self.reopen()).clone()
    }

    /// Closes the console; it is opened anew when it is wanted again.
    pub(crate) fn closed(mut self) -> Self {
        drop(self.console.take());
        self
    }

    /// A second console on the same database and store.
    pub(crate) fn reopen(&self) -> Snapshots {
        self.try_open().expect("the console opens")
    }

    /// Opens a console, which may fail.
    pub(crate) fn try_open(&self) -> Result<Snapshots> {
        let store = match &self.store {
            Some(store) => store.clone(),
            None => Store::directory(&self.store_dir())?,
        };
        self.open_in(store, self.options.clone())
    }

    /// A console on the same database, with this store and no mirror: as another process would
    /// open it.
    pub(crate) fn reopen_in(&self, store: Store) -> Snapshots {
        let options = Options { mirror: None, ..self.options.clone() };
        self.open_in(store, options).expect("the console opens")
    }

    fn open_in(&self, store: Store, options: Options) -> Result<Snapshots> {
        let database = Database::open(&self.db_path(), &self.events)?;
        Snapshots::open(database, store, options)
    }

    /// Takes a snapshot.
    pub(crate) fn take(&self, note: &str) -> SnapshotRef {
        self.snapshots().take(Some(note), BY).expect("a snapshot is taken").snapshot()
    }

    /// What a restore would change.
    pub(crate) fn preview(&self, snapshot: &SnapshotRef) -> Preview {
        self.snapshots().preview(snapshot).expect("a preview")
    }

    /// The changed rows of a table, all on one page.
    pub(crate) fn changed_rows(&self, snapshot: &SnapshotRef, table: &str) -> Vec<RowChange> {
        let page = Page { limit: 1000, ..Page::default() };
        let to = Point::Snapshot(snapshot.clone());
        self.snapshots().rows(&Point::Now, &to, table, &page).expect("the changed rows").rows
    }

    /// Restores.
    pub(crate) fn restore(&self, snapshot: &SnapshotRef, scope: Scope) -> Restored {
        self.try_restore(&request(snapshot, scope)).expect("a restore")
    }

    /// Restores, which may be refused.
    pub(crate) fn try_restore(&self, request: &RestoreRequest) -> Result<Restored> {
        self.snapshots().restore(request)
    }

    /// Undoes a restore: restores its safety copy in the same scope.
    pub(crate) fn undo(&self, restored: &Restored) -> Restored {
        self.restore(&restored.rewind, restored.scope)
    }

    /// Writes a snapshot to a file beside the database.
    pub(crate) fn export(&self, snapshot: &SnapshotRef, format: Format) -> PathBuf {
        let file = self.file(&format!("{}.{}", snapshot.id, format.name()));
        let _ = std::fs::remove_file(&file);
        self.snapshots().export(snapshot, format, &file, BY).expect("an export");
        file
    }

    /// Pins a snapshot.
    pub(crate) fn pin(&self, snapshot: &SnapshotRef) {
        let change = LabelChange { pinned: Some(true), note: None };
        self.snapshots().label(snapshot, &change, BY).expect("a pin");
    }

    /// `kind/id` of every snapshot, newest first.
    pub(crate) fn listed(&self) -> Vec<SnapshotRef> {
        let list = self.snapshots().list().expect("a list");
        list.snapshots.iter().map(snapback::snapshot::Entry::snapshot).collect()
    }

    /// Waits until so many snapshots are listed.
    pub(crate) fn wait_for_snapshots(&self, count: usize) {
        let start = Instant::now();
        while self.listed().len() < count {
            assert!(start.elapsed() < Duration::from_mins(1), "never {count}: {:?}", self.listed());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Puts a file among the store's snapshots, as a person with `cp` would.
    pub(crate) fn drop_in(&self, snapshot: &SnapshotRef, content: impl AsRef<[u8]>) {
        let path = self.manifest(snapshot);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
        std::fs::write(path, content).expect("a file is written");
    }

    /// The file of a snapshot in the store.
    pub(crate) fn manifest(&self, snapshot: &SnapshotRef) -> PathBuf {
        self.store_dir().join(format!("snapshots/{snapshot}.json"))
    }

    /// The store's packs.
    pub(crate) fn packs(&self) -> Vec<PathBuf> {
        let Ok(folder) = std::fs::read_dir(self.store_dir().join("packs")) else {
            return Vec::new();
        };
        let mut packs: Vec<PathBuf> = folder
            .map(|file| file.expect("a file").path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "pack"))
            .collect();
        packs.sort();
        packs
    }

    /// Threads of the application that write until told to stop.
    pub(crate) fn writer(&self) -> LiveWriter {
        LiveWriter::start(&self.db_path(), 3)
    }
}

/// A restore as the pages ask for it, without a plan.
pub(crate) fn request(snapshot: &SnapshotRef, scope: Scope) -> RestoreRequest {
    RestoreRequest {
        snapshot: snapshot.clone(),
        scope,
        tables: Vec::new(),
        plan: None,
        moving: false,
        accept_schema: false,
        by: BY.to_owned(),
    }
}

/// Names a snapshot.
pub(crate) fn named(text: &str) -> SnapshotRef {
    text.parse().expect("kind/id")
}

/// Opens the database as the application does.
pub(crate) fn connect(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("the database opens");
    connection.busy_timeout(Duration::from_secs(5)).expect("a timeout");
    connection.pragma_update(None, "foreign_keys", true).expect("foreign keys");
    connection.pragma_update(None, "synchronous", "normal").expect("synchronous");
    connection
}

/// What a query answers, each value as SQLite would write it.
pub(crate) fn query(connection: &Connection, sql: &str) -> Vec<Vec<String>> {
    let mut statement = connection.prepare(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        (0..columns).map(|place| row.get_ref(place).map(written)).collect::<rusqlite::Result<_>>()
    });
    rows.and_then(Iterator::collect).unwrap_or_else(|error| panic!("{error}: {sql}"))
}

/// Every row of every table, view and virtual table, rowids among them.
pub(crate) fn state(connection: &Connection) -> State {
    let mut tables = connection
        .prepare(
            "SELECT name, type = 'table' AND NOT wr AND name <> 'sqlite_sequence'
             FROM pragma_table_list
             WHERE schema = 'main' AND type <> 'shadow' AND name <> 'sqlite_schema'",
        )
        .expect("the tables are asked");
    let tables: Vec<(String, bool)> = tables
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .and_then(Iterator::collect)
        .expect("the tables");
    let dump = |(name, rowid): (String, bool)| {
        let quoted = name.replace('"', "\"\"");
        let rowid = if rowid { "_rowid_, " } else { "" };
        let rows = query(connection, &format!("SELECT {rowid}* FROM main.\"{quoted}\""));
        let mut rows: Vec<String> = rows.iter().map(|row| row.join(" | ")).collect();
        rows.sort();
        (name, rows)
    };
    tables.into_iter().map(dump).collect()
}

/// One value, so that two of different type, sign or bytes are written differently.
pub(crate) fn written(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(integer) => integer.to_string(),
        ValueRef::Real(real) => format!("{real:?}"),
        ValueRef::Text(bytes) => format!("'{}'", bytes.escape_ascii()),
        ValueRef::Blob(bytes) => format!("x'{}'", bytes.escape_ascii()),
    }
}

fn set_journal(connection: &Connection, mode: &str) {
    let set: String = connection
        .query_row(&format!("PRAGMA journal_mode = {mode}"), [], |row| row.get(0))
        .expect("a journal mode");
    assert_eq!(set, mode);
}
