//! Whole snapshots in one JSON file, as others write them.

use std::fs::File;
use std::time::{Duration, SystemTime};

use snapback::ErrorKind;
use snapback::snapshot::{Format, Point, RestoreRequest, Scope, SnapshotRef, State};

use crate::app::{App, BY, named, request};

const SCHEMA: &str = "CREATE TABLE event_log(id INTEGER PRIMARY KEY, created_at TEXT, event_type TEXT, payload TEXT);
    CREATE TABLE bots(id INTEGER PRIMARY KEY, name TEXT, active INTEGER);
    CREATE TABLE memories(topic TEXT PRIMARY KEY, text TEXT);
    INSERT INTO event_log VALUES(1, 't1', 'bot_created', '{}'), (2, 't2', 'memory_noted', '{\"a\":1}'), (3, 't3', 'bot_created', '{}');
    INSERT INTO bots VALUES(1, 'ann', 1), (2, 'bob', 0);
    INSERT INTO memories VALUES('tea', 'likes it');";

/// The same rows as a file of another program, its tables laid out by `arrange`.
fn dump(arrange: impl Fn(&str, &str) -> String) -> String {
    let tables = arrange(
        r#"[{"id": 1, "name": "ann", "active": true}, {"id": 2, "name": "bob", "active": false}]"#,
        r#"[{"topic": "tea", "text": "likes it"}]"#,
    );
    format!(
        r#"{{"version": 3, "taken_by": {{"name": "cron"}}, "last_event_id": 3, "event_log": [
            {{"id": 1, "created_at": "t1", "event_type": "bot_created", "payload": "{{}}"}},
            {{"id": 2, "created_at": "t2", "event_type": "memory_noted", "payload": "{{\"a\":1}}"}},
            {{"id": 3, "created_at": "t3", "event_type": "bot_created", "payload": "{{}}"}}], {tables}}}"#
    )
}

