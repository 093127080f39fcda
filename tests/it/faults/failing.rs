//! A store that fails: every operation of every verb, one after the other.

use std::path::Path;
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use snapback::Result;
use snapback::snapshot::{Format, Kind, Options, Point, Scope, Snapshots};

use super::scene::{Stage, assert_all_sound, assert_helpful, console, eager};
use super::store::{Fault, FaultyStore};
use crate::app::{App, BY, request};

/// More operations than any verb here needs: a guard against counting for ever.
const MOST: usize = 400;

/// The ways in which a single operation can fail.
const FAULTS: [fn(usize) -> Fault; 5] =
    [Fault::Fails, Fault::AnswerLost, Fault::FullFrom, Fault::DeadFrom, Fault::OtherBytes];

/// A verb, on the snapshots older and newer.
type Verb = fn(&Snapshots, &Stage) -> Result<()>;

impl Stage {
    /// A copy of the store on disk.
    fn on_disk(&self, folder: &Path) -> Arc<dyn ObjectStore> {
        let disk = Arc::new(LocalFileSystem::new_with_prefix(folder).expect("a folder"));
        let copy = async {
            use futures_util::TryStreamExt as _;
            let metas: Vec<_> = self.base.list(None).try_collect().await.expect("a listing");
            for meta in metas {
                let bytes = self.base.get(&meta.location).await.expect("an object");
                let bytes = bytes.bytes().await.expect("its bytes");
                disk.put(&meta.location, bytes.into()).await.expect("a copy");
            }
        };
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(copy);
        disk
    }

    /// Lets the verb fail at each of its operations in turn. After each, the database is as it was
    /// or as was asked, what is listed is whole, and the verb can be repeated.
    fn enumerate(&self, verb: Verb, options: &Options, ways: &[fn(usize) -> Fault], disk: bool) {
        for fault in ways {
            for number in 0.. {
                assert!(number < MOST, "{:?} never gets beyond the verb", fault(number));
                let folder = tempfile::tempdir().expect("a folder");
                let inner: Arc<dyn ObjectStore> =
                    if disk { self.on_disk(folder.path()) } else { Arc::new(self.base.fork()) };
                let faulty = FaultyStore::over(Arc::clone(&inner));
                if self.strike(verb, options, fault(number), inner, &faulty) <= number {
                    break;
                }
            }
        }
    }

    /// One fault; says how many operations there were.
    fn strike(
        &self,
        verb: Verb,
        options: &Options,
        fault: Fault,
        inner: Arc<dyn ObjectStore>,
        faulty: &FaultyStore,
    ) -> usize {
        let context = format!("{fault:?}");
        let opened = |objects| console(&self.app.db_path(), objects, options.clone());
        let failing = opened(Arc::new(faulty.clone()));
        faulty.set(fault);
        let outcome = verb(&failing, self);
        let operations = faulty.seen();
        faulty.repair();
        let state = self.app.state();
        match &outcome {
            Ok(()) => assert!(state == self.before || self.after.contains(&state), "{context}"),
            Err(error) => {
                assert_helpful(error, &context);
                assert_eq!(state, self.before, "{context}: {error:?}");
            }
        }
        // By somebody who comes new, and by the one who saw the failure.
        let fresh = opened(inner);
        assert_all_sound(&fresh, &context);
        assert_all_sound(&failing, &context);
        assert_every_note_is_there(&fresh, &context);
        if state != self.before {
            self.reset();
        }
        if let Err(error) = verb(&failing, self) {
            // What is deleted cannot be deleted again.
            let done = error.kind() == snapback::ErrorKind::NotFound;
            assert!(done, "{context}, then: {error:?}");
        }
        assert_all_sound(&fresh, &context);
        if self.app.state() != self.before {
            self.reset();
        }
        operations
    }
}

/// Every snapshot of a stage was taken under a note.
fn assert_every_note_is_there(console: &Snapshots, context: &str) {
    let mut taken = console.list().expect("a list").snapshots;
    // An import comes without one.
    taken.retain(|entry| entry.kind == Kind::Periodic && entry.last_event_id != Some(60));
    assert!(taken.iter().all(|entry| entry.note.is_some()), "{context}: {taken:?}");
}

fn take(console: &Snapshots, _: &Stage) -> Result<()> {
    console.take(Some("a note"), BY).map(drop)
}

