//! Rules that a database puts on its rows, and what it does by itself when they change.

use super::{database, round_trip, round_trip_of};

#[test]
fn values_swapped_under_a_unique_index_swap_back() {
    round_trip(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, x UNIQUE, y, z, UNIQUE(y, z));
         INSERT INTO t VALUES(1, 'a', 1, 1), (2, 'b', 1, 2), (3, 'c', 2, 1)",
        "UPDATE t SET x = 'tmp' WHERE id = 1; UPDATE t SET x = 'a' WHERE id = 2; UPDATE t SET x = 'b' WHERE id = 1;
         UPDATE t SET z = 9 WHERE id = 1; UPDATE t SET z = 1 WHERE id = 2; UPDATE t SET z = 2 WHERE id = 1;
         DELETE FROM t WHERE id = 3; INSERT INTO t VALUES(4, 'c', 2, 1)",
    );
}

#[test]
fn values_swapped_without_rowid_swap_back() {
    round_trip(
        "CREATE TABLE t(k TEXT PRIMARY KEY, x UNIQUE) WITHOUT ROWID; INSERT INTO t VALUES('a', 1), ('b', 2)",
        "UPDATE t SET x = 9 WHERE k = 'a'; UPDATE t SET x = 1 WHERE k = 'b'; UPDATE t SET x = 2 WHERE k = 'a'",
    );
}

#[test]
fn values_swapped_under_a_partial_unique_index_of_an_expression_swap_back() {
    round_trip(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT, live INT);
         CREATE UNIQUE INDEX one_live ON t(lower(x)) WHERE live;
         INSERT INTO t VALUES(1, 'A', 1), (2, 'a', 0), (3, 'B', 1)",
        "UPDATE t SET live = 0 WHERE id = 1; UPDATE t SET live = 1 WHERE id = 2; DELETE FROM t WHERE id = 3;
         INSERT INTO t VALUES(4, 'b', 1)",
    );
}

#[test]
fn a_unique_index_that_ignores_conflicts_loses_no_row() {
    round_trip(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, x UNIQUE ON CONFLICT REPLACE, y NOT NULL ON CONFLICT IGNORE);
         INSERT INTO t VALUES(1, 'a', 1), (2, 'b', 2), (3, 'c', 3)",
        "UPDATE t SET x = 'q' WHERE id = 1; UPDATE t SET x = 'a' WHERE id = 2; UPDATE t SET x = 'b' WHERE id = 1; DELETE FROM t WHERE id = 3",
    );
}

#[test]
fn a_strict_table_comes_back() {
    round_trip(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, i INT, r REAL, x TEXT, b BLOB, a ANY) STRICT;
         INSERT INTO t VALUES(1, 1, 1.0, 'x', x'00', 1), (2, NULL, NULL, NULL, NULL, '1')",
        "UPDATE t SET r = 2, a = 1.5; DELETE FROM t WHERE id = 2",
    );
}

#[test]
fn generated_columns_are_computed_again() {
    round_trip(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a INT, twice INT AS (a * 2), kept INT AS (a * 3) STORED, z);
         CREATE INDEX by_twice ON t(twice); INSERT INTO t(a, z) VALUES(1, 'x'), (2, 'y')",
        "UPDATE t SET a = 10 WHERE a = 1; DELETE FROM t WHERE a = 2; INSERT INTO t(a, z) VALUES(7, 'w')",
    );
}

#[test]
fn no_trigger_fires() {
    let (app, _) = round_trip(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, x); CREATE TABLE heard(what); INSERT INTO t VALUES(1, 'a'), (2, 'b');
         CREATE TRIGGER a AFTER INSERT ON t BEGIN INSERT INTO heard VALUES('insert'); END;
         CREATE TRIGGER b AFTER UPDATE ON t BEGIN SELECT raise(ABORT, 'no update'); END;
         CREATE TRIGGER c BEFORE DELETE ON t BEGIN INSERT INTO heard VALUES('delete'); END;",
        "DELETE FROM t WHERE id = 1; INSERT INTO t VALUES(3, 'c')",
    );
    assert_eq!(
        app.value("SELECT count(*) FROM heard"),
        "2",
        "as after the application's own change"
    );
    app.sql("INSERT INTO t VALUES(9, 'i')");
    assert_eq!(
        app.value("SELECT count(*) FROM heard"),
        "3",
        "the application's own triggers still fire"
    );
}

#[test]
fn a_deleted_parent_takes_no_child_with_it() {
    round_trip(
        "CREATE TABLE parents(id INTEGER PRIMARY KEY, x);
         CREATE TABLE children(id INTEGER PRIMARY KEY, parent REFERENCES parents(id) ON DELETE CASCADE ON UPDATE SET NULL);
         INSERT INTO parents VALUES(1, 'a'), (2, 'b'); INSERT INTO children VALUES(1, 1), (2, 2), (3, 2)",
        "INSERT INTO parents VALUES(3, 'c'); UPDATE children SET parent = 3 WHERE id = 3; DELETE FROM parents WHERE id = 2",
    );
}

#[test]
fn rows_that_refer_to_one_another_come_back() {
    round_trip(
        "CREATE TABLE tree(id INTEGER PRIMARY KEY, up INTEGER REFERENCES tree(id));
         INSERT INTO tree VALUES(1, NULL), (2, 1), (3, 2);
         CREATE TABLE a(id INTEGER PRIMARY KEY, b INTEGER REFERENCES b(id) DEFERRABLE INITIALLY DEFERRED);
         CREATE TABLE b(id INTEGER PRIMARY KEY, a INTEGER REFERENCES a(id) DEFERRABLE INITIALLY DEFERRED);
         BEGIN; INSERT INTO a VALUES(1, 1); INSERT INTO b VALUES(1, 1); COMMIT",
        "DELETE FROM tree WHERE id = 3; DELETE FROM tree WHERE id = 2; INSERT INTO tree VALUES(9, 1);
         BEGIN; DELETE FROM a; DELETE FROM b; INSERT INTO b VALUES(5, 6); INSERT INTO a VALUES(6, 5); COMMIT",
    );
}

#[test]
fn a_check_that_came_later_keeps_no_old_row_out() {
    let app = database(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, x CHECK(x < 10)); INSERT INTO t VALUES(1, 5)",
    );
    app.sql("PRAGMA ignore_check_constraints = ON; INSERT INTO t VALUES(2, 50); PRAGMA ignore_check_constraints = OFF");
    round_trip_of_unchecked(&app, "DELETE FROM t WHERE id = 2");
}

/// `PRAGMA integrity_check` rightly names the row that breaks the rule, so only states are compared.
fn round_trip_of_unchecked(app: &crate::app::App, change: &str) {
    let before = app.state();
    let snapshot = app.take("before");
    app.sql(change);
    app.restore(&snapshot, snapback::snapshot::Scope::Tables);
    assert_eq!(app.state(), before);
}

#[test]
fn partial_and_expression_indexes_follow_their_rows() {
    let app = database(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT, live INT);
         CREATE INDEX live_ones ON t(x) WHERE live; CREATE INDEX lengths ON t(length(x) DESC, upper(x));
         INSERT INTO t VALUES(1, 'a', 1), (2, 'bb', 0), (3, 'ccc', 1)",
    );
    round_trip_of(
        &app,
        "UPDATE t SET live = NOT live; UPDATE t SET x = x || 'x' WHERE id > 1; DELETE FROM t WHERE id = 1",
    );
}
