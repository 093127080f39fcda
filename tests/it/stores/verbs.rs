//! Take, list, preview, restore, verify, prune: the same wherever snapshots live.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use snapback::snapshot::{Kind, Scope, Snapshots, State};
use snapback::{ErrorKind, Result};

use snapback::store::Store;

use super::Place;
use crate::app::{App, BY, request};
use crate::bucket::Bucket;
use crate::faults::store::FaultyStore;

/// Everything in the store is sound.
pub(super) fn verified(snapshots: &Snapshots) {
    for verified in snapshots.verify(None, BY).expect("verified") {
        assert_eq!(verified.state, State::Intact, "{verified:?}");
    }
}

#[test]
fn a_snapshot_is_taken_listed_previewed_restored_verified_and_pruned() {
    for place in Place::all() {
        let app = App::new().grace(Duration::ZERO).store_in(place.open()).with_events(60);
        let before = app.state();
        let snapshot = app.take("before");
        app.events(40);
        let after = app.state();
        assert_eq!(app.listed(), std::slice::from_ref(&snapshot));
        assert!(app.preview(&snapshot).differing_rows() > 0);
        assert!(!app.changed_rows(&snapshot, "event_log").is_empty());

        let restored = app.restore(&snapshot, Scope::Rewind);
        assert_eq!(app.state(), before);
        app.undo(&restored);
        assert_eq!(app.state(), after);

        // Another process sees the same, and reads every byte back.
        let other = app.reopen_in(place.open());
        assert_eq!(other.list().expect("a list").snapshots.len(), 3);
        verified(&other);
        for entry in other.list().expect("a list").snapshots {
            other.delete(&entry.snapshot(), BY).expect("deleted");
        }
        let pruned = other.prune(false, BY).expect("pruned");
        assert!(pruned.packs_removed > 0, "{pruned:?}");
        assert_eq!(place.open().list("packs").expect("a listing"), []);
    }
}

#[test]
fn a_second_take_sends_only_what_is_new() {
    for place in Place::all() {
        let app = App::new().store_in(place.open()).with_events(400);
        let first = app.take("first");
        app.events(1);
        let second = app.take("second");
        let new = |snapshot| app.snapshots().entry(snapshot).expect("an entry").new_bytes;
        let (first, second) = (new(&first), new(&second));
        assert!(second < first, "{second:?} of {first:?}");
    }
}

#[test]
fn a_refused_restore_leaves_the_store_as_it_was() {
    for place in Place::all() {
        let app = App::new().store_in(place.open()).with_events(10);
        let snapshot = app.take("before");
        app.sql("ALTER TABLE event_log ADD COLUMN more TEXT");
        app.try_restore(&request(&snapshot, Scope::Rewind)).expect_err("another schema");
        assert_eq!(app.listed(), [snapshot]);
    }
}

#[test]
fn chunks_that_lie_together_are_read_in_one_go() {
    let faulty = FaultyStore::over(Arc::new(InMemory::new()));
    let app = App::new().store_over(Arc::new(faulty.clone())).with_events(5);
    app.sql(
        "CREATE TABLE files(id INTEGER PRIMARY KEY, body BLOB);
        WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 200)
        INSERT INTO files SELECT i, randomblob(20000) FROM n",
    );
    let snapshot = app.take("before");
    let chunks = app.snapshots().copy_to(&snapshot, &Store::memory(), BY).expect("copied").chunks;
    assert!(chunks > 100, "{chunks}");
    app.sql("DELETE FROM files");
    let fresh = app.reopen();
    let before = faulty.seen();
    assert!(fresh.preview(&snapshot).expect("a preview").differing_rows() >= 200);
    fresh.restore(&request(&snapshot, Scope::Tables)).expect("restored");
    let asked = faulty.seen() - before;
    assert!(asked as u64 * 2 < chunks, "{asked} operations for {chunks} chunks");
}

/// Does something until it succeeds. Where nothing is too young to be pruned, a take may find that
/// what it relied on has gone; where others never leave the store alone, it may not come in. It says
/// so, and leaves nothing behind.
pub(super) fn insist<T>(act: impl Fn() -> Result<T>) -> T {
    loop {
        match act() {
            Ok(done) => return done,
            Err(error) => {
                let passing = matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Busy);
                assert!(passing, "{error}");
            }
        }
    }
}

