//! Properties over generated schemas and data: a restore gives back what was, its undo what came
//! after, and the changed rows that a preview shows are exactly the difference between the two.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;
use snapback::snapshot::{Scope, SnapshotRef, Value};

use crate::app::{App, written};

/// Literals with a hazard each. Numbers come as integer and float, texts in both cases, so that
/// affinity and collation have something to do.
const VALUES: [&str; 24] = [
    "NULL",
    "0",
    "1",
    "2",
    "-1",
    "1.0",
    "2.5",
    "-0.0",
    "9e999",
    "-9e999",
    "9223372036854775807",
    "-9223372036854775808",
    "9007199254740993",
    "''",
    "'a'",
    "'A'",
    "'1'",
    "'ä'",
    "x''",
    "x'61'",
    "CAST(x'ff' AS TEXT)",
    "'a' || char(0)",
    "hex(zeroblob(3000))",
    "char(0x1F600)",
];

const TABLES: [&str; 12] = [
    "CREATE TABLE {}(id INTEGER PRIMARY KEY, a, b)",
    "CREATE TABLE {}(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT, b REAL)",
    "CREATE TABLE {}(id INTEGER PRIMARY KEY, a UNIQUE, b INTEGER)",
    "CREATE TABLE {}(a TEXT PRIMARY KEY, b)",
    "CREATE TABLE {}(a TEXT COLLATE NOCASE PRIMARY KEY, b) WITHOUT ROWID",
    "CREATE TABLE {}(a, b, PRIMARY KEY(b, a)) WITHOUT ROWID",
    "CREATE TABLE {}(a REAL PRIMARY KEY, b UNIQUE) WITHOUT ROWID",
    "CREATE TABLE {}(a, b)",
    "CREATE TABLE {}(a NUMERIC, b BLOB, UNIQUE(a, b), CHECK(a IS NOT 3))",
    "CREATE TABLE {}(id INTEGER PRIMARY KEY, a TEXT, b, both AS (a || b) STORED, UNIQUE(b COLLATE NOCASE))",
    "CREATE TABLE {}(a ANY, b ANY, PRIMARY KEY(a)) STRICT",
    "CREATE VIRTUAL TABLE {} USING fts5(a, b)",
];

