//! Snapshots that go to a second store, by hand and as they are taken.

use snapback::ErrorKind;
use snapback::snapshot::{Action, Entry, Scope};
use snapback::store::Store;

use super::Place;
use super::verbs::verified;
use crate::app::{App, BY};
use crate::bucket::Bucket;

#[test]
fn a_copy_is_the_same_snapshot_in_the_other_store() {
    for place in Place::all() {
        let app = App::new().with_events(60);
        let before = app.state();
        let snapshot = app.take("before");
        app.pin(&snapshot);
        let to = place.open();
        let copied = app.snapshots().copy_to(&snapshot, &to, BY).expect("copied");
        assert_eq!(copied.snapshot, snapshot);
        assert!(copied.chunks > 0);
        let again = app.snapshots().copy_to(&snapshot, &to, BY).expect("there already");
        assert_eq!((again.chunks, again.bytes), (0, 0));

        app.events(20);
        let elsewhere = app.reopen_in(place.open());
        verified(&elsewhere);
        let entry = elsewhere.entry(&snapshot).expect("an entry");
        assert_eq!((entry.note.as_deref(), entry.pinned), (Some("before"), true));
        let request = crate::app::request(&snapshot, Scope::Rewind);
        elsewhere.restore(&request).expect("restored");
        assert_eq!(app.state(), before);
    }
}

#[test]
fn a_second_copy_sends_only_what_the_other_store_lacks() {
    let app = App::new().with_events(400);
    let to = Store::memory();
    let first = app.snapshots().copy_to(&app.take("first"), &to, BY).expect("copied");
    app.events(1);
    let second = app.snapshots().copy_to(&app.take("second"), &to, BY).expect("copied");
    assert!(second.bytes < first.bytes, "{} of {}", second.bytes, first.bytes);
}

#[test]
fn a_copy_over_another_snapshot_of_the_same_name_is_refused() {
    let app = App::new().with_events(5);
    let snapshot = app.take("mine");
    let to = Store::memory();
    to.put(&format!("snapshots/{snapshot}.json"), "{}").expect("written");
    let error = app.snapshots().copy_to(&snapshot, &to, BY).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.next_step(), "copy to a store of its own");
}

#[test]
fn a_mirror_gets_every_snapshot_the_safety_copies_too() {
    for place in Place::all() {
        let app = App::new().mirror_in(place.open()).with_events(20);
        let snapshot = app.take("before");
        app.events(5);
        app.restore(&snapshot, Scope::Tables);
        let listed = app.listed();
        // Closing waits for the mirror.
        let app = app.closed();
        let mirror = app.reopen_in(place.open());
        let mirrored = mirror.list().expect("a list").snapshots;
        let mirrored: Vec<_> = mirrored.iter().map(Entry::snapshot).collect();
        assert_eq!(mirrored, listed);
        verified(&mirror);
    }
}

#[test]
fn a_mirror_out_of_reach_is_told_in_the_history_and_caught_up_later() {
    let bucket = Bucket::new();
    let app = App::new().mirror_in(bucket.open_impatiently()).with_events(5);
    bucket.proxy().cut_off();
    app.take("while it is away");
    let app = app.closed();
    let told = app.snapshots().history(1).expect("a history").remove(0);
    assert_eq!((told.action, told.ok), (Action::Copy, false), "{told:?}");
    assert!(told.outcome.contains(&bucket.location()), "{}", told.outcome);
    bucket.proxy().reconnect();
    app.take("when it is back");
    let app = app.closed();
    let mirror = app.reopen_in(bucket.open());
    assert_eq!(mirror.list().expect("a list").snapshots.len(), 2);
    verified(&mirror);
}

#[test]
fn ids_get_a_suffix_where_two_writers_of_one_name_could_both_win() {
    let bucket = Bucket::new();
    let store = bucket.open_with("AWS_CONDITIONAL_PUT", "disabled");
    assert!(!store.keeps_create_only().expect("tried"));
    let app = App::new().store_in(store).with_events(5);
    let snapshot = app.take("first");
    let (stem, suffix) = snapshot.id.as_str().split_once("Z-").expect("a suffix");
    assert_eq!((stem.len(), suffix.len()), (15, 4), "{snapshot}");
    let later = app.take("second");
    assert!(later.id > snapshot.id);
    app.restore(&snapshot, Scope::Rewind);
    verified(&app.snapshots());
}
