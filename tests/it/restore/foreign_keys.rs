//! Foreign keys: what a restore may leave behind, and what not.

use snapback::ErrorKind;
use snapback::snapshot::{RestoreRequest, Scope};

use crate::app::{App, request};

const SCHEMA: &str = "CREATE TABLE event_log(id INTEGER PRIMARY KEY);
    CREATE TABLE parents(id INTEGER PRIMARY KEY, x);
    CREATE TABLE children(id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parents(id) ON DELETE CASCADE);
    INSERT INTO parents VALUES(1, 'a'), (2, 'b'); INSERT INTO children VALUES(10, 1), (20, 2);";

#[test]
fn a_restore_that_would_orphan_rows_is_refused_and_rolled_back() {
    let app = App::new().schema(SCHEMA);
    let snapshot = app.take("before");
    app.sql("DELETE FROM parents WHERE id = 2");
    let state = app.state();
    let only =
        RestoreRequest { tables: vec!["children".into()], ..request(&snapshot, Scope::Tables) };
    let error = app.try_restore(&only).expect_err("an orphan");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(
        error.to_string(),
        "children: 1 rows would refer to rows of parents that are not there, the first at rowid 20"
    );
    assert_eq!(app.state(), state);
    assert_eq!(app.listed(), std::slice::from_ref(&snapshot));
    app.restore(&snapshot, Scope::Tables);
    assert_eq!(app.value("SELECT count(*) FROM children"), "2", "together they fit");
}

#[test]
fn taking_parents_away_from_other_tables_is_refused_too() {
    let app = App::new().schema(SCHEMA);
    let snapshot = app.take("before");
    app.sql("INSERT INTO parents VALUES(3, 'c'); INSERT INTO children VALUES(30, 3)");
    let only =
        RestoreRequest { tables: vec!["parents".into()], ..request(&snapshot, Scope::Tables) };
    let error = app.try_restore(&only).expect_err("an orphan");
    assert_eq!((error.kind(), error.thing()), (ErrorKind::Conflict, "children"));
    assert_eq!(app.value("SELECT count(*) FROM parents"), "3");
}

#[test]
fn an_orphan_that_the_snapshot_itself_had_is_accepted() {
    let app = App::new().schema(SCHEMA);
    app.sql(
        "PRAGMA foreign_keys = OFF; INSERT INTO children VALUES(90, 9); PRAGMA foreign_keys = ON",
    );
    let before = app.state();
    let snapshot = app.take("before");
    app.sql("DELETE FROM children WHERE id = 90; INSERT INTO parents VALUES(3, 'c')");
    for tables in [vec![], vec!["children".to_owned()]] {
        let asked = RestoreRequest { tables, ..request(&snapshot, Scope::Tables) };
        let restored = app.try_restore(&asked).expect("an old orphan");
        assert_eq!(app.dump("children"), before["children"]);
        app.undo(&restored);
        assert_eq!(app.value("SELECT count(*) FROM children"), "2");
    }
}

#[test]
fn an_orphan_next_to_an_old_one_is_still_refused() {
    let app = App::new().schema(SCHEMA);
    app.sql(
        "PRAGMA foreign_keys = OFF; INSERT INTO children VALUES(90, 9); PRAGMA foreign_keys = ON",
    );
    let snapshot = app.take("before");
    app.sql("DELETE FROM parents WHERE id = 2");
    let only =
        RestoreRequest { tables: vec!["children".into()], ..request(&snapshot, Scope::Tables) };
    let error = app.try_restore(&only).expect_err("one new orphan");
    assert!(error.to_string().contains("1 rows would refer"), "{error}");
}

#[test]
fn rows_of_an_excluded_table_are_not_orphaned() {
    let app = App::new().schema(SCHEMA).exclude("children");
    let snapshot = app.take("before");
    app.sql("INSERT INTO parents VALUES(3, 'c'); INSERT INTO children VALUES(30, 3)");
    let error = app.try_restore(&request(&snapshot, Scope::Tables)).expect_err("an orphan");
    assert_eq!((error.kind(), error.thing()), (ErrorKind::Conflict, "children"));
    assert_eq!(app.value("SELECT count(*) FROM parents"), "3");
}
