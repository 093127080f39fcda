//! The live database: found, read and restored, always through SQLite.
//!
//! Nothing outside this module opens a connection, and nothing in this crate opens the database
//! file, its `-wal` or its `-shm` by itself: closing such a handle would drop the locks that
//! SQLite holds on the file for the whole process.

mod disk;
mod event_log;
mod hashing;
mod leaves;
mod pages;
mod readers;
mod record;
mod schema;
mod scratch;
mod spool;
mod version;
mod view;
mod writer;

pub use event_log::EventLog;
pub(crate) use hashing::{Hashing, SHARE};
pub(crate) use leaves::{Leaf, LeafWalk};
pub(crate) use pages::Pages;
pub(crate) use readers::Readers;
pub(crate) use record::RecordLayout;
pub use schema::{Column, Identity, LeftOut, Object, Schema, Storage, Table};
pub(crate) use scratch::Scratch;
pub(crate) use spool::{Spool, SpoolFiller};
pub(crate) use version::Version;
pub(crate) use view::{EventRange, Range, View, Violation};
pub(crate) use writer::Writer;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use r2d2::{ManageConnection, Pool, PooledConnection};
use rusqlite::{Connection, OpenFlags};
use scheduled_thread_pool::ScheduledThreadPool;

use crate::error::{Error, ErrorKind, Result};

/// The oldest SQLite that may be linked: 3.7.0 to 3.51.2 can corrupt a WAL database when two
/// connections write or checkpoint at once (fixed in 3.51.3).
const OLDEST_SQLITE: i32 = 3_051_003;
/// How long a connection waits for another one's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Read connections kept open at most.
const POOL_SIZE: u32 = 8;
/// The collation that orders text by its UTF-8 bytes in a database that stores UTF-16.
const UTF8_COLLATION: &str = "snapback_utf8";

/// What a caller says of the event log; what it leaves out is detected.
#[derive(Clone, Debug, Default)]
pub struct EventOptions {
    /// The log's table; `none` for a database without one.
    pub table: Option<String>,
    /// The position column.
    pub column: Option<String>,
    /// The column that tells an event's type.
    pub type_column: Option<String>,
    /// The column that tells an event's time.
    pub time_column: Option<String>,
}

/// One SQLite database that some application keeps writing to. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    connections: Box<dyn Connections>,
    event_log: Option<EventLog>,
    versions: version::Versions,
}

impl Database {
    /// Opens the existing database at `path`. A missing file is an error, never a new file, and so
    /// is one on a network file system, where SQLite's locks cannot be relied on.
    pub fn open(path: &Path, events: &EventOptions) -> Result<Self> {
        if path.is_file() {
            disk::check_local(path)?;
        }
        Self::open_anywhere(path, events)
    }

    /// The same on any file system: for somebody who knows that no other machine uses the file.
    pub fn open_anywhere(path: &Path, events: &EventOptions) -> Result<Self> {
        check_version(rusqlite::version_number())?;
        if !path.is_file() {
            let what =
                if path.exists() { "the database is not a file" } else { "there is no database" };
            return Err(Error::not_found(what)
                .on(path.display())
                .hint("check the path given with --db; Snapback never creates a database"));
        }
        let path = path.canonicalize().map_err(|error| {
            Error::failed("the database's path cannot be resolved")
                .on(path.display())
                .because(error)
        })?;
        // One connection first: a file that is no database is told here, in SQLite's words.
        connect(&path)
            .and_then(|connection| {
                connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
            })
            .map_err(|error| failure("the database cannot be opened", error).on(path.display()))?;
        let pool = Pool::builder()
            .max_size(POOL_SIZE)
            .min_idle(Some(0))
            .test_on_check_out(false)
            .thread_pool(pool_threads())
            .build(Opener { path: path.clone() })
            .map_err(|error| {
                Error::failed("the database cannot be opened").on(path.display()).because(error)
            })?;
        Self::with_pool(path, pool, events)
    }

    /// Serves a database over the pool of the application that owns it. Its connections are
    /// borrowed for reading only; a restore opens a connection of its own to the same file.
    pub fn on_pool<M>(pool: Pool<M>, events: &EventOptions) -> Result<Self>
    where
        M: ManageConnection<Connection = Connection>,
    {
        check_version(rusqlite::version_number())?;
        let path = pool
            .get()
            .map_err(|error| Error::failed("the pool gives no connection").because(error))?
            .path()
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
            .ok_or_else(|| {
                Error::invalid("the pool's database is not a file")
                    .hint("serve a database that is kept in a file")
            })?;
        Self::with_pool(path, pool, events)
    }

    fn with_pool<M>(path: PathBuf, pool: Pool<M>, events: &EventOptions) -> Result<Self>
    where
        M: ManageConnection<Connection = Connection>,
    {
        let connection = pool.get().map_err(|error| {
            Error::failed("the database gives no connection").on(path.display()).because(error)
        })?;
        prepare(&connection)
            .map_err(|error| failure("the database cannot be read", error).on(path.display()))?;
        let schema = Schema::read(&connection)?;
        let event_log = EventLog::detect(&connection, &schema, events)?;
        drop(connection);
        let connections = Box::new(pool);
        let versions = version::Versions::default();
        Ok(Self { inner: Arc::new(Inner { path, connections, event_log, versions }) })
    }

