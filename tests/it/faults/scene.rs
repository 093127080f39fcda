//! An application with snapshots, and consoles over stores that fail.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::memory::InMemory;
use snapback::Error;
use snapback::database::{Database, EventOptions};
use snapback::snapshot::{Options, Snapshots, State};
use snapback::store::Store;

use crate::app::{App, BY};

/// Retention that has work to do at every take and prune.
pub(crate) fn eager(keep_last: usize) -> Options {
    Options { keep_last, grace: Duration::ZERO, ..Options::default() }
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
pub(crate) fn two_snapshots(app: &App) -> InMemory {
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
        assert_eq!(entry.state, State::Intact, "{context}: {entry:?}");
    }
    let verified = console.verify(None, BY).unwrap_or_else(|error| panic!("{context}: {error:?}"));
    assert_eq!(verified.len(), list.snapshots.len(), "{context}");
    for verified in verified {
        assert_eq!(verified.state, State::Intact, "{context}: {verified:?}");
    }
}

/// Checks that an error says what failed, on which thing, and what to do next.
#[track_caller]
pub(crate) fn assert_helpful(error: &Error, context: &str) {
    let silent =
        error.what().is_empty() || error.thing().is_empty() || error.next_step().is_empty();
    assert!(!silent, "{context}: {error:?}");
}
