//! Virtual tables: full-text and spatial indexes.

use snapback::snapshot::Scope;

use super::{database, round_trip_of};

#[test]
fn a_full_text_table_with_content_of_its_own_comes_back() {
    let app = database(
        "CREATE VIRTUAL TABLE notes USING fts5(title, body, extra UNINDEXED);
         INSERT INTO notes VALUES('one', 'a red house', 1), ('two', 'a blue house', 2), ('three', 'a tree', 3)",
    );
    round_trip_of(
        &app,
        "UPDATE notes SET body = 'a green boat' WHERE title = 'one'; DELETE FROM notes WHERE title = 'two';
         INSERT INTO notes VALUES('four', 'a house', 4)",
    );
    let found = "SELECT title FROM notes('house') ORDER BY rowid";
    let snapshot = app.take("now");
    let now = app.query(found);
    app.sql("UPDATE notes SET body = 'house house'");
    app.restore(&snapshot, Scope::Tables);
    assert_eq!(app.query(found), now);
    app.sql("INSERT INTO notes(notes) VALUES('integrity-check')");
}

#[test]
fn a_full_text_index_over_a_table_is_rebuilt() {
    let app = database(
        "CREATE TABLE posts(id INTEGER PRIMARY KEY, body TEXT);
         CREATE VIRTUAL TABLE found USING fts5(body, content='posts', content_rowid='id');
         CREATE TRIGGER ins AFTER INSERT ON posts BEGIN INSERT INTO found(rowid, body) VALUES(new.id, new.body); END;
         CREATE TRIGGER del AFTER DELETE ON posts BEGIN INSERT INTO found(found, rowid, body) VALUES('delete', old.id, old.body); END;
         CREATE TRIGGER upd AFTER UPDATE ON posts BEGIN
             INSERT INTO found(found, rowid, body) VALUES('delete', old.id, old.body);
             INSERT INTO found(rowid, body) VALUES(new.id, new.body); END;
         INSERT INTO posts VALUES(1, 'red house'), (2, 'blue house'), (3, 'tree')",
    );
    let snapshot = app.take("before");
    assert_eq!(
        app.preview(&snapshot).notes,
        ["table found is an index over another table, rebuilt after a restore"]
    );
    app.sql("UPDATE posts SET body = 'green boat' WHERE id = 1; DELETE FROM posts WHERE id = 2");
    let houses = || app.query("SELECT rowid FROM found('house')");
    assert!(houses().is_empty());
    let restored = app.restore(&snapshot, Scope::Tables);
    assert_eq!(houses(), [["1"], ["2"]]);
    app.sql("INSERT INTO found(found, rank) VALUES('integrity-check', 1)");
    app.undo(&restored);
    assert!(houses().is_empty());
    app.sql("INSERT INTO found(found, rank) VALUES('integrity-check', 1)");
}

#[test]
fn a_full_text_index_without_content_is_said_before_and_left_alone() {
    let app = database(
        "CREATE TABLE posts(id INTEGER PRIMARY KEY, body); CREATE VIRTUAL TABLE words USING fts5(body, content='');
         INSERT INTO posts VALUES(1, 'a'); INSERT INTO words(rowid, body) VALUES(1, 'a')",
    );
    let snapshot = app.take("before");
    app.sql("UPDATE posts SET body = 'b'; INSERT INTO words(rowid, body) VALUES(2, 'b')");
    assert_eq!(
        app.preview(&snapshot).notes,
        ["table words keeps no content that could be read back"]
    );
    let restored = app.restore(&snapshot, Scope::Tables);
    assert_eq!(restored.notes, ["table words keeps no content that could be read back"]);
    assert_eq!(app.query("SELECT rowid FROM words('b')"), [["2"]]);
    assert_eq!(app.value("SELECT body FROM posts"), "'a'");
}

#[test]
fn a_spatial_index_comes_back() {
    let app = database(
        "CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1, y0, y1, +label);
         CREATE VIRTUAL TABLE cells USING rtree_i32(id, x0, x1);
         INSERT INTO boxes VALUES(1, 0, 1, 0, 1, 'a'), (2, 5, 6, 5.25, 6.125, 'b'); INSERT INTO cells VALUES(1, 0, 9), (7, 3, 4)",
    );
    round_trip_of(
        &app,
        "UPDATE boxes SET x0 = 0.5, label = 'c' WHERE id = 1; DELETE FROM boxes WHERE id = 2;
         INSERT INTO boxes VALUES(9, 1, 2, 1, 2, NULL); DELETE FROM cells; INSERT INTO cells VALUES(7, 0, 1)",
    );
    assert_eq!(app.value("SELECT rtreecheck('boxes')"), "'ok'");
}

#[test]
fn an_older_full_text_table_comes_back() {
    let app = database(
        "CREATE VIRTUAL TABLE notes USING fts4(title, body); INSERT INTO notes VALUES('one', 'red house'), ('two', 'tree')",
    );
    round_trip_of(
        &app,
        "UPDATE notes SET body = 'boat' WHERE title = 'one'; DELETE FROM notes WHERE title = 'two'",
    );
}
