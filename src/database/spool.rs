//! Changes of one table, gathered in a temporary table before the write lock is taken, then done by
//! SQLite in a few statements.

use rusqlite::{Connection, Statement, ToSql};

use super::failure;
use super::schema::{Storage, Table, quoted};
use crate::error::{Error, Result};

/// What happens to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// It goes.
    Delete,
    /// It comes.
    Insert,
    /// It gets other values.
    Update,
}

/// The changes of one table. Lives in the restore's transaction and is rolled back with it.
pub(crate) struct Spool<'w> {
    connection: &'w Connection,
    table: &'w Table,
    name: String,
    counts: [u64; 3],
}

/// Fills a spool.
pub(crate) struct SpoolFiller<'s> {
    insert: Statement<'s>,
    table: &'s Table,
    counts: &'s mut [u64; 3],
}

impl<'w> Spool<'w> {
    pub(super) fn new(connection: &'w Connection, table: &'w Table, number: usize) -> Result<Self> {
        let name = format!("temp.snapback_{number}");
        let columns: Vec<String> = (0..table.width()).map(|place| format!(", c{place}")).collect();
        connection
            .execute_batch(&format!(
                "CREATE TEMP TABLE snapback_{number}(write INTEGER{})",
                columns.concat()
            ))
            .map_err(|error| {
                failure("changes cannot be gathered in a temporary table", error).on(&table.name)
            })?;
        Ok(Self { connection, table, name, counts: [0; 3] })
    }

    /// Prepares the gathering.
    pub(crate) fn filler(&mut self) -> Result<SpoolFiller<'_>> {
        let marks = ", ?".repeat(self.table.width());
        let insert = self
            .connection
            .prepare(&format!("INSERT INTO {} VALUES(?{marks})", self.name))
            .map_err(|error| failure("changes cannot be gathered", error).on(&self.table.name))?;
        Ok(SpoolFiller { insert, table: self.table, counts: &mut self.counts })
    }

    /// The table whose changes these are.
    pub(crate) fn table(&self) -> &'w Table {
        self.table
    }

    /// Rows that go, come, and get other values.
    pub(crate) fn counts(&self) -> [u64; 3] {
        self.counts
    }

    /// Does all changes, and checks that each touched the one row it was meant for. The
    /// transaction holds the write lock.
    pub(crate) fn apply(&self) -> Result<()> {
        let [deletes, inserts, updates] = self.counts;
        // Where a UNIQUE index stands beside the identity two rows may have swapped their values:
        // there all changed rows go before any comes back.
        let in_place =
            !self.table.unique && self.table.width() > self.table.identity_places().len();
        if in_place {
            self.delete(&[Write::Delete], deletes)?;
            self.update(updates)?;
        } else {
            self.delete(&[Write::Delete, Write::Update], deletes + updates)?;
            self.insert(Write::Update, updates)?;
        }
        self.insert(Write::Insert, inserts)
    }

    fn delete(&self, writes: &[Write], expected: u64) -> Result<()> {
        let key = self.key();
        let columns: Vec<String> =
            self.table.identity_places().iter().map(|place| format!("c{place}")).collect();
        let codes: Vec<String> = writes.iter().map(|write| code(*write).to_string()).collect();
        let names = if key.len() == 1 { key.concat() } else { format!("({})", key.join(", ")) };
        let sql = format!(
            "DELETE FROM main.{} WHERE {names} IN (SELECT {} FROM {} WHERE write IN ({}))",
            quoted(&self.table.name),
            columns.join(", "),
            self.name,
            codes.join(", "),
        );
        self.run(&sql, expected, "deleted")
    }

    fn insert(&self, write: Write, expected: u64) -> Result<()> {
        let table = quoted(&self.table.name);
        let names: Vec<String> = self.table.value_names().into_iter().map(quoted).collect();
        let mut values: Vec<String> = (0..names.len()).map(|place| format!("s.c{place}")).collect();
        let mut order = String::new();
        if !self.table.declared_key_places().is_empty() {
            // VACUUM may have given this rowid to another row. Then SQLite chooses a new one, after
            // all rows that keep theirs.
            let taken =
                format!("EXISTS(SELECT 1 FROM main.{table} AS t WHERE t.{} = s.c0)", names[0]);
            values[0] = format!("CASE WHEN {taken} THEN NULL ELSE s.c0 END");
            order = format!(" ORDER BY {taken}");
        }
        let sql = format!(
            "INSERT INTO main.{table}({}) SELECT {} FROM {} AS s WHERE s.write = {}{order}",
            names.join(", "),
            values.join(", "),
            self.name,
            code(write),
        );
        self.run(&sql, expected, "inserted")
    }

    fn update(&self, expected: u64) -> Result<()> {
        let places = self.table.identity_places();
        let names: Vec<String> = self.table.value_names().into_iter().map(quoted).collect();
        let sets: Vec<String> = (0..names.len())
            .filter(|place| !places.contains(place))
            .map(|place| format!("{} = s.c{place}", names[place]))
            .collect();
        let same: Vec<String> = self
            .key()
            .iter()
            .zip(&places)
            .map(|(name, place)| format!("t.{name} = s.c{place}"))
            .collect();
        let sql = format!(
            "UPDATE main.{} AS t SET {} FROM {} AS s WHERE s.write = {} AND {}",
            quoted(&self.table.name),
            sets.join(", "),
            self.name,
            code(Write::Update),
            same.join(" AND "),
        );
        self.run(&sql, expected, "updated")
    }

    /// Names of the identity's columns. A key is unique under its own collation, so it finds its
    /// row under that one.
    fn key(&self) -> Vec<String> {
        let names = self.table.value_names();
        self.table.identity_places().into_iter().map(|place| quoted(names[place])).collect()
    }

    fn run(&self, sql: &str, expected: u64, done: &str) -> Result<()> {
        if expected == 0 {
            return Ok(());
        }
        let touched = self.connection.execute(sql, []).map_err(|error| {
            failure(&format!("rows cannot be {done}"), error).on(&self.table.name)
        })?;
        // The count of a virtual table's statements is the module's own affair.
        if touched as u64 == expected || self.table.storage == Storage::Virtual {
            return Ok(());
        }
        Err(Error::failed(format!("{touched} rows were {done} where {expected} were meant"))
            .on(&self.table.name)
            .hint("nothing was changed; take a new preview and try again"))
    }
}

impl SpoolFiller<'_> {
    /// Adds a row that goes: only its identity matters.
    pub(crate) fn delete(&mut self, values: &[&dyn ToSql]) -> Result<()> {
        self.add(Write::Delete, values)
    }

    /// Adds a row that comes.
    pub(crate) fn insert(&mut self, values: &[&dyn ToSql]) -> Result<()> {
        self.add(Write::Insert, values)
    }

    /// Adds a row that gets these values; the identity among them is the row's present one.
    pub(crate) fn update(&mut self, values: &[&dyn ToSql]) -> Result<()> {
        self.add(Write::Update, values)
    }

    fn add(&mut self, write: Write, values: &[&dyn ToSql]) -> Result<()> {
        let code = code(write);
        let mut bound: Vec<&dyn ToSql> = Vec::with_capacity(values.len() + 1);
        bound.push(&code);
        bound.extend_from_slice(values);
        self.insert
            .execute(bound.as_slice())
            .map_err(|error| failure("changes cannot be gathered", error).on(&self.table.name))?;
        self.counts[usize::from(code)] += 1;
        Ok(())
    }
}

fn code(write: Write) -> u8 {
    match write {
        Write::Delete => 0,
        Write::Insert => 1,
        Write::Update => 2,
    }
}
