//! The connection of a restore: one transaction in which rows are deleted, inserted and updated.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode};

use super::schema::{Table, quoted};
use super::spool::Spool;
use super::{View, begin_reading, failure, prepare};
use crate::error::{Error, Result};

/// A connection of its own, with foreign keys, triggers and CHECKs off: a snapshot's rows were
/// good when they were read, and nothing but them is to be written.
///
/// `PRAGMA foreign_keys` does nothing inside a transaction, so it is set before. The connection is
/// dropped after the restore and takes its settings with it; an open transaction is rolled back.
pub(crate) struct Writer {
    connection: Connection,
}

impl Writer {
    pub(super) fn over(connection: Connection) -> Result<Self> {
        let set = || {
            prepare(&connection)?;
            connection.pragma_update(None, "foreign_keys", false)?;
            connection.pragma_update(None, "ignore_check_constraints", true)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)
        };
        set().map_err(|error| failure("the database cannot be made ready for a restore", error))?;
        Ok(Self { connection })
    }

    /// What can be read in the transaction.
    pub(crate) fn view(&self) -> View<'_> {
        View::over(&self.connection)
    }

    /// Begins a transaction that only reads until [`Self::lock`] turns it into a writing one.
    pub(crate) fn begin(&self) -> Result<()> {
        begin_reading(&self.connection)
            .map_err(|error| self.failed("the restore cannot begin", error))
    }

    /// Begins a transaction that holds the write lock from the start.
    pub(crate) fn begin_locked(&self) -> Result<()> {
        self.connection
            .execute_batch("BEGIN IMMEDIATE")
            .map_err(|error| self.failed("the database's write lock cannot be had", error))
    }

    /// Turns the reading transaction into a writing one. `false` when another connection wrote
    /// since it began (`SQLITE_BUSY_SNAPSHOT`), or holds the lock: begin again, locked.
    pub(crate) fn lock(&self, any_table: &Table) -> Result<bool> {
        // A DELETE of no row takes the lock and changes nothing.
        let sql = format!("DELETE FROM main.{} WHERE 0", quoted(&any_table.name));
        match self.connection.execute_batch(&sql) {
            Ok(()) => Ok(true),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(false),
            Err(error) => Err(self.failed("the database's write lock cannot be had", error)),
        }
    }

    /// A failure of the whole transaction, which happened to the database.
    fn failed(&self, what: &str, error: rusqlite::Error) -> Error {
        failure(what, error).on(self.connection.path().unwrap_or_default())
    }

    /// Ends the transaction with nothing changed. SQLite may have rolled back by itself, as it
    /// does when the disk is full; a second ROLLBACK would be an error.
    pub(crate) fn roll_back(&self) {
        if !self.connection.is_autocommit() {
            // What cannot be rolled back now is rolled back when the connection is dropped.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    /// Makes everything lasting.
    pub(crate) fn commit(&self) -> Result<()> {
        self.connection
            .execute_batch("COMMIT")
            .map_err(|error| self.failed("the restore cannot be committed", error))
    }

    /// Moves what the WAL holds into the database as far as readers allow.
    pub(crate) fn checkpoint(&self) {
        // A checkpoint that cannot run now runs at some later commit of the application.
        let _ = self.connection.execute_batch("PRAGMA main.wal_checkpoint(PASSIVE)");
    }

    /// Makes the place where the changes of one table are gathered, the `number`th in this
    /// transaction.
    pub(crate) fn spool<'w>(&'w self, table: &'w Table, number: usize) -> Result<Spool<'w>> {
        Spool::new(&self.connection, table, number)
    }

    /// How many bytes the gathered changes take: what applying them writes at the least.
    pub(crate) fn gathered_bytes(&self) -> Result<u64> {
        let mut bytes = 1_u64;
        for pragma in ["PRAGMA temp.page_count", "PRAGMA temp.page_size"] {
            let number: u32 = self
                .connection
                .query_row(pragma, [], |row| row.get(0))
                .map_err(|error| failure("the size of the changes cannot be told", error))?;
            bytes *= u64::from(number);
        }
        Ok(bytes)
    }

    /// Sets the counter behind an AUTOINCREMENT key.
    pub(crate) fn set_sequence(&self, table: &Table, sequence: Option<i64>) -> Result<()> {
        if !table.autoincrement {
            return Ok(());
        }
        set_sequence(&self.connection, &table.name, sequence)
    }

    /// Rebuilds a full-text index from the table that it indexes.
    pub(crate) fn rebuild(&self, index: &str) -> Result<()> {
        rebuild(&self.connection, index)
    }
}

pub(super) fn set_sequence(
    connection: &Connection,
    table: &str,
    sequence: Option<i64>,
) -> Result<()> {
    let set = || {
        connection.execute("DELETE FROM main.sqlite_sequence WHERE name = ?1", [table])?;
        if let Some(sequence) = sequence {
            connection.execute(
                "INSERT INTO main.sqlite_sequence(name, seq) VALUES(?1, ?2)",
                (table, sequence),
            )?;
        }
        Ok(())
    };
    set().map_err(|error| failure("sqlite_sequence cannot be set", error).on(table))
}

pub(super) fn rebuild(connection: &Connection, index: &str) -> Result<()> {
    let sql = format!("INSERT INTO main.{name}({name}) VALUES('rebuild')", name = quoted(index));
    connection
        .execute_batch(&sql)
        .map_err(|error| failure("a full-text index cannot be rebuilt", error).on(index))
}
