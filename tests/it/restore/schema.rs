//! A snapshot of another schema.

use snapback::ErrorKind;
use snapback::snapshot::{RestoreRequest, Scope, SnapshotRef};

use crate::app::{App, request};

const SCHEMA: &str = "CREATE TABLE event_log(id INTEGER PRIMARY KEY);
    CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT); INSERT INTO t VALUES(1, 'a1', 'b1'), (2, 'a2', 'b2');
    CREATE TABLE gone(x); INSERT INTO gone VALUES(1);";

fn accepting(snapshot: &SnapshotRef) -> RestoreRequest {
    RestoreRequest { accept_schema: true, ..request(snapshot, Scope::Tables) }
}

#[test]
fn another_schema_is_refused_with_the_differences() {
    let app = App::new().schema(SCHEMA);
    let snapshot = app.take("before");
    app.sql(
        "ALTER TABLE t DROP COLUMN b; ALTER TABLE t ADD COLUMN c TEXT DEFAULT 'fresh'; DROP TABLE gone; CREATE TABLE new(x);
         CREATE INDEX by_a ON t(a)",
    );
    let state = app.state();
    let error = app.try_restore(&request(&snapshot, Scope::Tables)).expect_err("another schema");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let expected = [
        "table gone is in the snapshot and not in the database: its rows cannot be carried over",
        "column t.b is in the snapshot and not in the database: its values cannot be carried over",
        "column t.c is in the database and not in the snapshot: rows brought back get 'fresh'",
        "table new is in the database and not in the snapshot: it is left alone",
        "index by_a is in the database and not in the snapshot: it stays",
    ];
    assert_eq!(error.detail_lines(), expected);
    assert_eq!(app.preview(&snapshot).schema_differences, expected);
    assert_eq!(app.state(), state);
}

#[test]
fn an_accepted_schema_is_matched_by_the_names_of_columns() {
    let app = App::new().schema(SCHEMA);
    let snapshot = app.take("before");
    app.sql(
        "DROP TABLE t; CREATE TABLE t(c TEXT DEFAULT 'fresh', a TEXT, id INTEGER PRIMARY KEY);
         INSERT INTO t VALUES('kept', 'changed', 1), ('new', 'new', 3)",
    );
    let after = app.state();
    let restored = app.try_restore(&accepting(&snapshot)).expect("a restore");
    assert_eq!(
        app.query("SELECT id, a, c FROM t ORDER BY id"),
        [["1", "'a1'", "'fresh'"], ["2", "'a2'", "'fresh'"]]
    );
    assert!(!restored.notes.is_empty());
    app.undo(&restored);
    assert_eq!(app.state(), after);
}

#[test]
fn the_layout_of_lines_is_no_difference() {
    let app = App::new().schema(SCHEMA);
    let snapshot = app.take("before");
    app.sql("DROP TABLE gone; CREATE TABLE gone (x); INSERT INTO gone VALUES(2)");
    app.sql("DROP TABLE gone; CREATE TABLE gone(x); INSERT INTO gone VALUES(3)");
    assert_eq!(app.preview(&snapshot).schema_differences, Vec::<String>::new());
    app.restore(&snapshot, Scope::Tables);
    assert_eq!(app.value("SELECT x FROM gone"), "1");
}

#[test]
fn tables_with_no_columns_in_common_are_told_before() {
    let app = App::new().schema(SCHEMA);
    let snapshot = app.take("before");
    app.sql("DROP TABLE t; CREATE TABLE t(p, q); INSERT INTO t VALUES(1, 2)");
    let error = app.try_restore(&request(&snapshot, Scope::Tables)).expect_err("another schema");
    let said = error.detail_lines().join("\n");
    for part in [
        "column t.id is in the snapshot",
        "column t.p is in the database",
        "the key of t was (id) and is the rowid",
    ] {
        assert!(said.contains(part), "{said}");
    }
}
