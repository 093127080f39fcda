//! Names that SQL has to quote, and names that mean something elsewhere.

use std::fmt::Write as _;

use super::{database, round_trip, round_trip_of};

#[test]
fn names_may_hold_anything() {
    let names = [
        r#"quo"te"#,
        "it's",
        "two words",
        "a.b",
        "select",
        "ünï",
        "😀",
        "back`tick",
        "[brackets]",
        "semi;colon",
        "%_*?",
        "-- not",
    ];
    let mut schema = String::new();
    let mut change = String::new();
    for name in names {
        let name = name.replace('"', "\"\"");
        write!(
            schema,
            "CREATE TABLE \"{name}\"(\"{name}\" TEXT PRIMARY KEY, \"the {name}\" INT) WITHOUT ROWID;
             CREATE TABLE \"r {name}\"(\"{name}\" TEXT UNIQUE);
             INSERT INTO \"{name}\" VALUES('a', 1), ('b', 2); INSERT INTO \"r {name}\" VALUES('a'), ('b');"
        )
        .expect("text");
        write!(
            change,
            "UPDATE \"{name}\" SET \"the {name}\" = 10 WHERE \"{name}\" = 'a'; DELETE FROM \"{name}\" WHERE \"{name}\" = 'b';
             UPDATE \"r {name}\" SET \"{name}\" = 'c' WHERE \"{name}\" = 'a';"
        )
        .expect("text");
    }
    let app = database(&schema);
    let restored = round_trip_of(&app, &change);
    assert_eq!(restored.tables.len(), names.len() * 2);
}

#[test]
fn a_table_may_be_named_like_one_of_our_words() {
    round_trip(
        "CREATE TABLE snapshots(id INTEGER PRIMARY KEY, old, new); CREATE TABLE tables(write INTEGER, c0, c1);
         CREATE TABLE t(s, t, c0 UNIQUE); CREATE TABLE snapback_0(id INTEGER PRIMARY KEY, c0);
         INSERT INTO snapshots VALUES(1, 'a', 'b'); INSERT INTO tables VALUES(1, 2, 3); INSERT INTO t VALUES(1, 2, 3);
         INSERT INTO snapback_0 VALUES(1, 'own')",
        "UPDATE snapshots SET old = 'z'; UPDATE tables SET c0 = 9; DELETE FROM t; UPDATE snapback_0 SET c0 = 'other'",
    );
}

#[test]
fn a_view_shows_what_came_back() {
    round_trip(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, x); CREATE VIEW sums AS SELECT sum(x) FROM t; INSERT INTO t(x) VALUES(1), (2);
         CREATE TRIGGER through INSTEAD OF INSERT ON sums BEGIN INSERT INTO t(x) VALUES(100); END;",
        "UPDATE t SET x = 10",
    );
}

#[test]
fn a_table_may_be_very_wide() {
    let columns: Vec<String> = (1..=1990).map(|n| format!("c{n}")).collect();
    round_trip(
        &format!(
            "CREATE TABLE wide({}); CREATE TABLE keyed(k TEXT PRIMARY KEY, {}); INSERT INTO wide(c1, c1990) VALUES(1, 2), (3, 4);
             INSERT INTO keyed(k, c1) VALUES('a', 1)",
            columns.join(", "),
            columns[..1980].join(", ")
        ),
        "UPDATE wide SET c1980 = 'x' WHERE c1 = 1; DELETE FROM wide WHERE c1 = 3; UPDATE keyed SET c1980 = 5",
    );
}
