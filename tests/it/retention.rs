//! Retention and pruning: what stays, why, and what becomes of the packs.

use std::time::Duration;

use snapback::snapshot::{Action, Kind, LabelChange, Scope, SnapshotRef, State};

use crate::app::{App, BY};
use crate::meddling::Meddling;

fn size_of_packs(app: &App) -> u64 {
    app.packs().iter().map(|pack| std::fs::metadata(pack).expect("a pack").len()).sum()
}

fn all_verify(app: &App) {
    let verified = app.reopen().verify(None, BY).expect("verified");
    assert!(verified.iter().all(|found| found.state == State::Intact), "{verified:?}");
}

#[test]
fn the_newest_five_of_each_kind_stay() {
    let app = App::new().with_events(10);
    let taken: Vec<SnapshotRef> = (0..8).map(|n| app.take(&format!("number {n}"))).collect();
    let kept: Vec<SnapshotRef> = taken[3..].iter().rev().cloned().collect();
    assert_eq!(app.listed(), kept);
    for _ in 0..7 {
        app.events(1);
        app.restore(&taken[7], Scope::Tables);
    }
    let of_kind = |kind| app.listed().iter().filter(|snapshot| snapshot.kind == kind).count();
    assert_eq!((of_kind(Kind::Periodic), of_kind(Kind::Rewind)), (5, 5));
}

#[test]
fn pinned_snapshots_stay_outside_the_count() {
    let app = App::new().with_events(10).keep_last(2);
    let pinned = app.take("pinned");
    app.pin(&pinned);
    let taken: Vec<SnapshotRef> = (0..4).map(|n| app.take(&format!("number {n}"))).collect();
    assert_eq!(app.listed(), [taken[3].clone(), taken[2].clone(), pinned.clone()]);
    let verdicts = app.snapshots().prune(true, BY).expect("a verdict").snapshots;
    assert_eq!(verdicts[2].fate.why, "pinned");
    assert_eq!(verdicts[0].fate.why, "newest 2 of its kind");
}

#[test]
fn what_is_pinned_while_others_go_stays() {
    let store = Meddling::new();
    let app = App::new().with_events(10).keep_last(1).store_over(store.clone());
    let taken: Vec<SnapshotRef> = ["oldest", "older", "newest"]
        .map(|note| {
            app.events(1);
            let snapshot = app.take(note);
            app.pin(&snapshot);
            snapshot
        })
        .into();
    for snapshot in &taken {
        let change = LabelChange { pinned: Some(false), note: None };
        app.snapshots().label(snapshot, &change, BY).expect("no longer pinned");
    }
    let (other, oldest) = (app.reopen(), taken[0].clone());
    store.at_the_next_removal(move || {
        let pin = LabelChange { pinned: Some(true), note: None };
        let pin = std::thread::spawn(move || other.label(&oldest, &pin, BY).map(drop));
        pin.join().expect("a thread").expect("pinned");
    });
    let pruned = app.snapshots().prune(false, BY).expect("pruned");
    assert!(!store.waits(), "the pin came between");
    assert_eq!(app.listed(), [taken[2].clone(), taken[0].clone()]);
    let whys: Vec<&str> = pruned.snapshots.iter().map(|one| one.fate.why.as_str()).collect();
    assert_eq!(whys, ["newest 1 of its kind", "older than the newest 1 of its kind", "pinned"]);
    all_verify(&app);
}

#[test]
fn zero_keeps_all() {
    let app = App::new().with_events(3).keep_last(0);
    for n in 0..7 {
        app.take(&format!("number {n}"));
    }
    assert_eq!(app.listed().len(), 7);
    assert!(
        app.snapshots().prune(false, BY).expect("pruned").snapshots.iter().all(|one| one.fate.keep)
    );
}

#[test]
fn pruning_removes_what_nobody_needs_and_keeps_the_rest_whole() {
    let app = App::new().keep_last(0).grace(Duration::ZERO).with_events(1500);
    let old = app.take("old");
    app.sql("UPDATE messages SET body = hex(randomblob(200)); UPDATE event_log SET payload = hex(randomblob(100))");
    let kept = app.take("kept");
    let before = app.state();
    let full = size_of_packs(&app);
    app.snapshots().delete(&old, BY).expect("deleted");
    assert_eq!(size_of_packs(&app), full, "deleting leaves the packs to a prune");
    let tried = app.snapshots().prune(true, BY).expect("tried");
    assert!(tried.dry_run && tried.bytes_freed > 0, "{tried:?}");
    assert_eq!(size_of_packs(&app), full, "a dry run removes nothing");
    let pruned = app.snapshots().prune(false, BY).expect("pruned");
    assert_eq!(pruned.held_back, None);
    assert!(pruned.packs_removed > 0);
    assert!(size_of_packs(&app) < full);
    all_verify(&app);
    app.events(20);
    app.restore(&kept, Scope::Rewind);
    assert_eq!(app.state(), before);
    let history = app.snapshots().history(10).expect("the history");
    assert!(history.iter().any(|done| done.action == Action::Prune && done.ok));
}

#[test]
fn young_packs_are_left_alone() {
    let app = App::new().grace(Duration::from_hours(1)).with_events(100);
    let snapshot = app.take("soon gone");
    app.snapshots().delete(&snapshot, BY).expect("deleted");
    let packs = app.packs();
    let pruned = app.snapshots().prune(false, BY).expect("pruned");
    assert_eq!((pruned.packs_removed, app.packs()), (0, packs));
}

#[test]
fn everything_gone_leaves_no_pack_behind() {
    let app = App::new().grace(Duration::ZERO).with_events(100);
    let snapshot = app.take("soon gone");
    app.snapshots().delete(&snapshot, BY).expect("deleted");
    app.snapshots().prune(false, BY).expect("pruned");
    assert!(app.packs().is_empty());
    let before = app.state();
    let again = app.take("a new beginning");
    app.events(5);
    app.restore(&again, Scope::Rewind);
    assert_eq!(app.state(), before);
}

#[test]
fn a_store_goes_on_through_many_rounds_of_taking_and_pruning() {
    let app = App::new().keep_last(2).grace(Duration::ZERO).with_events(200);
    let other = app.reopen();
    for round in 0..6 {
        app.events(40);
        app.sql("UPDATE messages SET edits = edits + 1 WHERE id % 3 = 0");
        if round % 2 == 0 {
            app.take("mine")
        } else {
            other.take(None, BY).expect("taken").snapshot()
        };
        other.prune(false, BY).expect("pruned");
        all_verify(&app);
    }
    assert_eq!(app.listed().len(), 2);
    let before = app.state();
    let newest = app.take("newest");
    app.events(10);
    app.restore(&newest, Scope::Rewind);
    assert_eq!(app.state(), before);
}

#[test]
fn a_damaged_manifest_holds_back_the_removal_of_packs() {
    let app = App::new().keep_last(0).grace(Duration::ZERO).with_events(300);
    let damaged = app.take("to be damaged");
    let whole = std::fs::read(app.manifest(&damaged)).expect("the manifest");
    app.drop_in(&damaged, &whole[..whole.len() / 2]);
    let packs = app.packs();
    let pruned = app.reopen().prune(false, BY).expect("pruned");
    assert!(pruned.held_back.is_some());
    assert_eq!(app.packs(), packs);
    app.drop_in(&damaged, &whole);
    all_verify(&app);
}
