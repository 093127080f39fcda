//! An application with snapshots, and consoles over stores that fail.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::memory::InMemory;
use snapback::Error;
use snapback::database::{Database, EventOptions};
use snapback::snapshot::{Options, Retention, Scope, SnapshotRef, Snapshots, State as Soundness};
use snapback::store::Store;

use crate::app::{App, BY, State, request};

/// Retention that has work to do at every take and prune.
pub(crate) fn eager(keep_last: usize) -> Options {
    Options { retention: Retention::last(keep_last), grace: Duration::ZERO, ..Options::default() }
}

/// A console on a database, its snapshots in any object store.
pub(crate) fn console(path: &Path, objects: Arc<dyn ObjectStore>, options: Options) -> Snapshots {
    try_console(path, Store::over(objects), options).expect("a console")
}

/// A console on a database and a store, which may not open.
pub(crate) fn try_console(
    path: &Path,
    store: Store,
    options: Options,
) -> snapback::Result<Snapshots> {
    Snapshots::open(Database::open(path, &EventOptions::default())?, store, options)
}

/// A store in memory with an older snapshot and one of the state the application is left in.
fn two_snapshots(app: &App) -> InMemory {
    let objects = Arc::new(InMemory::new());
    let console = console(&app.db_path(), objects.clone(), Options::default());
    app.events(60);
    console.take(Some("older"), BY).expect("a snapshot");
    app.events(45);
    console.take(Some("newer"), BY).expect("a snapshot");
    objects.fork()
}

/// Checks that everything listed is whole: intact by the list, and every byte by a verification.
#[track_caller]
pub(crate) fn assert_all_sound(console: &Snapshots, context: &str) {
    let list = console.list().unwrap_or_else(|error| panic!("{context}: no list: {error:?}"));
    for entry in &list.snapshots {
        assert_eq!(entry.state, Soundness::Intact, "{context}: {entry:?}");
    }
    let verified = console.verify(None, BY).unwrap_or_else(|error| panic!("{context}: {error:?}"));
    assert_eq!(verified.len(), list.snapshots.len(), "{context}");
    for verified in verified {
        assert_eq!(verified.state, Soundness::Intact, "{context}: {verified:?}");
    }
}

/// Checks that an error says what failed, on which thing, and what to do next.
#[track_caller]
pub(crate) fn assert_helpful(error: &Error, context: &str) {
    let silent =
        error.what().is_empty() || error.thing().is_empty() || error.next_step().is_empty();
    assert!(!silent, "{context}: {error:?}");
}

/// An application in the state of its newer snapshot, and the store as it then was.
pub(crate) struct Stage {
    pub(crate) app: App,
    pub(crate) base: InMemory,
    pub(crate) older: SnapshotRef,
    pub(crate) newer: SnapshotRef,
    pub(crate) before: State,
    /// What a restore of the older one makes of it, by scope.
    pub(crate) after: [State; 2],
}

impl Stage {
    pub(crate) fn new() -> Self {
        let app = App::in_memory();
        let base = two_snapshots(&app);
        let clean = console(&app.db_path(), Arc::new(base.fork()), Options::default());
        let [newer, older] = clean.list().expect("a list").snapshots.try_into().expect("two");
        let (newer, older) = (newer.snapshot(), older.snapshot());
        let before = app.state();
        let after = [Scope::Tables, Scope::Rewind].map(|scope| {
            clean.restore(&request(&older, scope)).expect("a restore");
            let after = app.state();
            clean.restore(&request(&newer, Scope::Rewind)).expect("a restore");
            assert_eq!(app.state(), before);
            after
        });
        Self { app, base, older, newer, before, after }
    }

    /// Puts the application back where it was.
    pub(crate) fn reset(&self) {
        let clean = console(&self.app.db_path(), Arc::new(self.base.fork()), Options::default());
        clean.restore(&request(&self.newer, Scope::Rewind)).expect("a restore");
        assert_eq!(self.app.state(), self.before);
    }
}
