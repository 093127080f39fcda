//! The schema has changed since the snapshot: what is said, what is refused, what is carried over.

use snapback::ErrorKind;
use snapback::snapshot::{RestoreRequest, Scope, SnapshotRef};

use crate::app::{App, request};

const SCHEMA: &str = "
    CREATE TABLE event_log(id INTEGER PRIMARY KEY);
    CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, n INTEGER);
    INSERT INTO t VALUES(1, 'one', 10), (2, '2', 20);
    CREATE TABLE u(code TEXT PRIMARY KEY, v) WITHOUT ROWID;
    INSERT INTO u VALUES('x', 1), ('y', 2);
    CREATE INDEX by_a ON t(a);
    CREATE TRIGGER stamp AFTER INSERT ON t BEGIN SELECT 1; END;
    CREATE VIEW names AS SELECT a FROM t;";

/// A snapshot of the schema, and then a change of it.
fn drifted(change: &str) -> (App, SnapshotRef) {
    let app = App::new().schema(SCHEMA);
    let snapshot = app.take("before");
    app.sql(change);
    (app, snapshot)
}

fn accepting(snapshot: &SnapshotRef) -> RestoreRequest {
    RestoreRequest { accept_schema: true, ..request(snapshot, Scope::Tables) }
}

/// Every kind of change, and all that is said of it.
const CHANGES: &[(&str, &[&str])] = &[
    (
        "CREATE TABLE new(x)",
        &["table new is in the database and not in the snapshot: it is left alone"],
    ),
    (
        "DROP TABLE u",
        &["table u is in the snapshot and not in the database: its rows cannot be carried over"],
    ),
    (
        "ALTER TABLE u RENAME TO w",
        &[
            "table u is in the snapshot and not in the database: its rows cannot be carried over",
            "table w is in the database and not in the snapshot: it is left alone",
        ],
    ),
    (
        "ALTER TABLE t ADD COLUMN b TEXT",
        &["column t.b is in the database and not in the snapshot: rows brought back get NULL"],
    ),
    (
        "ALTER TABLE t ADD COLUMN b TEXT NOT NULL DEFAULT 'none'",
        &["column t.b is in the database and not in the snapshot: rows brought back get 'none'"],
    ),
    (
        "ALTER TABLE t DROP COLUMN n",
        &[
            "column t.n is in the snapshot and not in the database: its values cannot be carried over",
        ],
    ),
    (
        "ALTER TABLE t RENAME COLUMN n TO m",
        &[
            "column t.n is in the snapshot and not in the database: its values cannot be carried over",
            "column t.m is in the database and not in the snapshot: rows brought back get NULL",
        ],
    ),
    (
        "DROP TABLE u; CREATE TABLE u(code TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID",
        &["column u.v was no type and is TEXT"],
    ),
    (
        "DROP TABLE u; CREATE TABLE u(code TEXT PRIMARY KEY, v NOT NULL) WITHOUT ROWID",
        &["column u.v was free to be NULL and is NOT NULL"],
    ),
    (
        "DROP TABLE u; CREATE TABLE u(code TEXT PRIMARY KEY, v DEFAULT 7) WITHOUT ROWID",
        &["the default of column u.v was none and is 7"],
    ),
    (
        "DROP TABLE u; CREATE TABLE u(v, code TEXT PRIMARY KEY) WITHOUT ROWID",
        &["the columns of u stand in another order"],
    ),
    (
        "DROP TABLE u; CREATE TABLE u(code TEXT PRIMARY KEY COLLATE NOCASE, v) WITHOUT ROWID",
        &["table u is declared differently: constraints, collations or generated columns"],
    ),
    (
        "DROP TABLE u; CREATE TABLE u(code TEXT NOT NULL, v, PRIMARY KEY(code, v)) WITHOUT ROWID",
        &[
            "column u.v was free to be NULL and is NOT NULL",
            "the key of u was (code) and is (code, v)",
        ],
    ),
    (
        "DROP TABLE u; CREATE TABLE u(code TEXT NOT NULL PRIMARY KEY, v)",
        &["table u is stored in another way than it was"],
    ),
    ("DROP INDEX by_a", &["index by_a is in the snapshot and not in the database: it stays gone"]),
    (
        "CREATE INDEX by_n ON t(n)",
        &["index by_n is in the database and not in the snapshot: it stays"],
    ),
    (
        "DROP INDEX by_a; CREATE INDEX by_a ON t(a, n)",
        &["index by_a is declared differently: it stays as it is in the database"],
    ),
    (
        "DROP TRIGGER stamp",
        &["trigger stamp is in the snapshot and not in the database: it stays gone"],
    ),
    (
        "CREATE TRIGGER more AFTER DELETE ON t BEGIN SELECT 1; END",
        &["trigger more is in the database and not in the snapshot: it stays"],
    ),
    (
        "DROP TRIGGER stamp; CREATE TRIGGER stamp AFTER UPDATE ON t BEGIN SELECT 1; END",
        &["trigger stamp is declared differently: it stays as it is in the database"],
    ),
    ("DROP VIEW names", &["view names is in the snapshot and not in the database: it stays gone"]),
    (
        "CREATE VIEW more AS SELECT 1",
        &["view more is in the database and not in the snapshot: it stays"],
    ),
    (
        "DROP VIEW names; CREATE VIEW names AS SELECT n FROM t",
        &["view names is declared differently: it stays as it is in the database"],
    ),
];

