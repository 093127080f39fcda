//! Snapshots of one database in one store: take, list, diff, restore, verify, prune.
//!
//! Everything here takes values and returns values, blocks the calling thread, and knows neither
//! HTTP nor HTML. A web handler calls it from a blocking thread.

mod changes;
mod contents;
mod diff;
mod facts;
mod history;
mod id;
mod label;
mod manifest;
mod pack;
mod retain;
mod row;
mod source;
mod tree;

pub use facts::*;
pub use id::{Kind, Point, SnapshotId, SnapshotRef};
pub use row::Value;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::database::Database;
use crate::error::Result;
use crate::store::Store;

/// What applies to every snapshot that is taken, restored or pruned.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many snapshots of each kind retention keeps, the newest; 0 keeps all.
    pub keep_last: usize,
    /// Tables that are neither snapshotted nor restored: names, `*` and `?` as wildcards.
    pub exclude_tables: Vec<String>,
    /// How young a pack must be for pruning to leave it alone, needed or not.
    pub grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { keep_last: 5, exclude_tables: Vec::new(), grace: Duration::from_secs(3600) }
    }
}

/// The snapshots of one database: the face of this module. Cheap to clone.
#[derive(Clone)]
pub struct Snapshots {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    store: Store,
    options: Options,
}

impl Snapshots {
    /// Joins a database and a store.
    pub fn open(database: Database, store: Store, options: Options) -> Result<Self> {
        Ok(Self { inner: Arc::new(Inner { database, store, options }) })
    }

    /// The live database, in a line.
    pub fn now(&self) -> Result<Now> {
        todo!()
    }

    /// Every snapshot of both kinds, newest first. Damaged ones are listed with the reason.
    pub fn list(&self) -> Result<List> {
        todo!()
    }

    /// One snapshot as the list shows it; an error when there is none of that name.
    pub fn entry(&self, snapshot: &SnapshotRef) -> Result<Entry> {
        todo!()
    }

    /// Takes a `periodic` snapshot of the present state, then applies retention.
    pub fn take(&self, note: Option<&str>, by: &str) -> Result<Entry> {
        todo!()
    }

    /// What restoring `snapshot` would change against now, with the plan's fingerprint.
    pub fn preview(&self, snapshot: &SnapshotRef) -> Result<Preview> {
        todo!()
    }

    /// What would change if the state were `from` and `to` were restored.
    pub fn compare(&self, from: &Point, to: &Point) -> Result<Preview> {
        todo!()
    }

    /// The changed rows of one table between two points (`from` is before, `to` is after).
    pub fn rows(&self, from: &Point, to: &Point, table: &str, page: &Page) -> Result<TableRows> {
        todo!()
    }

    /// Events after the snapshot, newest first, at most `limit`, below position `before`.
    pub fn events_since(
        &self,
        snapshot: &SnapshotRef,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Event>> {
        todo!()
    }

    /// Restores: a safety copy first, then only the rows that differ, in one transaction.
    pub fn restore(&self, request: &RestoreRequest) -> Result<Restored> {
        todo!()
    }

    /// The last restore that can be undone: the newest rewind snapshot.
    pub fn last_rewind(&self) -> Result<Option<Entry>> {
        todo!()
    }

    /// Changes a note or a pin.
    pub fn label(&self, snapshot: &SnapshotRef, change: &LabelChange, by: &str) -> Result<Entry> {
        todo!()
    }

    /// Removes a snapshot. What only it needed goes with a later prune.
    pub fn delete(&self, snapshot: &SnapshotRef, by: &str) -> Result<()> {
        todo!()
    }

    /// Reads back every byte of one snapshot, or of all.
    pub fn verify(&self, snapshot: Option<&SnapshotRef>, by: &str) -> Result<Vec<Verified>> {
        todo!()
    }

    /// Applies retention, then removes what no snapshot needs.
    pub fn prune(&self, dry_run: bool, by: &str) -> Result<Pruned> {
        todo!()
    }

    /// Writes a whole snapshot to a new file at `to`. An existing file is an error.
    pub fn export(
        &self,
        snapshot: &SnapshotRef,
        format: Format,
        to: &Path,
        by: &str,
    ) -> Result<()> {
        todo!()
    }

    /// Takes over a file of either export format as a snapshot.
    pub fn import(&self, file: &Path, by: &str) -> Result<Entry> {
        todo!()
    }

    /// What was done, newest first, at most `limit`.
    pub fn history(&self, limit: usize) -> Result<Vec<Occurrence>> {
        todo!()
    }
}
