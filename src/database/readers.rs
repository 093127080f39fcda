//! Further read transactions in the state of one that was begun: for reading on several threads.

use std::path::Path;
use std::thread::available_parallelism;
use std::time::Duration;

use rusqlite::Connection;

use super::{ReadTransaction, connect, prepare};

/// Threads beyond these bring nothing: the file is read at memory speed.
const MOST: usize = 3;

/// Connections that may follow a transaction. A connection that cannot be had is gone without.
///
/// Nothing in SQL fixes the state of a second transaction, so it is checked: a further connection
/// tells whether anybody committed between the first transaction's beginning and the last one's.
/// <https://www.sqlite.org/pragma.html#pragma_data_version>
pub(crate) struct Readers {
    witness: Option<(Connection, i64)>,
    connections: Vec<Connection>,
}

impl Readers {
    /// Opens the connections. The transaction to be followed must begin after this.
    pub(super) fn ready(path: &Path) -> Self {
        let wanted = available_parallelism().map_or(1, usize::from).saturating_sub(1).min(MOST);
        let open = || -> rusqlite::Result<Connection> {
            let connection = connect(path)?;
            // Beside a rollback journal a writer that waits for the first transaction keeps others
            // from beginning: to wait for it here would be to wait for ourselves.
            connection.busy_timeout(Duration::ZERO)?;
            connection.pragma_update(None, "query_only", true)?;
            prepare(&connection)?;
            // In KiB: each page is read once.
            connection.pragma_update(None, "cache_size", -256)?;
            Ok(connection)
        };
        let connections: Vec<Connection> = (0..wanted).map_while(|_| open().ok()).collect();
        let witness = open().and_then(|connection| {
            let version = data_version(&connection)?;
            Ok((connection, version))
        });
        Self { witness: witness.ok().filter(|_| !connections.is_empty()), connections }
    }

    /// Begins a transaction on each connection, in the very state of the one that was begun since;
    /// none where somebody has written meanwhile.
    pub(crate) fn follow(self) -> Vec<ReadTransaction> {
        let Some((witness, before)) = self.witness else { return Vec::new() };
        let begin = |connection| ReadTransaction::begin(Box::new(Box::new(connection))).ok();
        let transactions: Vec<ReadTransaction> =
            self.connections.into_iter().filter_map(begin).collect();
        match data_version(&witness) {
            Ok(after) if after == before => transactions,
            _ => Vec::new(),
        }
    }
}

fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA main.data_version", [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{Database, EventOptions};

    fn stage(mode: &str) -> (tempfile::TempDir, Connection, Database) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("app.db");
        let connection = Connection::open(&path).expect("a database");
        connection
            .execute_batch(&format!(
                "PRAGMA journal_mode = {mode}; CREATE TABLE events(id INTEGER PRIMARY KEY); \
                 INSERT INTO events DEFAULT VALUES"
            ))
            .expect("a table");
        let database = Database::open(&path, &EventOptions::default()).expect("opened");
        (folder, connection, database)
    }

    fn positions(database: &Database, transactions: &[ReadTransaction]) -> Vec<i64> {
        let log = database.event_log().expect("a log");
        transactions.iter().map(|one| one.view().position(log).expect("read")).collect()
    }

    #[test]
    fn readers_see_what_the_transaction_that_they_follow_sees() {
        for mode in ["wal", "delete"] {
            let (_folder, writer, database) = stage(mode);
            let readers = database.readers();
            let first = database.read().expect("begun");
            let beside = readers.follow();
            if mode == "wal" {
                writer.execute_batch("INSERT INTO events DEFAULT VALUES").expect("written");
            }
            let log = database.event_log().expect("a log");
            assert_eq!(first.view().position(log).expect("read"), 1);
            assert!(positions(&database, &beside).iter().all(|position| *position == 1));
        }
    }

    #[test]
    fn nobody_follows_into_another_state() {
        let (_folder, writer, database) = stage("wal");
        let readers = database.readers();
        let _first = database.read().expect("begun");
        writer.execute_batch("INSERT INTO events DEFAULT VALUES").expect("written");
        assert!(readers.follow().is_empty());
    }
}
