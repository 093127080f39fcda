//! The event log: which table it is, and what its columns tell.

use rusqlite::{Connection, OptionalExtension as _};

use super::schema::{Identity, Schema, Storage, Table, quoted};
use super::{EventOptions, failure};
use crate::error::{Error, Result};

/// Names of tables that are taken for the log, the first that fits.
const TABLES: [&str; 5] = ["event_log", "events", "stored_events", "emt_messages", "journal"];
/// Names of columns that are taken for the position, where no INTEGER PRIMARY KEY is.
const POSITIONS: [&str; 5] = ["global_position", "position", "sequence", "seq", "id"];
/// Names of columns that are taken for an event's type.
const TYPES: [&str; 6] = ["event_type", "type", "event_name", "name", "message_type", "kind"];
/// Names of columns that are taken for an event's time.
const TIMES: [&str; 7] =
    ["created_at", "occurred_at", "recorded_at", "timestamp", "created", "time", "ts"];

/// The append-only table that is the source of truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventLog {
    /// The table.
    pub table: String,
    /// The column that only grows: a name, or one of the rowid's.
    pub position: String,
    /// The column that tells an event's type.
    pub type_column: Option<String>,
    /// The column that tells an event's time.
    pub time_column: Option<String>,
}

impl EventLog {
    /// Finds the log by what the caller says and by the names in use; `None` when the caller says
    /// that there is none.
    pub(crate) fn detect(
        connection: &Connection,
        schema: &Schema,
        options: &EventOptions,
    ) -> Result<Option<Self>> {
        let found = match options.table.as_deref() {
            Some("none") => return Ok(None),
            Some(name) => {
                let table = schema.table(name).ok_or_else(|| no_such_table(schema, name))?;
                let position = match &options.column {
                    Some(column) => stated_position(connection, table, column)?,
                    None => detected_position(connection, table)?,
                };
                (table, position)
            }
            None => detected(connection, schema, options)?,
        };
        let (table, position) = found;
        Ok(Some(Self {
            table: table.name.clone(),
            position,
            type_column: column_of(table, options.type_column.as_deref(), &TYPES)?,
            time_column: column_of(table, options.time_column.as_deref(), &TIMES)?,
        }))
    }
}

fn detected<'s>(
    connection: &Connection,
    schema: &'s Schema,
    options: &EventOptions,
) -> Result<(&'s Table, String)> {
    for name in TABLES {
        let Some(table) = schema.tables.iter().find(|table| table.name.eq_ignore_ascii_case(name))
        else {
            continue;
        };
        let position = match &options.column {
            Some(column) => stated_position(connection, table, column),
            None => detected_position(connection, table),
        };
        if let Ok(position) = position {
            return Ok((table, position));
        }
    }
    Err(Error::invalid("no event log was found in this database").on(listed(schema)).hint(
        "name the table with --event-table, or state --event-table none for a database without one",
    ))
}

fn listed(schema: &Schema) -> String {
    let names: Vec<_> = schema.tables.iter().map(|table| table.name.as_str()).collect();
    if names.is_empty() { "no tables".to_owned() } else { format!("tables {}", names.join(", ")) }
}

fn no_such_table(schema: &Schema, name: &str) -> Error {
    Error::invalid(format!("the event table {name:?} is not in this database"))
        .on(listed(schema))
        .hint("name one of these with --event-table, or none")
}

fn stated_position(connection: &Connection, table: &Table, column: &str) -> Result<String> {
    let known = table.column(column).map(|found| found.name.clone());
    let rowid = || {
        let alias =
            ["rowid", "_rowid_", "oid"].iter().any(|alias| alias.eq_ignore_ascii_case(column));
        (alias && table.storage == Storage::Rowid).then(|| column.to_owned())
    };
    let Some(name) = known.or_else(rowid) else {
        let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
        return Err(Error::invalid(format!(
            "the event column {column:?} is not in the event table"
        ))
        .on(format!("table {} with columns {}", table.name, names.join(", ")))
        .hint("name one of these with --event-column"));
    };
    if integer_in_every_row(connection, &table.name, &name)? {
        Ok(name)
    } else {
        Err(Error::invalid("the event column is not an integer in every row")
            .on(format!("{}.{name}", table.name))
            .hint("name a column that is, with --event-column"))
    }
}

