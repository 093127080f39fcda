//! The connection of a restore: one transaction in which rows are deleted, inserted and updated.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, Statement, ToSql};

use super::schema::{Identity, Storage, Table, quoted};
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
        begin_reading(&self.connection).map_err(|error| failure("the restore cannot begin", error))
    }

    /// Begins a transaction that holds the write lock from the start.
    pub(crate) fn begin_locked(&self) -> Result<()> {
        self.connection
            .execute_batch("BEGIN IMMEDIATE")
            .map_err(|error| failure("the database's write lock cannot be had", error))
    }

    /// Turns the reading transaction into a writing one. `false` when another connection wrote
    /// since it began (SQLITE_BUSY_SNAPSHOT), or holds the lock: begin again, locked.
    pub(crate) fn lock(&self, any_table: &Table) -> Result<bool> {
        // A DELETE of no row takes the lock and changes nothing.
        let sql = format!("DELETE FROM main.{} WHERE 0", quoted(&any_table.name));
        match self.connection.execute_batch(&sql) {
            Ok(()) => Ok(true),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(false),
            Err(error) => Err(failure("the database's write lock cannot be had", error)),
        }
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
            .map_err(|error| failure("the restore cannot be committed", error))
    }

    /// Moves what the WAL holds into the database as far as readers allow.
    pub(crate) fn checkpoint(&self) {
        // A checkpoint that cannot run now runs at some later commit of the application.
        let _ = self.connection.execute_batch("PRAGMA main.wal_checkpoint(PASSIVE)");
    }

    /// Prepares the writing of one table's rows.
    pub(crate) fn table<'w>(&'w self, table: &'w Table) -> Result<TableWriter<'w>> {
        TableWriter::new(&self.connection, table)
            .map_err(|error| failure("a table cannot be written", error).on(&table.name))
    }

    /// Sets the counter behind an AUTOINCREMENT key.
    pub(crate) fn set_sequence(&self, table: &Table, sequence: Option<i64>) -> Result<()> {
        if !table.autoincrement {
            return Ok(());
        }
        let set = || {
            self.connection
                .execute("DELETE FROM main.sqlite_sequence WHERE name = ?1", [&table.name])?;
            if let Some(sequence) = sequence {
                self.connection.execute(
                    "INSERT INTO main.sqlite_sequence(name, seq) VALUES(?1, ?2)",
                    (&table.name, sequence),
                )?;
            }
            Ok(())
        };
        set().map_err(|error| failure("sqlite_sequence cannot be set", error).on(&table.name))
    }

    /// Rebuilds a full-text index from the table that it indexes.
    pub(crate) fn rebuild(&self, index: &str) -> Result<()> {
        let sql =
            format!("INSERT INTO main.{name}({name}) VALUES('rebuild')", name = quoted(index));
        self.connection
            .execute_batch(&sql)
            .map_err(|error| failure("a full-text index cannot be rebuilt", error).on(index))
    }
}

/// Statements that write the rows of one table.
pub(crate) struct TableWriter<'w> {
    table: &'w Table,
    delete: Statement<'w>,
    insert: Statement<'w>,
    update: Option<Statement<'w>>,
}

impl<'w> TableWriter<'w> {
    fn new(connection: &'w Connection, table: &'w Table) -> rusqlite::Result<Self> {
        let name = quoted(&table.name);
        let names: Vec<String> = table.value_names().into_iter().map(quoted).collect();
        let places = table.identity_places();
        // The key is compared as bytes, as it is ordered.
        let collation =
            if matches!(table.identity, Identity::Key(_)) { " COLLATE BINARY" } else { "" };
        let is_row = |from: usize| {
            let terms: Vec<String> = places
                .iter()
                .enumerate()
                .map(|(n, &place)| format!("{}{collation} = ?{}", names[place], from + n))
                .collect();
            terms.join(" AND ")
        };
        let delete = connection.prepare(&format!("DELETE FROM main.{name} WHERE {}", is_row(1)))?;
        let marks: Vec<String> = (1..=names.len())
            .map(|n| match &table.identity {
                // VACUUM may have given this rowid to another row: then SQLite chooses.
                Identity::Rowid(rowid) if n == 1 && table.storage == Storage::Rowid => {
                    format!("CASE WHEN EXISTS(SELECT 1 FROM main.{name} WHERE {} = ?1) THEN NULL ELSE ?1 END", quoted(rowid))
                }
                _ => format!("?{n}"),
            })
            .collect();
        let insert = connection.prepare(&format!(
            "INSERT INTO main.{name}({}) VALUES({})",
            names.join(", "),
            marks.join(", ")
        ))?;
        let others: Vec<usize> = (0..names.len()).filter(|place| !places.contains(place)).collect();
        let update = if others.is_empty() || table.unique {
            None
        } else {
            let sets: Vec<String> =
                others.iter().map(|&place| format!("{} = ?{}", names[place], place + 1)).collect();
            let terms: Vec<String> = places
                .iter()
                .map(|&place| format!("{}{collation} = ?{}", names[place], place + 1))
                .collect();
            Some(connection.prepare(&format!(
                "UPDATE main.{name} SET {} WHERE {}",
                sets.join(", "),
                terms.join(" AND ")
            ))?)
        };
        Ok(Self { table, delete, insert, update })
    }

    /// Whether a changed row can be updated where it is. Where a UNIQUE index stands beside the
    /// identity two rows may have swapped their values: then all changed rows go before any comes.
    pub(crate) fn updates_in_place(&self) -> bool {
        self.update.is_some()
    }

    /// Deletes the row with this identity.
    pub(crate) fn delete(&mut self, identity: &[&dyn ToSql]) -> Result<()> {
        let deleted = self.delete.execute(identity);
        one_row(deleted, self.table, "deleted")
    }

    /// Inserts a row, given by all its values.
    pub(crate) fn insert(&mut self, values: &[&dyn ToSql]) -> Result<()> {
        let inserted = self.insert.execute(values);
        one_row(inserted, self.table, "inserted")
    }

    /// Gives the row with the identity among `values` all of these values.
    pub(crate) fn update(&mut self, values: &[&dyn ToSql]) -> Result<()> {
        match &mut self.update {
            Some(update) => {
                let updated = update.execute(values);
                one_row(updated, self.table, "updated")
            }
            None => Err(Error::failed("a row of this table cannot be updated in place")
                .on(&self.table.name)),
        }
    }
}

/// A statement that touched no row, or several, did not do what the plan says.
fn one_row(touched: rusqlite::Result<usize>, table: &Table, done: &str) -> Result<()> {
    match touched {
        // The count of a virtual table's own statements is the module's affair.
        Ok(1) => Ok(()),
        Ok(_) if table.storage == Storage::Virtual => Ok(()),
        Ok(count) => Err(Error::failed(format!("{count} rows were {done} where one was meant"))
            .on(&table.name)
            .hint("nothing was changed; take a new preview and try again")),
        Err(error) => Err(failure(&format!("a row cannot be {done}"), error).on(&table.name)),
    }
}