    /// The database's file name.
    #[must_use]
    pub fn name(&self) -> String {
        self.inner
            .path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    /// The database's full path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The event log; `None` for a database without one.
    #[must_use]
    pub fn event_log(&self) -> Option<&EventLog> {
        self.inner.event_log.as_ref()
    }

    /// Begins a read transaction: everything read through it is of one state.
    pub(crate) fn read(&self) -> Result<ReadTransaction> {
        let connection =
            self.inner.connections.borrow().map_err(|error| error.on(self.path().display()))?;
        prepare_once(&connection).and_then(|()| ReadTransaction::begin(connection)).map_err(
            |error| failure("the database cannot be read", error).on(self.path().display()),
        )
    }

    /// Makes ready to read on several threads in the state of a transaction that is begun next.
    pub(crate) fn readers(&self) -> Readers {
        Readers::ready(&self.inner.path)
    }

    /// Stands for the present state: another one has another version. `None` when it cannot be told.
    pub(crate) fn version(&self) -> Option<Version> {
        self.inner.versions.present(&self.inner.path)
    }

    /// Refuses what would write more than the disk has room for, in bytes.
    pub(crate) fn check_room(&self, needed: u64) -> Result<()> {
        disk::check_room(&self.inner.path, needed)
    }

    /// Opens the connection of a restore: not pooled, foreign keys and triggers off.
    pub(crate) fn writer(&self) -> Result<Writer> {
        let connection = connect(&self.inner.path).map_err(|error| {
            failure("the database cannot be opened for a restore", error).on(self.path().display())
        })?;
        Writer::over(connection).map_err(|error| error.on(self.path().display()))
    }
}

/// The version of the SQLite that is linked: `3.54.1`.
#[must_use]
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

fn check_version(version: i32) -> Result<()> {
    if version >= OLDEST_SQLITE {
        return Ok(());
    }
    Err(Error::failed("the SQLite that is linked can corrupt a database in WAL mode")
        .on(format!("SQLite {}", rusqlite::version()))
        .hint("build with SQLite 3.51.3 or later"))
}

/// A connection that somebody may own.
type Borrowed = Box<dyn Deref<Target = Connection> + Send>;

/// Where read connections come from.
trait Connections: Send + Sync {
    fn borrow(&self) -> Result<Borrowed>;
}

impl<M> Connections for Pool<M>
where
    M: ManageConnection<Connection = Connection>,
{
    fn borrow(&self) -> Result<Borrowed> {
        let connection: PooledConnection<M> = self.get().map_err(|error| {
            Error::new(ErrorKind::Busy, "no connection to the database is free")
                .because(error)
                .hint("try again shortly")
        })?;
        Ok(Box::new(connection))
    }
}

/// The threads on which every pool opens connections. A pool of its own threads keeps them for long
/// after it was dropped, and there may be many databases.
fn pool_threads() -> Arc<ScheduledThreadPool> {
    static THREADS: OnceLock<Arc<ScheduledThreadPool>> = OnceLock::new();
    let threads =
        || ScheduledThreadPool::builder().num_threads(2).thread_name_pattern("pool-{}").build();
    Arc::clone(THREADS.get_or_init(|| Arc::new(threads())))
}

/// Opens connections for the pool.
struct Opener {
    path: PathBuf,
}

impl ManageConnection for Opener {
    type Connection = Connection;
    type Error = rusqlite::Error;

    fn connect(&self) -> Result<Connection, rusqlite::Error> {
        let connection = connect(&self.path)?;
        connection.pragma_update(None, "query_only", true)?;
        prepare(&connection)?;
        Ok(connection)
    }

    fn is_valid(&self, connection: &mut Connection) -> Result<(), rusqlite::Error> {
        connection.execute_batch("SELECT 1")
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        !connection.is_autocommit()
    }
}

/// Opens an existing file for reading and writing; SQLite needs both to read in WAL mode.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// What every connection that reads rows needs.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(64);
    connection.create_collation(UTF8_COLLATION, |a, b| a.as_bytes().cmp(b.as_bytes()))
}

/// The same for a connection that may have been borrowed before, of a pool that does not do it.
fn prepare_once(connection: &Connection) -> rusqlite::Result<()> {
    let known = connection
        .prepare_cached("SELECT 1 FROM pragma_collation_list WHERE name = ?1")?
        .exists([UTF8_COLLATION])?;
    if known { Ok(()) } else { prepare(connection) }
}

