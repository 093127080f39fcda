//! Keys: what tells one row from another.

use snapback::snapshot::{Change, Scope};

use super::{database, round_trip, round_trip_of};

#[test]
fn a_table_without_rowid_is_told_apart_by_its_key() {
    let (_, restored) = round_trip(
        "CREATE TABLE t(a TEXT, b INTEGER, c, PRIMARY KEY(b, a)) WITHOUT ROWID;
         INSERT INTO t VALUES('x', 1, 'one'), ('y', 1, 'two'), ('x', 2, 'three')",
        "UPDATE t SET c = 'other' WHERE a = 'y'; DELETE FROM t WHERE b = 2; INSERT INTO t VALUES('z', 9, 'new')",
    );
    let done = &restored.tables[0];
    assert_eq!((done.added, done.removed, done.changed), (1, 1, 1));
}

#[test]
fn a_key_whose_case_changed_is_another_key() {
    round_trip(
        "CREATE TABLE tags(tag TEXT COLLATE NOCASE PRIMARY KEY, n) WITHOUT ROWID;
         CREATE TABLE users(name TEXT COLLATE NOCASE PRIMARY KEY, n);
         INSERT INTO tags VALUES('Red', 1), ('blue', 2), ('Green', 3);
         INSERT INTO users VALUES('Ann', 1), ('bob', 2)",
        "UPDATE tags SET tag = upper(tag); UPDATE users SET name = upper(name); UPDATE tags SET n = 20 WHERE tag = 'blue'",
    );
}

#[test]
fn a_range_of_keys_is_read_in_the_order_of_bytes_whatever_their_collation() {
    round_trip(
        "CREATE TABLE tags(tag TEXT COLLATE NOCASE PRIMARY KEY, n) WITHOUT ROWID;
         WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 6000)
             INSERT INTO tags SELECT CASE i % 2 WHEN 0 THEN 'Tag ' ELSE 'tag ' END || i, i FROM c",
        "UPDATE tags SET tag = upper(tag) WHERE n % 89 = 0; DELETE FROM tags WHERE n % 97 = 0",
    );
}

#[test]
fn several_rows_may_have_no_key() {
    round_trip(
        "CREATE TABLE t(k TEXT PRIMARY KEY, x); INSERT INTO t VALUES(NULL, 1), (NULL, 2), ('a', 3), (NULL, 4)",
        "UPDATE t SET x = 20 WHERE x = 2; DELETE FROM t WHERE x = 4; INSERT INTO t VALUES(NULL, 5), ('b', 6)",
    );
}

#[test]
fn rows_without_a_key_that_only_moved_are_no_difference() {
    let app = database(
        "CREATE TABLE t(k TEXT PRIMARY KEY, x); INSERT INTO t VALUES(NULL, 'n'), (NULL, 'n'), ('a', 1)",
    );
    let values = "SELECT k, x FROM t ORDER BY k, x";
    let before = app.query(values);
    let snapshot = app.take("before");
    app.sql("UPDATE t SET rowid = 9 WHERE rowid = 1; UPDATE t SET rowid = 1 WHERE k = 'a'; UPDATE t SET x = 'm' WHERE rowid = 2");
    let t = &app.preview(&snapshot).tables[0];
    assert_eq!((t.added, t.removed, t.changed, t.unchanged), (1, 1, 0, 2));
    app.restore(&snapshot, Scope::Tables);
    assert_eq!(app.query(values), before);
    assert_eq!(app.preview(&snapshot).differing_rows(), 0);
}

#[test]
fn a_vacuum_alone_leaves_nothing_to_restore() {
    let app = database(
        "CREATE TABLE t(k TEXT PRIMARY KEY, x); INSERT INTO t VALUES('a', 1), ('b', 2), ('c', 3), ('d', 4);
         DELETE FROM t WHERE k = 'a'",
    );
    let snapshot = app.take("before");
    app.sql("VACUUM");
    assert_eq!(app.preview(&snapshot).differing_rows(), 0);
    assert!(app.restore(&snapshot, Scope::Tables).tables.is_empty());
}

