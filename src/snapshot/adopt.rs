//! A foreign snapshot as contents: its rows put into temporary tables of the wanted layout.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use rusqlite::{CachedStatement, params_from_iter};
use serde_json::{Map, Value as Json};

use super::contents::Contents;
use super::foreign::{self, Foreign, Owner, value_of};
use super::id::SnapshotRef;
use super::redact;
use crate::database::{Schema, Scratch, Table};
use crate::error::{Error, Result};

/// What came of reading a foreign file.
pub(crate) struct Adopted<'c> {
    pub(crate) contents: Contents<'c>,
    /// What of the file does not fit the layout, one sentence each.
    pub(crate) differences: Vec<String>,
    /// What of the layout is not in the file, one sentence each.
    pub(crate) notes: Vec<String>,
}

/// Columns that the rows of one table were seen to have.
#[derive(Default)]
struct Seen {
    columns: BTreeSet<String>,
    known: bool,
}

/// Reads a foreign file into `scratch`.
pub(crate) fn adopt<'c>(
    file: impl Read,
    snapshot: &SnapshotRef,
    layout: &Schema,
    event_table: Option<&str>,
    scratch: &'c Scratch,
) -> Result<Adopted<'c>> {
    scratch.create_tables(&layout.tables)?;
    scratch.run("BEGIN")?;
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    let found = foreign::read(file, &mut |owner, row| {
        let Some(name) = table_name(owner, event_table) else { return Ok(()) };
        let table = layout.table(name);
        let of_table = seen.entry(name.to_owned()).or_default();
        of_table.known = table.is_some();
        for column in row.keys() {
            if !of_table.columns.contains(column) {
                of_table.columns.insert(column.clone());
            }
        }
        table.map_or(Ok(()), |table| insert(scratch, table, row))
    })
    .map_err(|error| {
        Error::damaged(format!("the snapshot cannot be read: {}", redact::without_text(&error)))
            .on(snapshot)
            .hint("restore another snapshot; delete this one when it is not needed")
    })?;
    scratch.run("COMMIT")?;
    let held: Vec<&Table> =
        layout.tables.iter().filter(|table| holds(&found, &table.name, event_table)).collect();
    Ok(Adopted {
        contents: Contents::of_scratch(scratch, held.iter().copied())?,
        differences: differences(layout, &found, &seen),
        notes: layout
            .tables
            .iter()
            .filter(|table| !holds(&found, &table.name, event_table))
            .map(|table| format!("table {} is not in this snapshot: it is left alone", table.name))
            .collect(),
    })
}

fn table_name<'n>(owner: Owner<'n>, event_table: Option<&'n str>) -> Option<&'n str> {
    match owner {
        Owner::EventLog => event_table,
        Owner::Table(name) => Some(name),
    }
}

fn holds(found: &Foreign, table: &str, event_table: Option<&str>) -> bool {
    found.tables.contains_key(table) || event_table == Some(table)
}

fn insert(scratch: &Scratch, table: &Table, row: &Map<String, Json>) -> Result<(), String> {
    let names = table.value_names();
    let (columns, values): (Vec<&str>, Vec<_>) = names
        .into_iter()
        .filter_map(|name| field(row, name).map(|json| (name, value_of(json))))
        .unzip();
    let sql = Scratch::insert_columns_sql(&table.name, columns.into_iter());
    let run = || {
        let mut statement: CachedStatement<'_> = scratch.connection().prepare_cached(&sql)?;
        statement.execute(params_from_iter(&values))
    };
    run().map(drop).map_err(|error| format!("a row does not fit table {}: {error}", table.name))
}

/// The value under a column's name, whatever its case.
fn field<'r>(row: &'r Map<String, Json>, name: &str) -> Option<&'r Json> {
    row.get(name).or_else(|| {
        row.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, json)| json)
    })
}

fn differences(layout: &Schema, found: &Foreign, seen: &BTreeMap<String, Seen>) -> Vec<String> {
    let mut said = Vec::new();
    for name in found.tables.keys().filter(|name| layout.table(name).is_none()) {
        said.push(format!(
            "table {name} is in the snapshot and not in the database: its rows cannot be carried over"
        ));
    }
    for (name, of_table) in seen.iter().filter(|(_, of_table)| of_table.known) {
        let Some(table) = layout.table(name) else { continue };
        let names = table.value_names();
        let knows = |column: &str| {
            let generated = table.generated.iter().map(String::as_str);
            names.iter().copied().chain(generated).any(|known| known.eq_ignore_ascii_case(column))
        };
        for column in of_table.columns.iter().filter(|column| !knows(column)) {
            said.push(format!(
                "column {name}.{column} is in the snapshot and not in the database: its values cannot be carried over"
            ));
        }
        for column in &table.columns {
            if !of_table.columns.iter().any(|seen| seen.eq_ignore_ascii_case(&column.name)) {
                let default = column.default.as_deref().unwrap_or("NULL");
                said.push(format!(
                    "column {name}.{} is in the database and not in the snapshot: rows brought back get {default}",
                    column.name
                ));
            }
        }
    }
    said
}