/// A failure of SQLite in the crate's words, with the next step where it is known.
pub(crate) fn failure(what: &str, error: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode;
    let code = error.sqlite_error_code();
    let (kind, hint) = match code {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            ErrorKind::Busy,
            "another connection holds the database's lock; try again when its transaction has ended",
        ),
        Some(ErrorCode::DiskFull) => {
            (ErrorKind::Failed, "the disk is full; free some space and try again")
        }
        Some(ErrorCode::ReadOnly) => {
            (ErrorKind::Failed, "the database or its folder is read-only; allow writing")
        }
        Some(ErrorCode::NotADatabase) => {
            (ErrorKind::Failed, "the file is no SQLite database; check the path")
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            (ErrorKind::Failed, "the database is damaged; run PRAGMA integrity_check on it")
        }
        Some(ErrorCode::CannotOpen) => {
            (ErrorKind::Failed, "check the permissions of the file and its folder")
        }
        Some(ErrorCode::SystemIoFailure) => (
            ErrorKind::Failed,
            "the disk answered with an error; look at the system's log, then try again",
        ),
        _ => (ErrorKind::Failed, "look at what SQLite says in brackets, then try again"),
    };
    Error::new(kind, what).because(error).hint(hint)
}

/// A connection in a read transaction that ends when this is dropped.
pub(crate) struct ReadTransaction {
    connection: Borrowed,
}

impl ReadTransaction {
    fn begin(connection: Borrowed) -> rusqlite::Result<Self> {
        begin_reading(&connection)?;
        Ok(Self { connection })
    }

    /// What can be read in the transaction.
    pub(crate) fn view(&self) -> View<'_> {
        View::over(&self.connection)
    }
}

impl Drop for ReadTransaction {
    fn drop(&mut self) {
        // A connection that cannot even do this is thrown away by the pool.
        let _ = self.connection.execute_batch("ROLLBACK");
    }
}

/// BEGIN alone fixes no state: the first read does. Where that fails no transaction stays open: the
/// connection may be somebody else's.
fn begin_reading(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN")?;
    connection.execute_batch("SELECT 1 FROM main.sqlite_schema LIMIT 1").inspect_err(|_| {
        // SQLite may have rolled back by itself; a second ROLLBACK is an error that says nothing.
        let _ = connection.execute_batch("ROLLBACK");
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_linked_sqlite_is_new_enough_and_an_old_one_is_refused() {
        assert!(check_version(rusqlite::version_number()).is_ok());
        assert!(check_version(3_051_002).is_err());
    }

    #[test]
    fn a_missing_file_is_an_error_and_stays_missing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("gone.db");
        let error = Database::open(&path, &EventOptions::default()).err().expect("no database");
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(!path.exists());
    }

    /// The pool of an application, which knows nothing of what connections need here.
    struct Plain(PathBuf);

    impl ManageConnection for Plain {
        type Connection = Connection;
        type Error = rusqlite::Error;

        fn connect(&self) -> Result<Connection, rusqlite::Error> {
            let connection = Connection::open(&self.0)?;
            connection.busy_timeout(Duration::ZERO)?;
            Ok(connection)
        }

        fn is_valid(&self, _: &mut Connection) -> Result<(), rusqlite::Error> {
            Ok(())
        }

        fn has_broken(&self, _: &mut Connection) -> bool {
            false
        }
    }

    fn plain_pool(sql: &str, size: u32) -> (tempfile::TempDir, Pool<Plain>, Database) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("app.db");
        Connection::open(&path).and_then(|app| app.execute_batch(sql)).expect("a database");
        let pool = Pool::builder().max_size(size).build(Plain(path)).expect("a pool");
        let none = EventOptions { table: Some("none".into()), ..EventOptions::default() };
        let database = Database::on_pool(pool.clone(), &none).expect("opened");
        (folder, pool, database)
    }

    #[test]
    fn every_connection_of_an_applications_pool_can_read_every_table() {
        let (_folder, _, database) = plain_pool(
            "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(k TEXT PRIMARY KEY) WITHOUT ROWID; \
             INSERT INTO t VALUES('a'), ('b')",
            2,
        );
        let both = [database.read().expect("begun"), database.read().expect("begun")];
        for transaction in &both {
            let view = transaction.view();
            let (schema, mut rows) = (view.schema().expect("a schema"), 0);
            let table = schema.table("t").expect("the table");
            let read: Result<()> = view.scan(table, None, |_| {
                rows += 1;
                Ok(())
            });
            read.expect("read");
            assert_eq!(rows, 2);
        }
    }

    #[test]
    fn a_reading_that_cannot_begin_gives_the_application_its_connection_back_as_it_was() {
        let (folder, pool, database) = plain_pool("CREATE TABLE t(x)", 1);
        let other = Connection::open(folder.path().join("app.db")).expect("opened");
        other.execute_batch("BEGIN EXCLUSIVE").expect("locked");
        assert_eq!(database.read().err().expect("locked").kind(), ErrorKind::Busy);
        assert!(pool.get().expect("a connection").is_autocommit());
    }

    #[test]
    fn a_file_that_is_no_database_is_named_as_such() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "no database ".repeat(200)).expect("written");
        let error = Database::open(&path, &EventOptions::default()).err().expect("no database");
        assert_eq!(error.next_step(), "the file is no SQLite database; check the path");
    }
}
