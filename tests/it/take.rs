//! Taking: what a snapshot holds, what it is called, and what it adds to the store.

use rusqlite::Connection;
use snapback::snapshot::{Format, LabelChange, Scope, State};

use crate::app::{App, BY, invariant_holds, named};

#[test]
fn a_second_snapshot_adds_little_more_than_what_changed() {
    let app = App::new().with_events(1000);
    app.sql("UPDATE event_log SET payload = hex(randomblob(500))");
    let snapshots = app.snapshots();
    let first = snapshots.take(None, BY).expect("taken");
    app.events(1);
    let second = snapshots.take(None, BY).expect("taken");
    let (whole, little) = (first.new_bytes.expect("known"), second.new_bytes.expect("known"));
    assert!(little * 10 < whole, "{little} after {whole}");
    assert!(second.file_size_bytes > Some(whole / 2), "alone it would take as much");
}

#[test]
fn a_snapshot_of_the_same_state_adds_no_pack() {
    let app = App::new().with_events(500);
    app.take("first");
    let packs = app.packs();
    app.take("second");
    assert_eq!(app.packs(), packs);
}

#[test]
fn snapshots_of_one_second_have_ids_of_their_own_in_order() {
    let app = App::new().with_events(3).keep_last(0);
    let mut taken: Vec<_> = (0..6).map(|n| app.take(&format!("number {n}"))).collect();
    assert!(taken.is_sorted(), "{taken:?}");
    taken.dedup();
    assert_eq!(taken.len(), 6);
    taken.reverse();
    assert_eq!(app.listed(), taken, "the newest first");
}

#[test]
fn two_consoles_never_give_the_same_id() {
    let app = App::new().with_events(3).keep_last(0);
    let consoles = [app.reopen(), app.reopen()];
    let taken: Vec<_> = consoles
        .map(|console| {
            std::thread::spawn(move || {
                (0..5)
                    .map(|_| console.take(None, BY).expect("taken").snapshot())
                    .collect::<Vec<_>>()
            })
        })
        .into_iter()
        .flat_map(|thread| thread.join().expect("a thread that ends well"))
        .collect();
    assert_eq!(std::collections::BTreeSet::from_iter(&taken).len(), 10);
    assert_eq!(app.listed().len(), 10);
}

#[test]
fn the_id_of_a_deleted_snapshot_is_not_given_again() {
    let app = App::new().with_events(3);
    let first = app.take("first");
    app.snapshots().delete(&first, BY).expect("deleted");
    assert!(app.listed().is_empty());
    let second = app.take("second");
    assert!(second.id > first.id, "{second} after {first}");
    app.reopen().delete(&second, BY).expect("deleted");
    assert!(app.reopen().take(None, BY).expect("taken").snapshot_id > second.id);
}

#[test]
fn ids_never_go_backwards() {
    let app = App::new().with_events(3);
    app.drop_in(&named("rewind/29991231T235958Z"), r#"{"last_event_id":1,"event_log":[]}"#);
    assert_eq!(app.take("from a clock set back").to_string(), "periodic/29991231T235959Z");
    let next = app.take("and another").to_string();
    assert_eq!(next, "periodic/30000101T000000Z");
    app.events(1);
    let restored = app.restore(&named(&next), Scope::Tables);
    assert_eq!(restored.rewind.to_string(), "rewind/30000101T000001Z");
}

#[test]
fn no_snapshot_is_torn_by_live_writers() {
    let app = App::new().with_events(200).keep_last(0);
    let writer = app.writer();
    for n in 0..12 {
        writer.wait_for(20);
        app.take(&format!("number {n}"));
    }
    let written = writer.stop();
    assert_eq!(written.errors, Vec::<String>::new());
    let snapshots = app.snapshots();
    for entry in snapshots.list().expect("a list").snapshots {
        let exported = app.export(&entry.snapshot(), Format::Sqlite);
        let copy = Connection::open(exported).expect("the export");
        assert!(invariant_holds(&copy), "{} is torn", entry.snapshot_id);
        let position: i64 =
            copy.query_row("SELECT max(id) FROM event_log", [], |row| row.get(0)).expect("events");
        assert_eq!(entry.last_event_id, Some(position));
    }
    let verified = snapshots.verify(None, BY).expect("verified");
    assert!(verified.iter().all(|verified| verified.state == State::Intact), "{verified:?}");
}

#[test]
fn a_snapshot_tells_its_position_rows_and_note() {
    let app = App::new().with_events(40);
    let entry = app.snapshots().take(Some("  before the upgrade "), BY).expect("taken");
    let rows: u64 = app.state().values().map(|rows| rows.len() as u64).sum();
    assert_eq!(
        (entry.last_event_id, entry.event_delta, entry.rows),
        (Some(40), Some(0), Some(rows))
    );
    assert_eq!((entry.note.as_deref(), entry.state), (Some("before the upgrade"), State::Intact));
    assert_eq!(entry.filename, format!("{}.json", entry.snapshot_id));
    assert_eq!(entry.copied_at, None);
    app.events(7);
    assert_eq!(app.reopen().entry(&entry.snapshot()).expect("listed").event_delta, Some(7));
}

#[test]
fn a_note_can_be_changed_and_taken_away() {
    let app = App::new().with_events(3);
    let snapshot = app.take("first words");
    let change = |note: &str| LabelChange { note: Some(note.into()), pinned: None };
    let label =
        |note: &str| app.snapshots().label(&snapshot, &change(note), BY).expect("a label").note;
    assert_eq!(label("other <b>words</b>").as_deref(), Some("other <b>words</b>"));
    assert_eq!(label(" "), None);
    assert_eq!(app.reopen().list().expect("a list").snapshots[0].note, None);
}

#[test]
fn an_empty_database_can_be_taken_and_restored() {
    let app = App::new();
    let before = app.state();
    let snapshot = app.take("empty");
    app.events(30);
    app.restore(&snapshot, Scope::Rewind);
    assert_eq!(app.state(), before);
}

#[test]
fn a_store_in_memory_works_like_one_on_disk() {
    let app = App::new().store_in_memory().with_events(60);
    let before = app.state();
    let snapshot = app.take("before");
    app.events(30);
    app.restore(&snapshot, Scope::Rewind);
    assert_eq!(app.state(), before);
    assert!(!app.store_dir().exists());
}
