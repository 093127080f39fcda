//! Databases of our own: a temporary one to sort and join rows that need not fit in memory, and
//! the files of exports and imports.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::schema::{Object, Table, quoted};
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

    /// Begins a database in an empty file.
    pub(crate) fn begin_file(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(path, flags)
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
        tables.iter().try_for_each(|table| self.make(&table.name, &table.sql))
    }

    /// Makes an index, a trigger or a view.
    pub(crate) fn create_object(&self, object: &Object) -> Result<()> {
        self.make(&object.name, &object.sql)
    }

    /// Makes one thing of a schema. The SQL may come from a file that somebody sent: nothing runs but
    /// one CREATE statement.
    fn make(&self, name: &str, sql: &str) -> Result<()> {
        let refused = || {
            Error::damaged("its SQL in the snapshot does more than make it")
                .on(name)
                .hint("find out where the snapshot came from; restore another one")
        };
        if !sql.get(..7).is_some_and(|word| word.eq_ignore_ascii_case("create ")) {
            return Err(refused());
        }
        self.connection.execute(sql, []).map(drop).map_err(|error| match error {
            rusqlite::Error::MultipleStatement => refused(),
            error => failure("the copy cannot be written", error).on(name),
        })
    }

    /// Makes everything else of a schema: tables left out, indexes, triggers and views.
    pub(crate) fn create_objects(&self, schema: &Schema) -> Result<()> {
        for left_out in &schema.left_out {
            match self.make(&left_out.name, &left_out.sql) {
                // Its extension is not loaded here, and nothing of it would be in the copy anyway.
                Err(error) if left_out.content.is_none() => {
                    tracing::warn!(%error, "the copy goes without a table");
                }
                made => made?,
            }
        }
        schema.objects.iter().try_for_each(|object| self.create_object(object))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn of_the_sql_of_a_schema_nothing_runs_but_one_create_statement() {
        let folder = tempfile::tempdir().expect("a folder");
        let stray = folder.path().join("stray.db");
        let scratch = Scratch::temporary().expect("a database");
        scratch.make("t", "CREATE TABLE t(x); -- and no more").expect("made");
        let attach = format!("ATTACH '{}' AS stray", stray.display());
        for sql in [format!("CREATE TABLE u(x); {attach}"), attach] {
            let error = scratch.make("u", &sql).expect_err("more than it should be");
            assert_eq!((error.kind(), error.thing()), (ErrorKind::Damaged, "u"));
        }
        assert!(!stray.exists());
        assert_eq!(scratch.view().schema().expect("a schema").tables.len(), 1);
    }
}
