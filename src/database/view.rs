//! What can be read in one transaction: the schema, positions, events, and rows in identity order.

use std::fmt::Write as _;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql};

use super::pages::{self, Pages};
use super::schema::{Identity, Schema, Table, quoted};
use super::{EventLog, UTF8_COLLATION, failure};
use crate::error::Result;

/// A connection inside a transaction, for reading.
#[derive(Clone, Copy)]
pub(crate) struct View<'c> {
    connection: &'c Connection,
}

/// The first and the last identity that are wanted.
pub(crate) type Range<'r> = (&'r [&'r dyn ToSql], &'r [&'r dyn ToSql]);

/// A row that breaks a foreign key: its rowid (`None` in a WITHOUT ROWID table), the parent table,
/// and the number of the foreign key.
pub(crate) type Violation = (Option<i64>, String, i64);

/// One event, its columns as SQLite gives them.
pub(crate) type EventRow<'r> = &'r [(String, ValueRef<'r>)];

/// Which events are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventRange<'r> {
    /// Only those behind this position.
    pub(crate) after: i64,
    /// Only those below this position.
    pub(crate) before: Option<i64>,
    /// Only those of this type.
    pub(crate) kind: Option<&'r str>,
}

/// The type of an event as SQL for a text; empty where it has none.
fn type_text(column: Option<&str>) -> String {
    match column {
        Some(column) => format!("coalesce(CAST({} AS TEXT), '')", quoted(column)),
        None => "''".to_owned(),
    }
}

impl<'c> View<'c> {
    pub(crate) fn over(connection: &'c Connection) -> Self {
        Self { connection }
    }

    /// The schema of the main database.
    pub(crate) fn schema(self) -> Result<Schema> {
        Schema::read(self.connection)
    }

    /// The greatest position of the log; 0 while it is empty.
    pub(crate) fn position(self, log: &EventLog) -> Result<i64> {
        let sql = format!("SELECT max({}) FROM main.{}", quoted(&log.position), quoted(&log.table));
        self.one::<Option<i64>>(&sql)
            .map(Option::unwrap_or_default)
            .map_err(|error| error.on(&log.table))
    }

    /// The first and the last position of the log; `None` while it is empty.
    pub(crate) fn position_range(self, log: &EventLog) -> Result<Option<(i64, i64)>> {
        let (column, table) = (quoted(&log.position), quoted(&log.table));
        // Two lookups in the index; min and max in one query would read every event.
        let sql = format!(
            "SELECT (SELECT min({column}) FROM main.{table}), (SELECT max({column}) FROM main.{table})"
        );
        self.connection
            .query_row(&sql, [], |row| {
                Ok(row.get::<_, Option<i64>>(0)?.zip(row.get::<_, Option<i64>>(1)?))
            })
            .map_err(|error| failure("the event log cannot be read", error).on(&log.table))
    }

    /// What the time column says of the first event at `position` or behind it; `None` without a
    /// time column or such an event.
    pub(crate) fn event_time(
        self,
        log: &EventLog,
        position: i64,
    ) -> Result<Option<rusqlite::types::Value>> {
        let Some(time) = &log.time_column else { return Ok(None) };
        let sql = format!(
            "SELECT {} FROM main.{} WHERE {column} >= ?1 ORDER BY {column} LIMIT 1",
            quoted(time),
            quoted(&log.table),
            column = quoted(&log.position),
        );
        let read = || {
            self.connection.prepare_cached(&sql)?.query_row([position], |row| row.get(0)).optional()
        };
        read().map_err(|error| failure("the event log cannot be read", error).on(&log.table))
    }

    /// The pages of the tables, hashed with `seed`; `None` where rows must be read instead.
    pub(crate) fn pages(self, seed: u64) -> Result<Option<Pages<'c>>> {
        Pages::open(self.connection, seed)
    }

    /// The root page of a table.
    pub(crate) fn root_page(self, table: &Table) -> Result<Option<u32>> {
        pages::root_page(self.connection, &table.name)
    }

    /// Size in bytes: pages times page size.
    pub(crate) fn bytes(self) -> Result<u64> {
        let size = self
            .one::<i64>("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")?;
        Ok(u64::try_from(size).unwrap_or_default())
    }

    /// The journal mode: `wal`, `delete`, ….
    pub(crate) fn journal_mode(self) -> Result<String> {
        self.one("PRAGMA main.journal_mode")
    }

    /// The application's own version of the schema, and its application id.
    pub(crate) fn versions(self) -> Result<(i64, i64)> {
        Ok((self.one("PRAGMA main.user_version")?, self.one("PRAGMA main.application_id")?))
    }

    /// The counter behind an AUTOINCREMENT key; `None` where nothing was counted yet.
    pub(crate) fn sequence(self, table: &Table) -> Result<Option<i64>> {
        if !table.autoincrement {
            return Ok(None);
        }
        self.connection
            .query_row(
                "SELECT seq FROM main.sqlite_sequence WHERE name = ?1",
                [&table.name],
                |row| row.get(0),
            )
            .optional()
            .map_err(|error| failure("sqlite_sequence cannot be read", error).on(&table.name))
    }

    fn one<T: rusqlite::types::FromSql>(self, sql: &str) -> Result<T> {
        self.connection
            .query_row(sql, [], |row| row.get(0))
            .map_err(|error| failure("the database cannot be read", error))
    }

    /// Hands every row to `each`, in identity order: a row's values are the columns, after the
    /// rowid where it is hidden. `range` holds the first and the last identity that are wanted.
    pub(crate) fn scan<E, F>(
        self,
        table: &Table,
        range: Option<Range<'_>>,
        mut each: F,
    ) -> Result<(), E>
    where
        F: FnMut(&Row<'_>) -> Result<(), E>,
        E: From<crate::Error>,
    {
        let failed = |error| E::from(failure("a table cannot be read", error).on(&table.name));
        let sql = self.scan_sql(table, range.is_some())?;
        let mut statement = self.connection.prepare_cached(&sql).map_err(failed)?;
        let mut rows = match range {
            None => statement.query([]),
            Some((first, last)) => {
                let bounds: Vec<&dyn ToSql> = first.iter().chain(last).copied().collect();
                statement.query(bounds.as_slice())
            }
        }
        .map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            each(row)?;
        }
        Ok(())
    }

    fn scan_sql(self, table: &Table, ranged: bool) -> Result<String> {
        let columns: Vec<String> = table.value_names().into_iter().map(quoted).collect();
        let key: Vec<String> = match &table.identity {
            Identity::Key(places) => {
                let collation = if self.one::<String>("PRAGMA main.encoding")? == "UTF-8" {
                    "BINARY"
                } else {
                    UTF8_COLLATION
                };
                places
                    .iter()
                    .map(|&place| {
                        format!("{} COLLATE {collation}", quoted(&table.columns[place].name))
                    })
                    .collect()
            }
            _ => table.identity_places().into_iter().map(|place| columns[place].clone()).collect(),
        };
        let mut sql = format!("SELECT {} FROM main.{}", columns.join(", "), quoted(&table.name));
        if ranged {
            let marks = |from: usize| -> Vec<String> {
                (from..from + key.len()).map(|n| format!("?{n}")).collect()
            };
            let list = |names: &[String]| {
                if names.len() == 1 { names[0].clone() } else { format!("({})", names.join(", ")) }
            };
            let (from, to) = (list(&marks(1)), list(&marks(1 + key.len())));
            let names = list(&key);
            let _ = write!(sql, " WHERE {names} >= {from} AND {names} <= {to}");
        }
        let _ = write!(sql, " ORDER BY {}", key.join(", "));
        Ok(sql)
    }

    /// Types of the events after `position`, each with its count and its greatest position, the
    /// type that came last first.
    pub(crate) fn event_types_after(
        self,
        log: &EventLog,
        position: i64,
    ) -> Result<Vec<(String, u64, i64)>> {
        let sql = format!(
            "SELECT {kind}, count(*), max({column}) FROM main.{table} \
             WHERE {column} > ?1 GROUP BY 1 ORDER BY 3 DESC",
            kind = type_text(log.type_column.as_deref()),
            column = quoted(&log.position),
            table = quoted(&log.table),
        );
        let read = || {
            let mut statement = self.connection.prepare_cached(&sql)?;
            let rows = statement.query_map([position], |row| {
                let kind = match row.get_ref(0)? {
                    ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                    _ => String::new(),
                };
                Ok((kind, row.get::<_, i64>(1)?.unsigned_abs(), row.get(2)?))
            })?;
            rows.collect::<rusqlite::Result<_>>()
        };
        read().map_err(|error| failure("the event log cannot be read", error).on(&log.table))
    }

    /// Hands out events of a range, the newest first.
    pub(crate) fn events(
        self,
        log: &EventLog,
        range: EventRange<'_>,
        limit: usize,
        mut each: impl FnMut(i64, EventRow<'_>),
    ) -> Result<()> {
        let of_type = match (range.kind, log.type_column.as_deref()) {
            (None, _) => String::new(),
            (Some(_), kind) => format!("AND {} = ?4 ", type_text(kind)),
        };
        let sql = format!(
            "SELECT {column}, * FROM main.{table} WHERE {column} > ?1 AND {column} <= ?2 {of_type}\
             ORDER BY {column} DESC LIMIT ?3",
            column = quoted(&log.position),
            table = quoted(&log.table),
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let last = range.before.map_or(i64::MAX, |before| before.saturating_sub(1));
        let mut read = || {
            let mut statement = self.connection.prepare_cached(&sql)?;
            let names: Vec<String> = statement.column_names().skip(1).map(str::to_owned).collect();
            let mut rows = match range.kind {
                Some(kind) => statement.query((range.after, last, limit, kind))?,
                None => statement.query((range.after, last, limit))?,
            };
            while let Some(row) = rows.next()? {
                let values = names
                    .iter()
                    .enumerate()
                    .map(|(place, name)| Ok((name.clone(), row.get_ref(place + 1)?)))
                    .collect::<rusqlite::Result<Vec<_>>>()?;
                each(row.get(0)?, &values);
            }
            Ok(())
        };
        read().map_err(|error| failure("the event log cannot be read", error).on(&log.table))
    }

    /// Rows of a table that break a foreign key.
    pub(crate) fn foreign_key_violations(self, table: &str) -> Result<Vec<Violation>> {
        let read = || {
            let mut statement = self
                .connection
                .prepare("SELECT rowid, parent, fkid FROM pragma_foreign_key_check(?1)")?;
            let rows =
                statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            rows.collect::<rusqlite::Result<_>>()
        };
        read().map_err(|error| failure("foreign keys cannot be checked", error).on(table))
    }
}
