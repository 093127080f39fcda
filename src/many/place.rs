//! One database among many: where it is, and how it is opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::database::{Database, EventOptions};
use crate::error::Result;
use crate::snapshot::{Options, Schedule, Snapshots};
use crate::store::Store;

/// One database among many: where it is, and how it is opened. Cheap to clone.
#[derive(Clone)]
pub struct Place {
    path: Arc<Path>,
    store: Arc<str>,
    schedule: Schedule,
    open: Arc<dyn Fn() -> Result<Snapshots> + Send + Sync>,
}

impl Place {
    /// The database at `path` with its snapshots in the store at `store`; `open` joins the two as
    /// often as they are wanted, and `schedule` is the one that it opens them with.
    pub fn new(
        path: &Path,
        store: &str,
        schedule: Schedule,
        open: impl Fn() -> Result<Snapshots> + Send + Sync + 'static,
    ) -> Self {
        Self { path: path.into(), store: store.into(), schedule, open: Arc::new(open) }
    }

    /// The same with nothing but options: the event log is detected, and the store opened as it is.
    #[must_use]
    pub fn with_options(path: impl AsRef<Path>, store: &str, options: Options) -> Self {
        let path = path.as_ref();
        let (at, location): (PathBuf, String) = (path.into(), store.into());
        let schedule = options.schedule.clone();
        Self::new(path, store, schedule, move || {
            let database = Database::open(&at, &EventOptions::default())?;
            Snapshots::open(database, Store::open(&location)?, options.clone())
        })
    }

    /// The database's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where its snapshots live, as it is told to people.
    #[must_use]
    pub fn store(&self) -> &str {
        &self.store
    }

    /// When checkpoints are taken by themselves.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    pub(super) fn open(&self) -> Result<Snapshots> {
        (self.open)()
    }
}