/// An INTEGER PRIMARY KEY, else a column of a usual name that is an integer in every row, else
/// the rowid.
fn detected_position(connection: &Connection, table: &Table) -> Result<String> {
    if let Identity::Column(place) = table.identity {
        return Ok(table.columns[place].name.clone());
    }
    for name in POSITIONS {
        if let Some(column) = table.column(name)
            && integer_in_every_row(connection, &table.name, &column.name)?
        {
            return Ok(column.name.clone());
        }
    }
    match &table.identity {
        Identity::Rowid(alias) => Ok(alias.clone()),
        _ => Err(Error::invalid("the event table has no column that can be its position")
            .on(&table.name)
            .hint("name one with --event-column")),
    }
}

fn integer_in_every_row(connection: &Connection, table: &str, column: &str) -> Result<bool> {
    let sql = format!(
        "SELECT 1 FROM main.{} WHERE typeof({}) <> 'integer' LIMIT 1",
        quoted(table),
        quoted(column)
    );
    let other: Option<i64> = connection
        .query_row(&sql, [], |row| row.get(0))
        .optional()
        .map_err(|error| failure("the event log cannot be read", error).on(table))?;
    Ok(other.is_none())
}

fn column_of(table: &Table, stated: Option<&str>, usual: &[&str]) -> Result<Option<String>> {
    if let Some(name) = stated {
        let column = table.column(name).ok_or_else(|| {
            Error::invalid(format!("the column {name:?} is not in the event table"))
                .on(&table.name)
                .hint("name a column of this table")
        })?;
        return Ok(Some(column.name.clone()));
    }
    Ok(usual.iter().find_map(|name| table.column(name)).map(|column| column.name.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(sql: &str, options: &EventOptions) -> Result<Option<EventLog>> {
        let connection = Connection::open_in_memory().expect("a database");
        connection.execute_batch(sql).expect("the schema");
        let schema = Schema::read(&connection).expect("the schema is read");
        EventLog::detect(&connection, &schema, options)
    }

    fn position(sql: &str) -> (String, String) {
        let log = detect(sql, &EventOptions::default()).expect("found").expect("a log");
        (log.table, log.position)
    }

    #[test]
    fn the_position_is_a_key_else_a_usual_integer_column_else_the_rowid() {
        let found = |table: &str, column: &str| (table.to_owned(), column.to_owned());
        assert_eq!(
            position("CREATE TABLE events(n INTEGER PRIMARY KEY, id TEXT)"),
            found("events", "n")
        );
        assert_eq!(
            position(
                "CREATE TABLE stored_events(id TEXT PRIMARY KEY, seq INT); INSERT INTO stored_events VALUES('a', 1)"
            ),
            found("stored_events", "seq")
        );
        assert_eq!(
            position(
                "CREATE TABLE stored_events(id TEXT PRIMARY KEY); INSERT INTO stored_events VALUES('a')"
            ),
            found("stored_events", "rowid")
        );
        assert_eq!(
            position(
                "CREATE TABLE journal(id INTEGER PRIMARY KEY); CREATE TABLE events(a PRIMARY KEY) WITHOUT ROWID"
            ),
            found("journal", "id")
        );
    }

    #[test]
    fn what_the_caller_says_wins() {
        let sql = "CREATE TABLE event_log(id INTEGER PRIMARY KEY); CREATE TABLE facts(n INT, at TEXT, what TEXT)";
        let options = EventOptions {
            table: Some("facts".into()),
            column: Some("n".into()),
            type_column: Some("what".into()),
            time_column: Some("at".into()),
        };
        let log = detect(sql, &options).expect("found").expect("a log");
        assert_eq!((log.table.as_str(), log.position.as_str()), ("facts", "n"));
        assert_eq!(
            (log.type_column.as_deref(), log.time_column.as_deref()),
            (Some("what"), Some("at"))
        );
    }

    #[test]
    fn a_database_without_a_log_is_refused_with_the_tables_and_the_option() {
        let error = detect("CREATE TABLE a(x); CREATE TABLE b(x)", &EventOptions::default())
            .expect_err("no log");
        assert_eq!(error.to_string(), "tables a, b: no event log was found in this database");
        assert!(error.next_step().contains("--event-table none"));
        let none = EventOptions { table: Some("none".into()), ..EventOptions::default() };
        assert_eq!(detect("CREATE TABLE a(x)", &none).expect("fine"), None);
    }
}
