//! Whether the database has changed, told without reading it.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

/// Stands for one state of the database: never the same for two states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// Which connection it was asked on: each counts for itself.
    connection: u64,
    count: i64,
}

/// A connection that only ever asks whether others have changed the database.
///
/// SQLite's `data_version` tells of what other connections committed, in whatever process, and not
/// of a connection's own commits: so it is asked on one that has none.
#[derive(Default)]
pub(super) struct Versions {
    asked: Mutex<Asked>,
}

#[derive(Default)]
struct Asked {
    opened: u64,
    connection: Option<Connection>,
}

impl Versions {
    /// The present version; `None` when it cannot be told.
    pub(super) fn present(&self, path: &Path) -> Option<Version> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let Asked { opened, connection } = &mut *asked;
        if connection.is_none() {
            *opened += 1;
            *connection = open(path).ok();
        }
        let ask = |connection: &Connection| {
            connection.prepare_cached("PRAGMA main.data_version")?.query_row([], |row| row.get(0))
        };
        let count = connection.as_ref().and_then(|connection| ask(connection).ok());
        if count.is_none() {
            *connection = None;
        }
        count.map(|count| Version { connection: *opened, count })
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = super::connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_stays_until_somebody_commits_and_never_comes_back() {
        for mode in ["wal", "delete"] {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("app.db");
            let app = Connection::open(&path).expect("a database");
            app.pragma_update(None, "journal_mode", mode).expect("a journal mode");
            app.execute_batch("CREATE TABLE t(a)").expect("a table");
            let versions = Versions::default();
            let mut seen = vec![versions.present(&path).expect("a version")];
            for sql in [
                "INSERT INTO t VALUES (1)",
                "UPDATE t SET a = 2",
                "DELETE FROM t",
                "VACUUM",
                "DROP TABLE t",
            ] {
                assert_eq!(versions.present(&path).as_ref(), seen.last(), "{mode}: {sql}");
                app.execute_batch(sql).expect(sql);
                let version = versions.present(&path).expect("a version");
                assert!(!seen.contains(&version), "{mode}: {sql}");
                seen.push(version);
            }
        }
    }
}
