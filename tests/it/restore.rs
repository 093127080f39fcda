//! Restoring: what changes, what does not, and what the restore tells of it.

mod concurrent;
mod foreign_keys;
mod plan;
mod schema;

use snapback::ErrorKind;
use snapback::snapshot::{Action, Cause, RestoreRequest, Scope};

use crate::app::{App, BY, named, request};

#[test]
fn tables_become_what_the_snapshot_holds_and_the_log_is_left_alone() {
    let app = App::new().with_events(120);
    let mut before = app.state();
    let snapshot = app.take("before");
    app.events(80);
    let log = app.dump("event_log");
    let restored = app.restore(&snapshot, Scope::Tables);
    before.insert("event_log".into(), log);
    assert_eq!(app.state(), before);
    assert_eq!((restored.events_removed, restored.events_added), (0, 0));
    assert_eq!(app.preview(&snapshot).event_delta, Some(80));
}

#[test]
fn a_rewind_cuts_the_log_back_and_its_undo_brings_the_events_back() {
    let app = App::new().with_events(120);
    let before = app.state();
    let snapshot = app.take("before");
    app.events(80);
    let after = app.state();
    let restored = app.restore(&snapshot, Scope::Rewind);
    assert_eq!(app.state(), before);
    assert_eq!((restored.events_removed, restored.events_added), (80, 0));
    let undone = app.undo(&restored);
    assert_eq!(app.state(), after);
    assert_eq!((undone.events_removed, undone.events_added), (0, 80));
}

#[test]
fn an_application_goes_on_after_a_rewind() {
    let app = App::new().with_events(60);
    let snapshot = app.take("before");
    app.events(40);
    app.restore(&snapshot, Scope::Rewind);
    app.events(40);
    assert_eq!(app.position(), 100);
    assert!(crate::app::invariant_holds(&app.application()));
}

#[test]
fn other_tables_are_left_alone_when_tables_are_named() {
    let app = App::new().with_events(60);
    let before = app.state();
    let snapshot = app.take("before");
    app.events(30);
    app.sql("UPDATE memories SET text = 'other'; UPDATE bots SET name = name || '!'");
    let after = app.state();
    let only =
        RestoreRequest { tables: vec!["memories".into()], ..request(&snapshot, Scope::Tables) };
    let restored = app.try_restore(&only).expect("a restore");
    let mut expected = after.clone();
    expected.insert("memories".into(), before["memories"].clone());
    assert_eq!(app.state(), expected);
    assert_eq!(restored.tables.iter().map(|table| &table.name).collect::<Vec<_>>(), ["memories"]);
    app.undo(&restored);
    assert_eq!(app.state(), after);
}

#[test]
fn a_table_that_nobody_knows_is_refused_by_name() {
    let app = App::new().with_events(5);
    let snapshot = app.take("before");
    let asked =
        RestoreRequest { tables: vec!["nobody".into()], ..request(&snapshot, Scope::Tables) };
    let error = app.try_restore(&asked).expect_err("no such table");
    assert_eq!((error.kind(), error.thing()), (ErrorKind::Invalid, "nobody"));
}

#[test]
fn the_log_is_not_restored_as_a_table() {
    let app = App::new().with_events(5);
    let snapshot = app.take("before");
    let asked =
        RestoreRequest { tables: vec!["event_log".into()], ..request(&snapshot, Scope::Tables) };
    let error = app.try_restore(&asked).expect_err("the log is no projection");
    assert_eq!(error.next_step(), "state scope=rewind, or leave this table out");
}

#[test]
fn only_rows_that_differ_are_written() {
    let app = App::new().schema(
        "CREATE TABLE event_log(id INTEGER PRIMARY KEY); CREATE TABLE t(id INTEGER PRIMARY KEY, x);
         WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 2000)
             INSERT INTO t SELECT i, hex(randomblob(1000)) FROM c",
    );
    let snapshot = app.take("before");
    app.sql("UPDATE t SET x = 'a' WHERE id = 7; DELETE FROM t WHERE id = 900; INSERT INTO t VALUES(5000, 'b')");
    app.sql("PRAGMA wal_checkpoint(TRUNCATE)");
    let restored = app.restore(&snapshot, Scope::Tables);
    let t = &restored.tables[0];
    assert_eq!((t.added, t.removed, t.changed), (1, 1, 1));
    let database = std::fs::metadata(app.db_path()).expect("the database").len();
    let wal = std::fs::metadata(app.file("app.db-wal")).expect("the WAL").len();
    assert!(database > 4_000_000 && wal < 100_000, "{wal} bytes of WAL for {database} of database");
}

