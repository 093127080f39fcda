//! Snapshots as files of their own, and back.

use rusqlite::Connection;
use snapback::ErrorKind;
use snapback::snapshot::{Format, Scope};

use crate::app::{App, BY, query, state};

const SHAPES: &str = "CREATE TABLE event_log(id INTEGER PRIMARY KEY, event_type TEXT); INSERT INTO event_log VALUES(1, 'a'), (2, 'b');
    CREATE TABLE odd(id INTEGER PRIMARY KEY AUTOINCREMENT, x, twice AS (x || x), \"a \"\"b\" TEXT);
    INSERT INTO odd(x, \"a \"\"b\") VALUES(x'00ff', 'blob'), (-0.0, 'zero'), (9e999, 'inf'), (9223372036854775807, 'max'),
        (CAST(x'ff' AS TEXT), 'bad'), ('a' || char(0), 'nul'), (NULL, NULL), (1.0, 'one');
    DELETE FROM odd WHERE id = 8;
    CREATE TABLE keyed(k TEXT COLLATE NOCASE, n INT, x UNIQUE, PRIMARY KEY(k, n)) WITHOUT ROWID;
    INSERT INTO keyed VALUES('B', 1, 'p'), ('a', 2, 'q');
    CREATE TABLE heap(x, y); INSERT INTO heap(rowid, x, y) VALUES(5, 1, 2), (9, 3, 4);
    CREATE VIRTUAL TABLE notes USING fts5(body); INSERT INTO notes VALUES('red house'), ('tree');
    CREATE VIRTUAL TABLE found USING fts5(body, content='posts', content_rowid='id');
    CREATE TABLE posts(id INTEGER PRIMARY KEY, body); INSERT INTO posts VALUES(1, 'house'), (2, 'tree');
    INSERT INTO found(found) VALUES('rebuild');
    CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1); INSERT INTO boxes VALUES(1, 0, 1);
    CREATE INDEX by_y ON heap(y) WHERE y > 1; CREATE VIEW v AS SELECT count(*) AS n FROM heap;
    CREATE TRIGGER tr AFTER INSERT ON heap BEGIN INSERT INTO posts(body) VALUES('fired'); END;
    PRAGMA user_version = 7;";

fn change(app: &App) {
    app.sql(
        "INSERT INTO event_log VALUES(3, 'c'); UPDATE odd SET x = 0; INSERT INTO odd(x) VALUES(1); DELETE FROM keyed; DELETE FROM heap;
         UPDATE notes SET body = 'other'; UPDATE boxes SET x1 = 9; DELETE FROM posts",
    );
}

#[test]
fn an_export_in_either_format_comes_back_the_same() {
    for format in [Format::Json, Format::Sqlite] {
        let app = App::new().schema(SHAPES);
        let before = app.state();
        let snapshot = app.take("before");
        let file = app.export(&snapshot, format);
        change(&app);
        let imported = app.snapshots().import(&file, BY).expect("imported");
        assert_ne!(imported.snapshot(), snapshot);
        assert_eq!(imported.last_event_id, Some(2), "{format:?}");
        app.restore(&imported.snapshot(), Scope::Rewind);
        let mut now = app.state();
        if format == Format::Json {
            // JSON tells no counters: this one stays where it was.
            now.insert("sqlite_sequence".into(), before["sqlite_sequence"].clone());
        }
        assert_eq!(now, before, "{format:?}");
    }
}

#[test]
fn a_sqlite_export_is_a_sound_database_with_everything_in_it() {
    let app = App::new().schema(SHAPES);
    let before = app.state();
    let snapshot = app.take("before");
    change(&app);
    let copy = Connection::open(app.export(&snapshot, Format::Sqlite)).expect("it opens");
    assert_eq!(query(&copy, "PRAGMA integrity_check"), [["'ok'"]]);
    assert_eq!(query(&copy, "PRAGMA user_version"), [["7"]]);
    assert_eq!(state(&copy), before);
    let objects = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name";
    assert_eq!(query(&copy, objects), app.query(objects));
    assert_eq!(query(&copy, "SELECT rowid FROM found('house')"), [["1"]]);
    assert_eq!(query(&copy, "SELECT rowid FROM notes('house')"), [["1"]]);
}

#[test]
fn a_sqlite_export_of_names_like_ours_opens() {
    let app = App::new().tables_only(
        "CREATE TABLE snapshots(id INTEGER PRIMARY KEY); CREATE TABLE \"select\"(\"from\" PRIMARY KEY); INSERT INTO \"select\" VALUES(1)",
    );
    let snapshot = app.take("before");
    let copy = Connection::open(app.export(&snapshot, Format::Sqlite)).expect("it opens");
    assert_eq!(state(&copy), app.state());
}

#[test]
fn a_json_export_has_the_shape_that_others_write() {
    let app = App::new().with_events(60);
    let snapshot = app.take("before");
    let file = std::fs::read(app.export(&snapshot, Format::Json)).expect("the export");
    let json: serde_json::Value = serde_json::from_slice(&file).expect("JSON");
    assert_eq!(json["last_event_id"], 60);
    assert_eq!(json["event_log"].as_array().map(Vec::len), Some(60));
    assert_eq!(json["tables"]["bots"][0]["name"], "bot 1");
    let names: Vec<&String> = json["tables"].as_object().expect("tables").keys().collect();
    assert_eq!(names, ["bots", "chats", "memories", "messages"]);
}

#[test]
fn an_export_replaces_no_file() {
    let app = App::new().with_events(3);
    let snapshot = app.take("before");
    let file = app.file("precious.txt");
    std::fs::write(&file, "precious").expect("a file");
    for format in [Format::Json, Format::Sqlite] {
        let error = app.snapshots().export(&snapshot, format, &file, BY).expect_err("it exists");
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "precious");
}

#[test]
fn what_is_no_export_is_not_imported() {
    let app = App::new().with_events(3);
    let other = app.file("other.db");
    Connection::open(&other)
        .and_then(|other| other.execute_batch("CREATE TABLE t(x)"))
        .expect("a database");
    let text = app.file("notes.txt");
    std::fs::write(&text, "no snapshot").expect("a file");
    for file in [other, text, app.file("gone.json")] {
        app.snapshots().import(&file, BY).expect_err("no export");
    }
    assert!(app.listed().is_empty());
}

#[test]
fn an_import_reads_the_file_and_leaves_it_as_it_is() {
    let app = App::new().with_events(30);
    let snapshot = app.take("before");
    let file = app.export(&snapshot, Format::Sqlite);
    let bytes = std::fs::read(&file).expect("the export");
    app.snapshots().import(&file, BY).expect("imported");
    assert_eq!(std::fs::read(&file).expect("the export"), bytes);
}

#[test]
fn an_export_that_cannot_be_made_removes_nothing_of_somebody_elses() {
    let app = App::new().schema(SHAPES);
    let snapshot = app.take("before");
    // What appears between the first look and the writing: to that look, a link to nowhere is nothing.
    let link = app.export(&snapshot, Format::Json).with_file_name("link");
    std::os::unix::fs::symlink("nowhere", &link).expect("a link");
    for format in [Format::Json, Format::Sqlite] {
        let error = app.snapshots().export(&snapshot, format, &link, BY).expect_err("taken");
        assert_eq!(error.what(), "the file exists already");
        assert!(std::fs::symlink_metadata(&link).is_ok(), "{format:?}");
        assert!(!link.with_file_name("nowhere").exists(), "{format:?}");
    }
}