/// One statement of an application, on the table of this number; what a constraint forbids is
/// not done.
#[derive(Clone, Debug)]
enum Write {
    Insert(usize, &'static str, &'static str),
    Change(usize, &'static str, &'static str),
    Swap(usize),
    Delete(usize, &'static str),
    Vacuum,
}

fn write() -> impl Strategy<Value = Write> {
    let table = 0_usize..3;
    let value = || select(VALUES.as_slice());
    prop_oneof![
        6 => (table.clone(), value(), value()).prop_map(|(t, a, b)| Write::Insert(t, a, b)),
        3 => (table.clone(), value(), value()).prop_map(|(t, a, b)| Write::Change(t, a, b)),
        1 => table.clone().prop_map(Write::Swap),
        2 => (table, value()).prop_map(|(t, a)| Write::Delete(t, a)),
        1 => Just(Write::Vacuum),
    ]
}

fn apply(app: &App, writes: &[Write]) {
    let run = |sql: &str| {
        // A statement that a constraint or a full-text table refuses is none of this test's matter.
        let _ = app.application().execute_batch(sql);
    };
    for write in writes {
        match write {
            Write::Insert(t, a, b) => run(&format!("INSERT INTO t{t}(a, b) VALUES({a}, {b})")),
            Write::Change(t, a, b) => {
                run(&format!("UPDATE OR IGNORE t{t} SET b = {b} WHERE a IS {a}"));
            }
            Write::Swap(t) => run(&format!("UPDATE OR REPLACE t{t} SET a = b, b = a")),
            Write::Delete(t, a) => run(&format!("DELETE FROM t{t} WHERE a IS {a} OR b IS {a}")),
            Write::Vacuum => run("VACUUM"),
        }
    }
    run("INSERT INTO event_log DEFAULT VALUES");
}

/// The rows of each table, without rowids, which VACUUM may change.
fn rows(app: &App) -> BTreeMap<String, Vec<String>> {
    (0..3)
        .map(|number| {
            let table = format!("t{number}");
            let columns = columns(app, &table);
            let mut rows: Vec<String> = app
                .query(&format!("SELECT {columns} FROM {table}"))
                .iter()
                .map(|row| row.join(" | "))
                .collect();
            rows.sort();
            (table, rows)
        })
        .collect()
}

fn columns(app: &App, table: &str) -> String {
    let names = app.query(&format!("SELECT name FROM pragma_table_info('{table}')"));
    names.iter().map(|row| row[0].trim_matches('\'').to_owned()).collect::<Vec<_>>().join(", ")
}

/// Carries the changed rows that a preview shows over to rows that were read by the application.
fn carried_over(app: &App, snapshot: &SnapshotRef) -> BTreeMap<String, Vec<String>> {
    let mut all = rows(app);
    for (table, rows) in &mut all {
        let text = |values: Vec<Value>| {
            values.iter().map(|value| written(value.as_sqlite())).collect::<Vec<_>>().join(" | ")
        };
        for change in app.changed_rows(snapshot, table) {
            if let Some(before) = change.before.map(text) {
                let place = rows.iter().position(|row| *row == before);
                rows.swap_remove(place.unwrap_or_else(|| panic!("{table} has no row {before}")));
            }
            rows.extend(change.after.map(text));
        }
        rows.sort();
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_restore_gives_back_what_was_and_its_undo_what_came_after(
        tables in proptest::collection::vec(select(TABLES.as_slice()), 3),
        utf16 in any::<bool>(),
        first in proptest::collection::vec(write(), 0..40),
        then in proptest::collection::vec(write(), 1..30),
    ) {
        let mut schema = String::from(if utf16 { "PRAGMA encoding = 'UTF-16';" } else { "" });
        schema.push_str("CREATE TABLE event_log(id INTEGER PRIMARY KEY, at TEXT);");
        for (number, table) in tables.iter().enumerate() {
            schema.push_str(&table.replace("{}", &format!("t{number}")));
            schema.push(';');
        }
        let app = App::new().schema(&schema).store_in_memory();
        apply(&app, &first);
        let before = rows(&app);
        let snapshot = app.take("before");
        apply(&app, &then);
        let after = rows(&app);
        prop_assert_eq!(&carried_over(&app, &snapshot), &before, "what the preview shows");

        for scope in [Scope::Tables, Scope::Rewind] {
            let restored = app.restore(&snapshot, scope);
            prop_assert_eq!(&rows(&app), &before, "restored, {}", scope);
            prop_assert_eq!(app.preview(&snapshot).differing_rows(), 0);
            app.undo(&restored);
            prop_assert_eq!(&rows(&app), &after, "undone, {}", scope);
        }
        prop_assert_eq!(app.value("PRAGMA integrity_check"), "'ok'");
    }
}

#[test]
fn values_of_the_row_encoding_are_written_as_sqlite_has_them() {
    let app = App::new().tables_only("CREATE TABLE t(id INTEGER PRIMARY KEY, x)");
    for value in VALUES {
        app.sql(&format!("INSERT INTO t(x) VALUES({value})"));
    }
    let snapshot = app.take("before");
    app.sql("DELETE FROM t");
    let encoded: Vec<String> = app
        .changed_rows(&snapshot, "t")
        .into_iter()
        .map(|row| written(row.after.expect("a row")[1].as_sqlite()))
        .collect();
    let expected: Vec<String> =
        VALUES.iter().map(|value| app.value(&format!("SELECT {value}"))).collect();
    assert_eq!(encoded, expected);
}