#[test]
fn rows_that_moved_and_changed_come_back_by_their_key() {
    let app = database(
        "CREATE TABLE t(k TEXT PRIMARY KEY, x UNIQUE);
         INSERT INTO t VALUES('a', 1), ('b', 2), ('c', 3), ('d', 4), ('e', 5), ('f', 6)",
    );
    app.sql("DELETE FROM t WHERE k IN ('a', 'c')");
    let values = "SELECT k, x FROM t ORDER BY k";
    let before = app.query(values);
    let snapshot = app.take("before");
    app.sql("VACUUM; DELETE FROM t WHERE k = 'b'; UPDATE t SET x = 40 WHERE k = 'd'; INSERT INTO t VALUES('new', 7)");
    let preview = app.preview(&snapshot);
    let t = &preview.tables[0];
    assert_eq!((t.added, t.removed, t.changed, t.unchanged), (1, 1, 1, 2));
    let after = app.query(values);
    let restored = app.restore(&snapshot, Scope::Tables);
    assert_eq!(app.query(values), before);
    app.undo(&restored);
    assert_eq!(app.query(values), after);
}

#[test]
fn a_descending_integer_key_is_no_rowid_and_comes_back() {
    round_trip(
        "CREATE TABLE t(id INTEGER PRIMARY KEY DESC, x); INSERT INTO t VALUES(7, 'a'), (9, 'b'), (8, 'c')",
        "UPDATE t SET x = 'other' WHERE id = 9; DELETE FROM t WHERE id = 8; INSERT INTO t VALUES(3, 'new')",
    );
}

#[test]
fn rows_without_any_key_are_told_apart_by_their_rowid() {
    round_trip(
        "CREATE TABLE log_lines(line TEXT); INSERT INTO log_lines VALUES('same'), ('same'), ('same')",
        "DELETE FROM log_lines WHERE rowid = 2; UPDATE log_lines SET line = 'other' WHERE rowid = 3; INSERT INTO log_lines VALUES('same')",
    );
}

#[test]
fn a_column_named_rowid_hides_nothing() {
    round_trip(
        "CREATE TABLE t(rowid TEXT, oid TEXT); INSERT INTO t VALUES('a', 'b'), ('c', 'd')",
        "UPDATE t SET rowid = 'z' WHERE oid = 'd'; DELETE FROM t WHERE rowid = 'a'",
    );
}

#[test]
fn a_table_that_is_all_key_comes_back() {
    round_trip(
        "CREATE TABLE pairs(a, b, PRIMARY KEY(a, b)) WITHOUT ROWID; CREATE TABLE ids(id INTEGER PRIMARY KEY);
         INSERT INTO pairs VALUES(1, 1), (1, 2), ('1', 1), (1.5, x'00'); INSERT INTO ids VALUES(1), (5)",
        "DELETE FROM pairs WHERE b = 2; INSERT INTO pairs VALUES(3, 3); DELETE FROM ids; INSERT INTO ids VALUES(6)",
    );
}

#[test]
fn the_counter_of_an_autoincrement_key_comes_back() {
    let app = database(
        "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, x); CREATE TABLE u(id INTEGER PRIMARY KEY AUTOINCREMENT);
         INSERT INTO t(x) VALUES('a'), ('b'), ('c'); DELETE FROM t WHERE id = 3",
    );
    round_trip_of(
        &app,
        "INSERT INTO t(x) VALUES('d'), ('e'); DELETE FROM t; INSERT INTO u DEFAULT VALUES",
    );
}

#[test]
fn a_counter_that_alone_moved_on_comes_back() {
    round_trip(
        "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, x); INSERT INTO t(x) VALUES('a')",
        "INSERT INTO t(x) VALUES('b'); DELETE FROM t WHERE x = 'b'",
    );
}

#[test]
fn a_changed_key_is_one_row_gone_and_one_come() {
    let app = database(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES(1, 'a'), (2, 'b')",
    );
    let snapshot = app.take("before");
    app.sql("UPDATE t SET id = 20 WHERE id = 2");
    let changes: Vec<Change> =
        app.changed_rows(&snapshot, "t").iter().map(|row| row.change).collect();
    assert_eq!(changes, [Change::Added, Change::Removed]);
    round_trip_of(
        &app,
        "UPDATE t SET id = id + 1 WHERE id = 20; UPDATE t SET id = 20 WHERE id = 1",
    );
}
