//! Databases of other event-sourcing libraries, and of none.

use snapback::ErrorKind;
use snapback::database::EventOptions;
use snapback::snapshot::Scope;

use crate::app::App;

#[test]
fn a_log_with_a_text_key_is_positioned_by_its_rowid() {
    let app = App::new().schema(
        "CREATE TABLE stored_events(id TEXT PRIMARY KEY, aggregate_id TEXT NOT NULL, event_type TEXT, payload BLOB);
         CREATE TABLE accounts(id TEXT PRIMARY KEY, balance INTEGER);
         INSERT INTO stored_events VALUES('e-9', 'a', 'opened', x'01'), ('e-4', 'a', 'paid', x'02');
         INSERT INTO accounts VALUES('a', 10)",
    );
    assert_eq!(app.snapshots().now().expect("now").event_table.as_deref(), Some("stored_events"));
    let before = app.state();
    let snapshot = app.take("before");
    app.sql("INSERT INTO stored_events VALUES('e-1', 'a', 'paid', NULL), ('e-0', 'b', 'opened', NULL); UPDATE accounts SET balance = 20;
        INSERT INTO accounts VALUES('b', 0)");
    let after = app.state();
    let preview = app.preview(&snapshot);
    assert_eq!((preview.last_event_id, preview.current_event_log_max_id), (Some(2), Some(4)));
    let since: Vec<(&str, u64)> =
        preview.events_since.iter().map(|event| (event.kind.as_str(), event.count)).collect();
    assert_eq!(since, [("opened", 1), ("paid", 1)]);
    let events = app.snapshots().events_since(&snapshot, None, 10).expect("the events");
    assert_eq!(events.iter().map(|event| event.position).collect::<Vec<_>>(), [4, 3]);
    let restored = app.restore(&snapshot, Scope::Rewind);
    assert_eq!(app.state(), before);
    app.undo(&restored);
    assert_eq!(app.state(), after);
}

#[test]
fn a_log_with_a_global_position_beside_its_key_is_found() {
    let app = App::new().schema(
        "CREATE TABLE emt_messages(stream_id TEXT, stream_position INT, global_position INTEGER, message_type TEXT,
             PRIMARY KEY(stream_id, stream_position));
         INSERT INTO emt_messages VALUES('s', 1, 41, 'a'), ('s', 2, 42, 'b')",
    );
    let before = app.state();
    let snapshot = app.take("before");
    assert_eq!(app.snapshots().entry(&snapshot).expect("listed").last_event_id, Some(42));
    app.sql("INSERT INTO emt_messages VALUES('s', 3, 43, 'c')");
    assert_eq!(app.preview(&snapshot).events_since[0].kind, "c");
    app.restore(&snapshot, Scope::Rewind);
    assert_eq!(app.state(), before);
}

#[test]
fn a_database_without_a_log_has_no_positions_and_works() {
    let app = App::new()
        .tables_only("CREATE TABLE t(id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES(1, 'a')");
    let before = app.state();
    let snapshot = app.take("before");
    app.sql("UPDATE t SET x = 'b'");
    let after = app.state();
    let preview = app.preview(&snapshot);
    assert_eq!((preview.last_event_id, preview.event_delta, preview.event_log), (None, None, None));
    assert_eq!(app.snapshots().list().expect("a list").current_event_log_max_id, None);
    assert!(app.snapshots().events_since(&snapshot, None, 10).expect("no events").is_empty());
    let restored = app.restore(&snapshot, Scope::Rewind);
    assert_eq!(app.state(), before);
    app.undo(&restored);
    assert_eq!(app.state(), after);
}

#[test]
fn a_database_whose_log_cannot_be_told_is_refused_with_the_option_to_give() {
    let app = App::new().schema("CREATE TABLE t(x)");
    let error = app.try_open().err().expect("no log");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.to_string(), "tables t: no event log was found in this database");
    assert!(error.next_step().contains("--event-table"));
}

#[test]
fn a_log_of_any_name_is_named_by_options() {
    let app = App::new()
        .schema("CREATE TABLE facts(n INTEGER UNIQUE, what TEXT); CREATE TABLE t(x); INSERT INTO facts VALUES(10, 'a'), (20, 'b')")
        .event_options(EventOptions {
            table: Some("facts".into()),
            column: Some("n".into()),
            type_column: Some("what".into()),
            time_column: None,
        });
    let before = app.state();
    let snapshot = app.take("before");
    app.sql("INSERT INTO facts VALUES(30, 'c'); INSERT INTO t VALUES(1)");
    assert_eq!(app.preview(&snapshot).event_delta, Some(10));
    app.restore(&snapshot, Scope::Rewind);
    assert_eq!(app.state(), before);
}