#[test]
fn every_difference_is_said_refused_unasked_and_accepted_when_asked() {
    for (change, expected) in CHANGES {
        let (app, snapshot) = drifted(change);
        let before = app.state();
        assert_eq!(app.preview(&snapshot).schema_differences, *expected, "{change}");
        let refused = app.try_restore(&request(&snapshot, Scope::Tables)).expect_err(change);
        assert_eq!(refused.kind(), ErrorKind::Conflict, "{change}");
        assert_eq!(refused.detail_lines(), *expected, "{change}");
        assert_eq!(
            app.listed(),
            std::slice::from_ref(&snapshot),
            "no safety copy is left: {change}"
        );
        app.sql("UPDATE t SET a = 'changed'; DELETE FROM t WHERE id = 2");
        let changed = app.state();
        let restored = app.try_restore(&accepting(&snapshot)).expect(change);
        let names = app.query("SELECT id, a FROM t ORDER BY id");
        assert_eq!(names, [["1", "'one'"], ["2", "'2'"]], "{change}");
        app.undo(&restored);
        assert_eq!(app.state(), changed, "{change}");
        assert_ne!(changed, before);
    }
}

#[test]
fn an_unchanged_schema_says_nothing() {
    let (app, snapshot) = drifted("UPDATE t SET n = 0");
    assert_eq!(app.preview(&snapshot).schema_differences, Vec::<String>::new());
    app.restore(&snapshot, Scope::Tables);
}

#[test]
fn rows_of_changed_tables_come_back_by_the_names_of_their_columns() {
    let (app, snapshot) = drifted(
        "DROP TABLE u; CREATE TABLE u(v TEXT, extra DEFAULT 'new', code TEXT PRIMARY KEY);
         INSERT INTO u VALUES('8', 'own', 'z')",
    );
    let changed = app.state();
    let restored = app.try_restore(&accepting(&snapshot)).expect("a restore");
    assert_eq!(
        app.query("SELECT code, v, extra FROM u ORDER BY code"),
        [["'x'", "'1'", "'new'"], ["'y'", "'2'", "'new'"]],
        "as SQLite converts them on their way into the column"
    );
    app.undo(&restored);
    assert_eq!(app.state(), changed);
}

#[test]
fn rows_that_do_not_fit_are_refused_before_anything_is_done() {
    for (change, table) in [
        ("DROP TABLE t; CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, need TEXT NOT NULL)", "t"),
        (
            "DROP TABLE u; CREATE TABLE u(code TEXT, v, kind DEFAULT 1 PRIMARY KEY) WITHOUT ROWID",
            "u",
        ),
        ("DROP TABLE t; CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER) STRICT", "t"),
    ] {
        let (app, snapshot) = drifted(change);
        let before = app.state();
        let refused = app.try_restore(&accepting(&snapshot)).expect_err(change);
        assert_eq!((refused.kind(), refused.thing()), (ErrorKind::Conflict, table), "{refused}");
        assert!(
            refused.what().starts_with("a row of the snapshot does not fit the table as it is now"),
            "{refused}"
        );
        assert!(!refused.what().contains("'one'"), "no value is told: {refused}");
        assert_eq!(app.state(), before, "{change}");
        assert_eq!(app.listed(), [snapshot], "no safety copy is left: {change}");
    }
}

#[test]
fn a_new_column_that_must_be_filled_is_said_and_keeps_no_empty_table_back() {
    let app = App::new().schema(SCHEMA);
    app.sql("DELETE FROM u");
    let snapshot = app.take("before");
    app.sql(
        "DROP TABLE u; CREATE TABLE u(code TEXT PRIMARY KEY, v, need NOT NULL) WITHOUT ROWID;
         INSERT INTO u VALUES('z', 1, 2)",
    );
    assert_eq!(
        app.preview(&snapshot).schema_differences,
        ["column u.need is in the database and not in the snapshot: \
          it is NOT NULL without a default, so no row of u fits"]
    );
    app.try_restore(&accepting(&snapshot)).expect("a restore");
    assert_eq!(app.value("SELECT count(*) FROM u"), "0");
}