fn at_top(bots: &str, memories: &str) -> String {
    format!(r#""bots": {bots}, "memories": {memories}"#)
}

fn foreign() -> SnapshotRef {
    named("periodic/snapshot_20250102_030405")
}

fn app_with_dump() -> App {
    let app = App::new().schema(SCHEMA);
    app.drop_in(&foreign(), dump(at_top));
    app
}

fn change(app: &App) {
    app.sql(
        "UPDATE bots SET name = 'carl', active = 1 WHERE id = 2; DELETE FROM memories; INSERT INTO memories VALUES('milk', 'no');
         INSERT INTO bots VALUES(3, 'dora', 1); INSERT INTO event_log VALUES(4, 't4', 'bot_created', '{}')",
    );
}

#[test]
fn a_file_of_others_is_listed_like_any_snapshot() {
    let app = app_with_dump();
    change(&app);
    let entry = app.snapshots().entry(&foreign()).expect("listed");
    assert_eq!((entry.last_event_id, entry.event_delta, entry.rows), (Some(3), Some(1), Some(6)));
    assert_eq!((entry.state, entry.reason, entry.cause), (State::Intact, None, None));
    let size = std::fs::metadata(app.manifest(&foreign())).expect("the file").len();
    assert_eq!(entry.file_size_bytes, Some(size));
    let modified = std::fs::metadata(app.manifest(&foreign())).and_then(|meta| meta.modified());
    let modified = jiff::Timestamp::try_from(modified.expect("a time")).expect("a moment");
    assert_eq!(entry.created_at.as_second(), modified.as_second());
}

#[test]
fn a_file_of_others_is_previewed_restored_and_undone() {
    let app = app_with_dump();
    let before = app.state();
    assert_eq!(app.preview(&foreign()).differing_rows(), 0, "it holds the same rows");
    change(&app);
    let after = app.state();
    let preview = app.preview(&foreign());
    let counts: Vec<(&str, [u64; 4])> = preview
        .tables
        .iter()
        .map(|table| {
            (table.name.as_str(), [table.added, table.removed, table.changed, table.unchanged])
        })
        .collect();
    assert_eq!(counts, [("bots", [0, 1, 1, 1]), ("memories", [1, 1, 0, 0])]);
    assert_eq!((preview.event_delta, preview.event_log_rows_in_snapshot), (Some(1), Some(3)));
    assert_eq!(preview.events_since[0].kind, "bot_created");
    let asked = RestoreRequest { plan: preview.plan, ..request(&foreign(), Scope::Rewind) };
    let restored = app.try_restore(&asked).expect("a restore");
    assert_eq!(app.state(), before);
    app.undo(&restored);
    assert_eq!(app.state(), after);
}

#[test]
fn tables_are_found_at_the_top_and_below() {
    let arrangements: [fn(&str, &str) -> String; 3] = [
        at_top,
        |bots, memories| format!(r#""tables": {{"bots": {bots}, "memories": {memories}}}"#),
        |bots, memories| format!(r#""bots": {bots}, "projections": {{"memories": {memories}}}"#),
    ];
    for arrange in arrangements {
        let app = App::new().schema(SCHEMA);
        app.drop_in(&foreign(), dump(arrange));
        let before = app.state();
        change(&app);
        app.restore(&foreign(), Scope::Rewind);
        assert_eq!(app.state(), before);
    }
}

#[test]
fn a_table_that_the_file_does_not_hold_is_left_alone_and_said() {
    let app = App::new().schema(SCHEMA);
    app.drop_in(&foreign(), dump(|bots, _| format!(r#""bots": {bots}"#)));
    change(&app);
    let memories = app.dump("memories");
    let preview = app.preview(&foreign());
    assert_eq!(preview.notes, ["table memories is not in this snapshot: it is left alone"]);
    assert_eq!(preview.schema_differences, Vec::<String>::new());
    app.restore(&foreign(), Scope::Tables);
    assert_eq!(app.dump("memories"), memories);
    assert_eq!(app.value("SELECT count(*) FROM bots"), "2");
}

#[test]
fn what_of_a_file_does_not_fit_is_refused_unless_accepted() {
    let app = App::new().schema(SCHEMA);
    app.drop_in(
        &foreign(),
        r#"{"last_event_id": 3, "event_log": [], "bots": [{"id": 1, "name": "ann", "mood": "good"}], "ghosts": [{"id": 1}]}"#,
    );
    let error = app.try_restore(&request(&foreign(), Scope::Tables)).expect_err("it does not fit");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let said = error.detail_lines().join("\n");
    for part in [
        "table ghosts is in the snapshot",
        "column bots.mood is in the snapshot",
        "column bots.active is in the database",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let accepting = RestoreRequest { accept_schema: true, ..request(&foreign(), Scope::Tables) };
    app.try_restore(&accepting).expect("accepted");
    assert_eq!(app.query("SELECT * FROM bots"), [["1", "'ann'", "NULL"]]);
}

#[test]
fn a_file_of_others_is_compared_verified_and_exported() {
    let app = app_with_dump();
    change(&app);
    let own = app.take("own");
    let snapshots = app.snapshots();
    let points = [Point::Snapshot(own), Point::Snapshot(foreign())];
    let compared = snapshots.compare(&points[0], &points[1]).expect("compared");
    assert_eq!(compared.differing_rows(), 4);
    assert_eq!(compared.events_since[0].count, 1);
    let back = snapshots.compare(&points[1], &points[0]).expect("compared");
    assert_eq!(back.differing_rows(), 4);
    let verified = snapshots.verify(Some(&foreign()), BY).expect("verified");
    assert_eq!((verified[0].state, verified[0].rows), (State::Intact, 6));
    for format in [Format::Json, Format::Sqlite] {
        let imported = snapshots.import(&app.export(&foreign(), format), BY).expect("imported");
        let same =
            snapshots.compare(&points[1], &Point::Snapshot(imported.snapshot())).expect("compared");
        assert_eq!(same.differing_rows(), 0, "{format:?}");
    }
}

#[test]
fn files_of_others_count_for_retention() {
    let app = App::new().schema(SCHEMA).keep_last(2);
    let files: Vec<SnapshotRef> = (1..=4).map(|n| named(&format!("periodic/dump-{n}"))).collect();
    for (age, file) in (1_u64..).zip(files.iter().rev()) {
        app.drop_in(file, dump(at_top));
        let then = SystemTime::now() - Duration::from_hours(age);
        let opened = File::options().write(true).open(app.manifest(file)).expect("the file");
        opened.set_modified(then).expect("an older time");
    }
    app.snapshots().prune(false, BY).expect("pruned");
    assert_eq!(app.listed(), [files[3].clone(), files[2].clone()]);
}

#[test]
fn a_file_that_ends_early_is_listed_and_changes_nothing() {
    let app = App::new().schema(SCHEMA);
    let whole = dump(at_top);
    let cut = &whole[..whole.len() - 30];
    app.drop_in(&foreign(), cut);
    let entry = app.snapshots().entry(&foreign()).expect("listed");
    assert_eq!(entry.reason, Some(format!("ends early, at byte {}", cut.len())));
    assert_eq!((entry.last_event_id, entry.rows), (None, None));
    let state = app.state();
    let error = app.try_restore(&request(&foreign(), Scope::Tables)).expect_err("cut");
    assert_eq!(error.kind(), ErrorKind::Damaged);
    assert_eq!(app.state(), state);
}

#[test]
fn a_copied_file_says_when_it_was_copied() {
    let app = App::new().with_events(3);
    let snapshot = app.take("before");
    let entry = app.snapshots().entry(&snapshot).expect("listed");
    let later = SystemTime::now() + Duration::from_hours(72);
    let file = File::options().write(true).open(app.manifest(&snapshot)).expect("the manifest");
    file.set_modified(later).expect("another time");
    let copied = app.reopen().entry(&snapshot).expect("listed");
    assert_eq!(copied.created_at, entry.created_at);
    let after = copied.copied_at.expect("copied").duration_since(copied.created_at);
    assert!(after.as_hours() >= 71, "{after:?}");
}

#[test]
fn positions_at_both_ends_of_64_bits_break_no_preview_and_no_picture() {
    let app = App::new().schema(
        "CREATE TABLE event_log(id INTEGER PRIMARY KEY, created_at TEXT);
         INSERT INTO event_log VALUES(-9223372036854775808, '2026-11-22T20:04:46Z'),
            (9223372036854775807, '2026-11-22T21:04:46Z');",
    );
    app.drop_in(&foreign(), r#"{"last_event_id": -9223372036854775808, "event_log": []}"#);
    let preview = app.snapshots().preview(&foreign()).expect("a preview");
    assert_eq!(preview.event_delta, Some(i64::MAX));
    let since = "2026-11-22T00:00:00Z".parse().expect("a moment");
    let activity = app.snapshots().activity(since, 4).expect("asked").expect("times");
    assert_eq!(activity.counts.len(), 4);
}