fn restore_tables(console: &Snapshots, stage: &Stage) -> Result<()> {
    console.restore(&request(&stage.older, Scope::Tables)).map(drop)
}

fn rewind(console: &Snapshots, stage: &Stage) -> Result<()> {
    console.restore(&request(&stage.older, Scope::Rewind)).map(drop)
}

fn prune(console: &Snapshots, _: &Stage) -> Result<()> {
    console.prune(false, BY).map(drop)
}

fn delete(console: &Snapshots, stage: &Stage) -> Result<()> {
    console.delete(&stage.newer, BY)
}

fn import_json(console: &Snapshots, stage: &Stage) -> Result<()> {
    import(console, stage, Format::Json)
}

fn import_sqlite(console: &Snapshots, stage: &Stage) -> Result<()> {
    import(console, stage, Format::Sqlite)
}

fn import(console: &Snapshots, stage: &Stage, format: Format) -> Result<()> {
    let file = stage.app.file(&format!("import.{}", format.name()));
    if !file.exists() {
        let clean =
            super::scene::console(&stage.app.db_path(), Arc::new(stage.base.fork()), eager(0));
        clean.export(&stage.older, format, &file, BY).expect("an export");
    }
    console.import(&file, BY).map(drop)
}

fn look(console: &Snapshots, stage: &Stage) -> Result<()> {
    console.list()?;
    console.preview(&stage.older)?;
    console.compare(&Point::Snapshot(stage.older.clone()), &Point::Now).map(drop)
}

#[test]
fn a_take_fails_whole_at_every_operation_of_the_store() {
    Stage::new().enumerate(take, &Options::default(), &FAULTS, false);
}

#[test]
fn a_take_that_prunes_fails_whole_at_every_operation_of_the_store() {
    Stage::new().enumerate(take, &eager(1), &FAULTS, false);
}

#[test]
fn a_restore_fails_whole_at_every_operation_of_the_store() {
    Stage::new().enumerate(restore_tables, &Options::default(), &FAULTS, false);
}

#[test]
fn a_rewind_fails_whole_at_every_operation_of_the_store() {
    Stage::new().enumerate(rewind, &Options::default(), &FAULTS, false);
}

#[test]
fn a_prune_fails_whole_at_every_operation_of_the_store() {
    Stage::new().enumerate(prune, &eager(1), &FAULTS, false);
}

#[test]
fn a_delete_fails_whole_at_every_operation_of_the_store() {
    Stage::new().enumerate(delete, &Options::default(), &FAULTS, false);
}

#[test]
fn an_import_fails_whole_at_every_operation_of_the_store() {
    let stage = Stage::new();
    for verb in [import_json, import_sqlite] {
        stage.enumerate(verb, &Options::default(), &FAULTS, false);
    }
}

#[test]
fn a_failed_look_leaves_no_trace() {
    Stage::new().enumerate(look, &Options::default(), &FAULTS, false);
}

#[test]
fn a_failing_disk_takes_nothing_along() {
    let stage = Stage::new();
    for verb in [take, prune, delete] {
        stage.enumerate(verb, &eager(1), &[Fault::Fails, Fault::DeadFrom], true);
    }
}

/// A pack of more than one part: no part may be missing from what is listed.
#[test]
fn a_large_pack_fails_whole_at_every_part() {
    let app = App::in_memory().with_events(10);
    app.sql(
        "CREATE TABLE noise(id INTEGER PRIMARY KEY, bytes BLOB);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9)
         INSERT INTO noise SELECT i, randomblob(1000000) FROM n;",
    );
    let mut failed = 0;
    // The pack is among the first things that are written.
    for number in 0..6 {
        let context = format!("operation {number}");
        let faulty = FaultyStore::over(Arc::new(InMemory::new()));
        let console = console(&app.db_path(), Arc::new(faulty.clone()), Options::default());
        faulty.set(Fault::Fails(number));
        let taken = console.take(None, BY);
        faulty.repair();
        if let Err(error) = taken {
            assert_helpful(&error, &context);
            assert!(console.list().expect("a list").snapshots.is_empty(), "{context}");
            failed += 1;
            console.take(None, BY).expect("a snapshot is taken");
        }
        assert_all_sound(&console, &context);
    }
    assert!(failed >= 3, "the beginning, the parts and the end can fail: {failed}");
}
