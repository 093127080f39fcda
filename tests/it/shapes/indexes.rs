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

#[test]
fn a_full_text_index_finds_its_table_whatever_the_case_of_the_name() {
    let app = database(
        "CREATE TABLE Posts(id INTEGER PRIMARY KEY, body TEXT); INSERT INTO Posts VALUES(1, 'red house');
         CREATE VIRTUAL TABLE found USING fts5(body, content=\"posts\", content_rowid=id); INSERT INTO found(found) VALUES('rebuild')",
    );
    let snapshot = app.take("before");
    app.sql("UPDATE posts SET body = 'tree'; INSERT INTO found(found) VALUES('rebuild')");
    app.restore(&snapshot, Scope::Tables);
    assert_eq!(app.query("SELECT rowid FROM found('house')"), [["1"]]);
}

#[test]
fn a_full_text_index_over_a_view_is_rebuilt() {
    let app = database(
        "CREATE TABLE posts(id INTEGER PRIMARY KEY, title TEXT, body TEXT); INSERT INTO posts VALUES(1, 'red', 'house');
         CREATE VIEW whole AS SELECT id, title || ' ' || body AS text FROM posts;
         CREATE VIRTUAL TABLE found USING fts5(text, content='whole', content_rowid='id'); INSERT INTO found(found) VALUES('rebuild')",
    );
    let snapshot = app.take("before");
    app.sql("UPDATE posts SET body = 'tree'; INSERT INTO found(found) VALUES('rebuild')");
    app.restore(&snapshot, Scope::Tables);
    assert_eq!(app.query("SELECT rowid FROM found('house')"), [["1"]]);
}

/// What an extension that is not loaded here leaves in a schema.
const FOREIGN_MODULE: &str = "PRAGMA writable_schema = ON;
    INSERT INTO sqlite_schema VALUES('table', 'vectors', 'vectors', 0, 'CREATE VIRTUAL TABLE vectors USING vec0(embedding float[3])');
    PRAGMA writable_schema = OFF;";

#[test]
fn a_table_of_an_extension_that_is_not_here_is_said_and_left_alone() {
    let app = database(&format!(
        "CREATE TABLE posts(id INTEGER PRIMARY KEY, body); INSERT INTO posts VALUES(1, 'a'); {FOREIGN_MODULE}"
    ));
    let said = ["table vectors belongs to the virtual table module vec0"];
    let snapshot = app.take("before");
    app.sql("UPDATE posts SET body = 'b'");
    assert_eq!(app.preview(&snapshot).notes, said);
    assert_eq!(app.restore(&snapshot, Scope::Tables).notes, said);
    assert_eq!(app.value("SELECT body FROM posts"), "'a'");
}

#[test]
fn a_snapshot_with_a_table_of_an_extension_is_exported_without_it() {
    let app = database(&format!(
        "CREATE TABLE posts(id INTEGER PRIMARY KEY, body); INSERT INTO posts VALUES(1, 'a'); {FOREIGN_MODULE}"
    ));
    let snapshot = app.take("before");
    let copy = app.export(&snapshot, snapback::snapshot::Format::Sqlite);
    let copy = rusqlite::Connection::open(copy).expect("the export");
    assert_eq!(crate::app::query(&copy, "SELECT body FROM posts"), [["'a'"]]);
    assert_eq!(
        crate::app::query(&copy, "SELECT name FROM sqlite_schema WHERE name = 'vectors'"),
        [[""; 0]; 0]
    );
}

#[test]
fn a_collation_that_only_the_application_knows_refuses_a_restore_and_changes_nothing() {
    let app = database(
        "CREATE TABLE posts(id INTEGER PRIMARY KEY, body TEXT); INSERT INTO posts VALUES(1, 'a'), (2, 'b')",
    );
    app.application()
        .create_collation("german", |a, b| a.to_lowercase().cmp(&b.to_lowercase()))
        .expect("a collation");
    app.sql("CREATE INDEX by_body ON posts(body COLLATE german)");
    let snapshot = app.take("before");
    app.sql("UPDATE posts SET body = 'c' WHERE id = 1");
    let error =
        app.try_restore(&crate::app::request(&snapshot, Scope::Tables)).expect_err("unknown");
    assert!(error.to_string().contains("german"), "{error}");
    assert_eq!(app.value("SELECT body FROM posts WHERE id = 1"), "'c'");
    assert_eq!(app.listed(), [snapshot]);
}
