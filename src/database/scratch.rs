//! Databases of our own: a temporary one to sort and join rows that need not fit in memory, and
//! the files of exports and imports.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::schema::{Table, quoted};
use super::writer::{rebuild, set_sequence};
use super::{Schema, View, failure, prepare};
use crate::error::{Error, Result};

/// A database that belongs to Snapback alone.
pub(crate) struct Scratch {
    connection: Connection,
}

impl Scratch {
    /// A temporary database, kept in memory while it is small and in SQLite's temporary folder
    /// beyond, gone when dropped.
    pub(crate) fn temporary() -> Result<Self> {
        let failed = |error| failure("a temporary database cannot be made", error);
        // An empty name is SQLite's for a private temporary database on disk.
        let connection = Connection::open("").map_err(failed)?;
        connection.pragma_update(None, "synchronous", "off").map_err(failed)?;
        Self::over(connection).map_err(failed)
    }

    /// Makes a new database file.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        if path.exists() {
            return Err(Error::invalid("the file exists already")
                .on(path.display())
                .hint("name a file that does not exist"));
        }
        Connection::open(path)
            .and_then(Self::over)
            .map_err(|error| failure("the database file cannot be made", error).on(path.display()))
    }

    /// Opens the database file of an export, for reading only.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .and_then(Self::over)
        .map_err(|error| failure("the database file cannot be read", error).on(path.display()))
    }

    fn over(connection: Connection) -> rusqlite::Result<Self> {
        prepare(&connection)?;
        connection.pragma_update(None, "foreign_keys", false)?;
        connection.pragma_update(None, "ignore_check_constraints", true)?;
        Ok(Self { connection })
    }

    /// The connection, for statements that only the caller knows.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What can be read.
    pub(crate) fn view(&self) -> View<'_> {
        View::over(&self.connection)
    }

    /// Makes the tables of a schema, without what hangs on them.
    pub(crate) fn create_tables(&self, tables: &[Table]) -> Result<()> {
        for table in tables {
            self.run(&table.sql).map_err(|error| error.on(&table.name))?;
        }
        Ok(())
    }

    /// Makes everything else of a schema: tables left out, indexes, triggers and views.
    pub(crate) fn create_objects(&self, schema: &Schema) -> Result<()> {
        for left_out in &schema.left_out {
            let made = self.run(&left_out.sql).map_err(|error| error.on(&left_out.name));
            match made {
                // Its extension is not loaded here, and nothing of it would be in the copy anyway.
                Err(error) if left_out.content.is_none() => {
                    tracing::warn!(%error, "the copy goes without a table");
                }
                made => made?,
            }
        }
        for object in &schema.objects {
            self.run(&object.sql).map_err(|error| error.on(&object.name))?;
        }
        Ok(())
    }

    /// Sets the counter behind an AUTOINCREMENT key.
    pub(crate) fn set_sequence(&self, table: &str, sequence: i64) -> Result<()> {
        set_sequence(&self.connection, table, Some(sequence))
    }

    /// Rebuilds a full-text index from the table that it indexes.
    pub(crate) fn rebuild(&self, index: &str) -> Result<()> {
        rebuild(&self.connection, index)
    }

    /// Runs statements that give no rows.
    pub(crate) fn run(&self, sql: &str) -> Result<()> {
        self.connection
            .execute_batch(sql)
            .map_err(|error| failure("the copy cannot be written", error))
    }

    /// The SQL that inserts a row, given by the values of the named columns.
    pub(crate) fn insert_columns_sql<'n>(
        table: &str,
        columns: impl Iterator<Item = &'n str>,
    ) -> String {
        let names: Vec<String> = columns.map(quoted).collect();
        if names.is_empty() {
            return format!("INSERT INTO main.{} DEFAULT VALUES", quoted(table));
        }
        let marks = vec!["?"; names.len()];
        format!(
            "INSERT INTO main.{}({}) VALUES({})",
            quoted(table),
            names.join(", "),
            marks.join(", ")
        )
    }

    /// The SQL that inserts a row of `table`, given by all its values.
    pub(crate) fn insert_sql(table: &Table) -> String {
        Self::insert_columns_sql(&table.name, table.value_names().into_iter())
    }
}