#[test]
fn two_consoles_on_one_store_with_live_writers_lose_nothing() {
    let rounds = std::env::var("SNAPBACK_ROUNDS").map_or(3, |rounds| rounds.parse().expect("N"));
    for place in Place::all() {
        let app = App::new().grace(Duration::ZERO).keep_last(3).store_in(place.open());
        let app = app.with_events(30);
        let first = app.take("first");
        app.pin(&first);
        let (one, other) = (app.snapshots(), app.reopen_in(place.open()));
        let writer = app.writer();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..rounds {
                    insist(|| one.take(None, BY));
                }
            });
            scope.spawn(|| {
                for _ in 0..rounds {
                    insist(|| other.restore(&request(&first, Scope::Tables)));
                    other.prune(false, BY).expect("pruned");
                }
            });
        });
        assert_eq!(writer.stop().errors, [""; 0]);
        let list = one.list().expect("a list");
        let of = |kind| list.snapshots.iter().filter(|entry| entry.kind == kind).count();
        assert_eq!((of(Kind::Rewind), of(Kind::Periodic)), (rounds.min(3), 1 + rounds.min(3)));
        verified(&app.reopen_in(place.open()));
    }
}

#[test]
fn a_cache_saves_reading_again_and_survives_its_damage_and_its_loss() {
    let (bucket, folder) = (Bucket::new(), tempfile::tempdir().expect("a folder"));
    let cached = || bucket.open().with_cache(folder.path(), 1 << 20);
    let app = App::new().store_in(bucket.open()).with_events(60);
    let snapshot = app.take("before");
    let read = |store: Store| {
        let before = bucket.proxy().passed();
        app.reopen_in(store).entry(&snapshot).expect("an entry");
        bucket.proxy().passed() - before
    };
    let uncached = read(cached());
    let files = |ending: &str| -> Vec<PathBuf> {
        let files = std::fs::read_dir(folder.path()).expect("a folder");
        let paths = files.map(|file| file.expect("a file").path());
        paths.filter(|path| path.extension().is_some_and(|found| found == ending)).collect()
    };
    assert_eq!(files("index").len(), place_packs(&bucket));
    assert_eq!(files("manifest").len(), 1);
    assert!(read(cached()) < uncached);

    app.events(60);
    let preview = |store: Store| {
        let snapshots = app.reopen_in(store);
        let before = bucket.proxy().passed();
        let changed = snapshots.preview(&snapshot).expect("a preview").changed_tables().count();
        (changed, bucket.proxy().passed() - before)
    };
    let (changed, uncached) = preview(cached());
    assert!(changed > 0 && !files("chunk").is_empty());
    let (again, read_now) = preview(cached());
    assert_eq!(again, changed);
    assert!(read_now < uncached, "{read_now} of {uncached} bytes are read again");

    for file in ["index", "manifest", "chunk"].into_iter().flat_map(files) {
        std::fs::write(file, "what nobody cached").expect("damaged");
    }
    assert_eq!(preview(cached()).0, changed);
    verified(&app.reopen_in(cached()));
    std::fs::remove_dir_all(folder.path()).expect("removed");
    verified(&app.reopen_in(cached()));
}

#[test]
fn reading_back_asks_the_store_itself_whatever_is_cached() {
    let (bucket, folder) = (Bucket::new(), tempfile::tempdir().expect("a folder"));
    let app = App::new().store_in(bucket.open()).with_events(60);
    let snapshot = app.take("before");
    app.events(60);
    let cached = || app.reopen_in(bucket.open().with_cache(folder.path(), 1 << 20));
    let before = cached().preview(&snapshot).expect("a preview");

    let store = bucket.open();
    for pack in store.list("packs").expect("a listing") {
        let mut bytes = store.get(&pack.key, pack.size).expect("read").expect("a pack").to_vec();
        // Its index is at its end, and stays.
        let chunks = bytes.len() / 3;
        bytes[..chunks].fill(0);
        store.put(&pack.key, bytes).expect("damaged");
    }
    assert_eq!(cached().preview(&snapshot).expect("a preview").tables, before.tables);
    let verified = cached().verify(Some(&snapshot), BY).expect("read back");
    assert_eq!(verified[0].state, State::Damaged, "{verified:?}");
}

fn place_packs(bucket: &Bucket) -> usize {
    bucket.open().list("packs").expect("a listing").len()
}
