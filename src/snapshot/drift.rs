//! How two schemas differ, in words: what a restore would have to reconcile.

use std::collections::BTreeMap;

use crate::database::{Column, Identity, Object, Schema, Table};

/// Differences between the schema of `snapshot` and that of the database, one sentence each.
pub(crate) fn differences(snapshot: &Schema, database: &Schema) -> Vec<String> {
    let mut said = Vec::new();
    for table in &snapshot.tables {
        match database.table(&table.name) {
            Some(now) => tables(table, now, &mut said),
            None => said.push(format!(
                "table {} is in the snapshot and not in the database: its rows cannot be carried over",
                table.name
            )),
        }
    }
    for table in &database.tables {
        if snapshot.table(&table.name).is_none() {
            said.push(format!(
                "table {} is in the database and not in the snapshot: it is left alone",
                table.name
            ));
        }
    }
    objects(&snapshot.objects, &database.objects, &mut said);
    said
}

fn tables(then: &Table, now: &Table, said: &mut Vec<String>) {
    let name = &then.name;
    for column in &then.columns {
        match now.column(&column.name) {
            None => said.push(format!(
                "column {name}.{} is in the snapshot and not in the database: its values cannot be carried over",
                column.name
            )),
            Some(present) => columns(name, column, present, said),
        }
    }
    for column in &now.columns {
        if then.column(&column.name).is_none() {
            let consequence = match column.default.as_deref() {
                Some(default) => format!("rows brought back get {default}"),
                None if column.not_null => {
                    format!("it is NOT NULL without a default, so no row of {name} fits")
                }
                None => "rows brought back get NULL".to_owned(),
            };
            said.push(format!(
                "column {name}.{} is in the database and not in the snapshot: {consequence}",
                column.name
            ));
        }
    }
    let before = said.len();
    if key(then) != key(now) {
        said.push(format!("the key of {name} was {} and is {}", key(then), key(now)));
    }
    if then.storage != now.storage {
        said.push(format!("table {name} is stored in another way than it was"));
    }
    let order =
        |table: &Table| table.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    let (mut old, mut new) = (order(then), order(now));
    if old != new {
        old.sort_unstable();
        new.sort_unstable();
        if old == new {
            said.push(format!("the columns of {name} stand in another order"));
        }
    }
    if said.len() == before && then.columns == now.columns && plain(&then.sql) != plain(&now.sql) {
        said.push(format!(
            "table {name} is declared differently: constraints, collations or generated columns"
        ));
    }
}

fn columns(table: &str, then: &Column, now: &Column, said: &mut Vec<String>) {
    let typed = |declared: &str| {
        if declared.is_empty() { "no type".to_owned() } else { declared.to_owned() }
    };
    if !then.declared.eq_ignore_ascii_case(&now.declared) {
        said.push(format!(
            "column {table}.{} was {} and is {}",
            now.name,
            typed(&then.declared),
            typed(&now.declared)
        ));
    }
    if then.not_null != now.not_null {
        let may = |refuses: bool| if refuses { "NOT NULL" } else { "free to be NULL" };
        said.push(format!(
            "column {table}.{} was {} and is {}",
            now.name,
            may(then.not_null),
            may(now.not_null)
        ));
    }
    if then.default != now.default {
        let default = |column: &Column| column.default.clone().unwrap_or_else(|| "none".to_owned());
        said.push(format!(
            "the default of column {table}.{} was {} and is {}",
            now.name,
            default(then),
            default(now)
        ));
    }
}

fn key(table: &Table) -> String {
    let named = |places: &[usize]| {
        let names: Vec<_> =
            places.iter().map(|&place| table.columns[place].name.as_str()).collect();
        format!("({})", names.join(", "))
    };
    match &table.identity {
        Identity::Column(place) => named(&[*place]),
        Identity::Key(places) => named(places),
        Identity::Rowid(_) => {
            let places: Vec<usize> =
                table.declared_key_places().into_iter().map(|place| place - 1).collect();
            if places.is_empty() { "the rowid".to_owned() } else { named(&places) }
        }
    }
}

fn objects(then: &[Object], now: &[Object], said: &mut Vec<String>) {
    let by_name = |objects: &[Object]| -> BTreeMap<(String, String), Object> {
        objects
            .iter()
            .map(|object| ((object.kind.clone(), object.name.clone()), object.clone()))
            .collect()
    };
    let (then, now) = (by_name(then), by_name(now));
    for ((kind, name), object) in &then {
        match now.get(&(kind.clone(), name.clone())) {
            None => said.push(format!(
                "{kind} {name} is in the snapshot and not in the database: it stays gone"
            )),
            Some(present) if plain(&present.sql) != plain(&object.sql) => {
                said.push(format!(
                    "{kind} {name} is declared differently: it stays as it is in the database"
                ));
            }
            Some(_) => {}
        }
    }
    for (kind, name) in now.keys().filter(|name| !then.contains_key(*name)) {
        said.push(format!("{kind} {name} is in the database and not in the snapshot: it stays"));
    }
}

/// SQL with its white space folded: a layout of lines is no difference.
fn plain(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}
