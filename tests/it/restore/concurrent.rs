//! Restoring while others read and write.

use rusqlite::Connection;
use snapback::snapshot::Scope;

use crate::app::{App, apply_event, connect, invariant_holds, state};
use crate::meddling::Meddling;

#[test]
fn a_reader_that_began_before_sees_one_state_to_its_end() {
    let app = App::new().with_events(100);
    let before = app.state();
    let snapshot = app.take("before");
    app.events(50);
    let after = app.state();
    let reader = app.connection();
    reader.execute_batch("BEGIN; SELECT count(*) FROM bots").expect("a read transaction");
    app.restore(&snapshot, Scope::Rewind);
    assert_eq!(state(&reader), after);
    reader.execute_batch("COMMIT").expect("the end");
    assert_eq!(state(&reader), before);
}

#[test]
fn a_write_between_reading_and_locking_is_in_the_safety_copy() {
    let store = Meddling::new();
    let app = App::new().with_events(60).store_over(store.clone());
    let before = app.state();
    let snapshot = app.take("before");
    app.events(40);
    let path = app.db_path();
    store.at_the_next_pack(move || apply_event(&mut connect(&path)).expect("one more event"));
    let restored = app.restore(&snapshot, Scope::Rewind);
    assert!(!store.waits(), "the event came between");
    assert_eq!(restored.events_removed, 41);
    assert_eq!(app.state(), before);
    app.undo(&restored);
    assert_eq!(app.position(), 101);
    assert!(invariant_holds(&app.application()));
}

#[test]
fn a_plan_that_is_overtaken_while_it_is_done_is_refused() {
    let store = Meddling::new();
    let app = App::new().with_events(60).store_over(store.clone());
    let snapshot = app.take("before");
    app.events(40);
    let mut request = crate::app::request(&snapshot, Scope::Rewind);
    request.plan = app.preview(&snapshot).plan;
    let path = app.db_path();
    store.at_the_next_pack(move || apply_event(&mut connect(&path)).expect("one more event"));
    let error = app.try_restore(&request).expect_err("moved on");
    assert_eq!(error.kind(), snapback::ErrorKind::PlanMoved);
    assert_eq!(app.position(), 101);
    assert_eq!(app.listed(), [snapshot]);
}

#[test]
fn writers_go_on_and_no_restore_tears_a_transaction() {
    let app = App::new().with_events(300).keep_last(0);
    let snapshot = app.take("before");
    let writer = app.writer();
    for _ in 0..3 {
        writer.wait_for(50);
        let restored = app.restore(&snapshot, Scope::Rewind);
        assert!(invariant_holds(&app.connection()));
        writer.wait_for(10);
        app.undo(&restored);
        assert!(invariant_holds(&app.connection()));
    }
    writer.wait_for(10);
    let written = writer.stop();
    assert_eq!(written.errors, Vec::<String>::new());
    for snapshot in app.listed() {
        let exported = app.export(&snapshot, snapback::snapshot::Format::Sqlite);
        assert!(invariant_holds(&Connection::open(exported).expect("the export")), "{snapshot}");
    }
}

#[test]
fn a_database_with_a_rollback_journal_is_restored_too() {
    let app = App::new().rollback_journal().with_events(60);
    let before = app.state();
    let snapshot = app.take("before");
    app.events(30);
    let after = app.state();
    assert_eq!(app.snapshots().now().expect("now").journal_mode, "delete");
    let restored = app.restore(&snapshot, Scope::Rewind);
    assert_eq!(app.state(), before);
    app.undo(&restored);
    assert_eq!(app.state(), after);
    assert_eq!(app.value("PRAGMA journal_mode"), "'delete'");
}

#[test]
fn nothing_of_a_restore_stays_in_the_database() {
    let app = App::new().with_events(60);
    let schema = "SELECT * FROM sqlite_schema";
    let before = app.query(schema);
    let snapshot = app.take("before");
    app.events(30);
    app.restore(&snapshot, Scope::Rewind);
    assert_eq!(app.query(schema), before);
    assert_eq!(app.value("PRAGMA foreign_keys"), "1");
    assert_eq!(app.value("PRAGMA journal_mode"), "'wal'");
}

#[test]
fn a_database_that_stays_locked_is_told_and_nothing_is_left_behind() {
    let app = App::new().with_events(60);
    let snapshot = app.take("before");
    app.events(30);
    let state = app.state();
    let other = app.connection();
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let request = crate::app::request(&snapshot, Scope::Rewind);
    let error = app.try_restore(&request).expect_err("locked");
    assert_eq!(error.kind(), snapback::ErrorKind::Busy);
    assert!(error.thing().ends_with("app.db"), "{error}");
    other.execute_batch("ROLLBACK").expect("the lock is free");
    assert_eq!(app.state(), state);
    assert_eq!(app.listed(), [snapshot]);
    app.try_restore(&request).expect("free");
}