#[test]
fn a_restore_with_nothing_to_do_writes_no_row_and_can_be_undone() {
    let app = App::new().with_events(20);
    let snapshot = app.take("before");
    let state = app.state();
    let restored = app.restore(&snapshot, Scope::Rewind);
    assert!(restored.tables.is_empty());
    assert!(app.undo(&restored).tables.is_empty());
    assert_eq!(app.state(), state);
}

#[test]
fn the_safety_copy_tells_what_it_was_taken_for() {
    let app = App::new().with_events(20);
    let snapshot = app.take("before");
    app.events(5);
    let restored = app.restore(&snapshot, Scope::Rewind);
    let copy = app.snapshots().last_rewind().expect("looked up").expect("a safety copy");
    assert_eq!(copy.snapshot(), restored.rewind);
    assert_eq!(copy.cause, Some(Cause { restoring: snapshot, scope: Scope::Rewind }));
    assert_eq!(copy.offered_scope(), Scope::Rewind);
    assert_eq!(copy.last_event_id, Some(25));
}

#[test]
fn what_was_done_is_in_the_history() {
    let app = App::new().with_events(20);
    let snapshot = app.take("before");
    app.events(5);
    let restored = app.restore(&snapshot, Scope::Tables);
    app.try_restore(&request(&named("periodic/gone"), Scope::Tables))
        .expect_err("no such snapshot");
    let history = app.reopen().history(10).expect("the history");
    assert_eq!(history.len(), 3);
    let (failed, done, taken) = (&history[0], &history[1], &history[2]);
    assert_eq!((failed.action, failed.ok), (Action::Restore, false));
    assert_eq!((done.action, done.ok, done.by.as_str()), (Action::Restore, true, BY));
    assert_eq!(done.snapshot.as_ref(), Some(&snapshot));
    assert_eq!((done.rewind.clone(), done.scope), (Some(restored.rewind), Some(Scope::Tables)));
    assert_eq!((taken.action, taken.snapshot.as_ref()), (Action::Take, Some(&snapshot)));
}

#[test]
fn a_snapshot_that_is_not_there_changes_nothing() {
    let app = App::new().with_events(20);
    let state = app.state();
    let error = app
        .try_restore(&request(&named("rewind/20200101T000000Z"), Scope::Rewind))
        .expect_err("no such snapshot");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.to_string(), "rewind/20200101T000000Z: there is no such snapshot");
    assert_eq!(app.state(), state);
    assert!(app.listed().is_empty());
}

#[test]
fn excluded_tables_are_neither_taken_nor_restored() {
    let app = App::new().exclude("mem*").exclude("SESSIONS");
    app.sql("CREATE TABLE sessions(id INTEGER PRIMARY KEY, token); INSERT INTO sessions VALUES(1, 'secret')");
    app.events(60);
    let snapshot = app.take("before");
    app.events(20);
    app.sql("UPDATE sessions SET token = 'newer'; DELETE FROM memories");
    let preview = app.preview(&snapshot);
    let names: Vec<&str> = preview.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["bots", "chats", "messages"]);
    app.restore(&snapshot, Scope::Rewind);
    assert_eq!(app.value("SELECT token FROM sessions"), "'newer'");
    assert_eq!(app.value("SELECT count(*) FROM memories"), "0");
    let exported = app.export(&snapshot, snapback::snapshot::Format::Json);
    assert!(!std::fs::read_to_string(exported).expect("the export").contains("secret"));
}

#[test]
fn an_excluded_table_in_an_older_snapshot_is_left_alone() {
    let app = App::new().with_events(60);
    let snapshot = app.take("before");
    app.sql("DELETE FROM memories");
    let stricter = app.exclude("memories");
    stricter.reopen().restore(&request(&snapshot, Scope::Tables)).expect("a restore");
    assert_eq!(stricter.value("SELECT count(*) FROM memories"), "0");
}
