//! What the module tells its callers: plain data, in the shape of the JSON answers.
//!
//! Pages, JSON and the terminal are all made from these values, so the three never disagree.
//! Sizes are bytes, durations milliseconds, moments RFC 3339 in UTC.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use super::id::{Kind, SnapshotId, SnapshotRef};
use super::row::Value;

/// How much of the event log and the projections a restore puts back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Every projection becomes what the snapshot holds; the event log is left alone.
    #[default]
    Tables,
    /// The event log too becomes exactly what the snapshot holds.
    Rewind,
}

impl Scope {
    /// The scope's name in forms, answers and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tables => "tables",
            Self::Rewind => "rewind",
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Scope {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "tables" => Ok(Self::Tables),
            "rewind" => Ok(Self::Rewind),
            other => Err(crate::Error::invalid(format!("there is no scope named {other:?}"))
                .on("scope")
                .hint("state scope=tables or scope=rewind")),
        }
    }
}

/// Whether a listed snapshot can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The manifest's own checksum holds, or the foreign file reads as a whole snapshot.
    Intact,
    /// It does not; the entry's `reason` says why.
    Damaged,
}

/// What a rewind snapshot was taken for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The snapshot that was about to be restored.
    pub restoring: SnapshotRef,
    /// With which scope.
    pub scope: Scope,
}

/// One snapshot in the list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// The name within the kind.
    pub snapshot_id: SnapshotId,
    /// Checkpoint or safety copy.
    pub kind: Kind,
    /// The manifest's file name.
    pub filename: String,
    /// When it was taken, by the manifest; by the file's modification time where there is none.
    pub created_at: Timestamp,
    /// When the file was last written, where that is more than a minute from `created_at`.
    pub copied_at: Option<Timestamp>,
    /// What the snapshot would take in the store if it stood alone.
    pub file_size_bytes: Option<u64>,
    /// The position that it holds; `None` without an event log, or when damaged.
    pub last_event_id: Option<i64>,
    /// How many positions the database is ahead of it.
    pub event_delta: Option<i64>,
    /// Rows of all its tables, the event log's among them.
    pub rows: Option<u64>,
    /// What it added to the store when it was taken.
    pub new_bytes: Option<u64>,
    /// Whether it can be read.
    pub state: State,
    /// Why it cannot, when damaged.
    pub reason: Option<String>,
    /// What a person wrote beside it.
    pub note: Option<String>,
    /// Whether retention leaves it alone.
    pub pinned: bool,
    /// What a rewind snapshot was taken for.
    pub cause: Option<Cause>,
    /// What retention has in mind for it; known of the list's entries.
    pub retention: Option<Fate>,
}

/// What retention has in mind for a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fate {
    /// Whether it stays.
    pub keep: bool,
    /// Why, in a few words: `pinned`, `newest 5 of its kind, daily 2026-11-22`, ….
    pub why: String,
    /// Whether it goes once one more snapshot of its kind is taken.
    pub next_to_go: bool,
}

impl Entry {
    /// The snapshot's full name.
    #[must_use]
    pub fn snapshot(&self) -> SnapshotRef {
        SnapshotRef::new(self.kind, self.snapshot_id.clone())
    }

    /// The scope in which this snapshot is first offered for a restore: the scope of the restore
    /// that it undoes, tables otherwise.
    #[must_use]
    pub fn offered_scope(&self) -> Scope {
        self.cause.as_ref().map_or(Scope::Tables, |cause| cause.scope)
    }
}

/// Every snapshot of both kinds, newest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct List {
    /// The database's position now; `None` without an event log.
    pub current_event_log_max_id: Option<i64>,
    /// The snapshots.
    pub snapshots: Vec<Entry>,
}

/// The snapshots of one kind, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KindNumbers {
    pub(crate) snapshots: usize,
    pub(crate) damaged: usize,
    /// When the newest intact one was taken.
    pub(crate) newest: Option<Timestamp>,
    /// What they added to the store.
    pub(crate) new_bytes: u64,
}

impl List {
    /// The snapshots of a kind in numbers.
    pub(crate) fn numbers(&self, kind: Kind) -> KindNumbers {
        let mut numbers = KindNumbers::default();
        for entry in self.snapshots.iter().filter(|entry| entry.kind == kind) {
            numbers.snapshots += 1;
            numbers.new_bytes += entry.new_bytes.unwrap_or_default();
            match entry.state {
                State::Damaged => numbers.damaged += 1,
                State::Intact => numbers.newest = numbers.newest.or(Some(entry.created_at)),
            }
        }
        numbers
    }
}

/// The live database, in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Now {
    /// The database's file name.
    pub name: String,
    /// Its full path.
    pub path: String,
    /// Its position; `None` without an event log.
    pub position: Option<i64>,
    /// Its size: pages times page size.
    pub bytes: u64,
    /// The event log's table; `None` without one.
    pub event_table: Option<String>,
    /// SQLite's journal mode: `wal`, `delete`, ….
    pub journal_mode: String,
    /// When the next checkpoint is due by the schedule's clock, if there is one.
    pub next_take: Option<Timestamp>,
    /// The position at which it is taken by itself, if events tell.
    pub next_take_position: Option<i64>,
    /// Whether this console takes it, and no other one on the same store; `None` before that was asked.
    pub leads: Option<bool>,
}

impl Now {
    /// Whether checkpoints are taken by themselves.
    pub(crate) fn is_scheduled(&self) -> bool {
        self.next_take.is_some() || self.next_take_position.is_some()
    }
}

/// What would change in one table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableCounts {
    /// The table.
    pub name: String,
    /// Rows that a restore would bring back.
    pub added: u64,
    /// Rows that a restore would take away.
    pub removed: u64,
    /// Rows that a restore would change.
    pub changed: u64,
    /// Rows that are the same.
    pub unchanged: u64,
}

impl TableCounts {
    /// Rows that differ.
    #[must_use]
    pub fn differing(&self) -> u64 {
        self.added + self.removed + self.changed
    }
}

/// Events of one type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventCount {
    /// The event's type; empty where the log has no type column.
    #[serde(rename = "type")]
    pub kind: String,
    /// How many there are.
    pub count: u64,
    /// The greatest position among them.
    pub newest: i64,
}

/// What restoring a snapshot would change: a preview against now, or a comparison of two points.
///
/// In a comparison the counts read as if `from` were now and `to` were restored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Preview {
    /// The snapshot that would be restored: the `to` of a comparison (`now` has no id).
    pub snapshot_id: Option<SnapshotId>,
    /// Its kind.
    pub kind: Option<Kind>,
    /// Its manifest's file name.
    pub filename: Option<String>,
    /// The state it is compared with: `now`, or `kind/id`.
    pub from: String,
    /// When it was taken.
    pub created_at: Option<Timestamp>,
    /// What it would take in the store if it stood alone.
    pub file_size_bytes: Option<u64>,
    /// The position that it holds.
    pub last_event_id: Option<i64>,
    /// The position of the state it is compared with: the database's, in a preview.
    pub current_event_log_max_id: Option<i64>,
    /// How many positions that state is ahead.
    pub event_delta: Option<i64>,
    /// Rows of the event log in the snapshot.
    pub event_log_rows_in_snapshot: Option<u64>,
    /// What would change in each projection, in name order.
    pub tables: Vec<TableCounts>,
    /// What would change in the event log, were it rewound too.
    pub event_log: Option<TableCounts>,
    /// Events after the snapshot, by type, the most recent type first.
    pub events_since: Vec<EventCount>,
    /// How the schemas differ, one sentence each; empty when a restore needs no `accept_schema`.
    pub schema_differences: Vec<String>,
    /// What a restore would leave alone or could not carry over, one sentence each.
    pub notes: Vec<String>,
    /// The fingerprint of this plan; a restore that carries it is refused if it no longer holds.
    /// `None` in a comparison, which cannot be restored.
    pub plan: Option<String>,
}

impl Preview {
    /// Projections with rows that differ.
    pub fn changed_tables(&self) -> impl Iterator<Item = &TableCounts> {
        self.tables.iter().filter(|table| table.differing() > 0)
    }

    /// Rows that differ in all projections.
    #[must_use]
    pub fn differing_rows(&self) -> u64 {
        self.tables.iter().map(TableCounts::differing).sum()
    }
}

/// What would happen to one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The row would be brought back.
    Added,
    /// The row would be taken away.
    Removed,
    /// The row would get other values.
    Changed,
}

impl Change {
    /// The change's name in addresses and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

impl std::str::FromStr for Change {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "added" => Ok(Self::Added),
            "removed" => Ok(Self::Removed),
            "changed" => Ok(Self::Changed),
            other => {
                Err(crate::Error::invalid(format!("there is no kind of change named {other:?}"))
                    .on("change")
                    .hint("state change=added, change=removed or change=changed"))
            }
        }
    }
}

/// One changed row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RowChange {
    /// What a restore would do.
    pub change: Change,
    /// The values that tell the row from others, in the order of [`TableRows::key`].
    pub key: Vec<Value>,
    /// The row now, in the order of [`TableRows::columns`]; `None` when it is not there.
    pub before: Option<Vec<Value>>,
    /// The row after a restore; `None` when it would be gone.
    pub after: Option<Vec<Value>>,
}

/// A page of the changed rows of one table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TableRows {
    /// The table.
    pub table: String,
    /// Names of the columns that make the key; `rowid` where it is hidden.
    pub key: Vec<String>,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows, in key order.
    pub rows: Vec<RowChange>,
    /// Where the next page begins: hand it back as `after`; `None` on the last page.
    pub next: Option<String>,
}

/// Which page of a table's changed rows is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The `next` of the page before; `None` for the first.
    pub after: Option<String>,
    /// Only rows with this change.
    pub change: Option<Change>,
    /// Rows a page, from 1 to 1 000; 0 means 50.
    pub limit: usize,
}

/// One event after a snapshot.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Its position.
    pub position: i64,
    /// Its type; empty where the log has no type column.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its columns by name, in the row encoding.
    #[serde(serialize_with = "by_name")]
    pub values: Vec<(String, Value)>,
}

fn by_name<S: Serializer>(values: &[(String, Value)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(values.iter().map(|(name, value)| (name, value)))
}

/// A page of the events after a snapshot, newest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Events {
    /// Names of the columns that hold neither position nor type.
    pub columns: Vec<String>,
    /// The events.
    pub events: Vec<Event>,
    /// Where the next page begins: hand it back as `before`; `None` on the last page.
    pub next: Option<i64>,
}

/// Which page of the events after a snapshot is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPage {
    /// The `next` of the page before; `None` for the first.
    pub before: Option<i64>,
    /// Only events of this type.
    pub kind: Option<String>,
    /// Events a page, from 1 to 1 000; 0 means 50.
    pub limit: usize,
}

/// How many events there were over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Activity {
    /// Where the first interval begins.
    pub from: Timestamp,
    /// Where the last interval ends.
    pub to: Timestamp,
    /// Events in each interval, all of one length. Counted by position, so that no event is read:
    /// positions that were never used count too.
    pub counts: Vec<u64>,
}

/// What was changed in one table by a restore, counted as it was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableDone {
    /// The table.
    pub name: String,
    /// Rows brought back.
    pub added: u64,
    /// Rows taken away.
    pub removed: u64,
    /// Rows given other values.
    pub changed: u64,
}

/// A restore that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The snapshot.
    pub restored: SnapshotRef,
    /// How much of it.
    pub scope: Scope,
    /// The safety copy: restoring it with the same scope undoes this restore.
    pub rewind: SnapshotRef,
    /// What was changed, for every table with changes.
    pub tables: Vec<TableDone>,
    /// Events taken from the log.
    pub events_removed: u64,
    /// Events brought back to the log.
    pub events_added: u64,
    /// How long writers had to wait.
    pub lock_ms: u64,
    /// What was left alone or could not be carried over.
    pub notes: Vec<String>,
}

/// A restore that is asked for.
#[derive(Clone, Debug)]
pub struct RestoreRequest {
    /// The snapshot.
    pub snapshot: SnapshotRef,
    /// How much of it.
    pub scope: Scope,
    /// Only these tables; empty means all.
    pub tables: Vec<String>,
    /// The fingerprint of the plan that was shown.
    pub plan: Option<String>,
    /// Accept any later position of the same schema as the plan's.
    pub moving: bool,
    /// Restore over a different schema, columns matched by name.
    pub accept_schema: bool,
    /// Who asks, for the history.
    pub by: String,
}

impl RestoreRequest {
    /// All tables of a snapshot, the event log left alone, by whatever plan holds then; asked for
    /// by `by`. What is wanted otherwise is changed in the answer.
    pub fn new(snapshot: SnapshotRef, by: impl Into<String>) -> Self {
        Self {
            snapshot,
            scope: Scope::default(),
            tables: Vec::new(),
            plan: None,
            moving: false,
            accept_schema: false,
            by: by.into(),
        }
    }
}

/// What `verify` found of one snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The snapshot.
    pub snapshot: SnapshotRef,
    /// Whether every byte of it was read back as it was written.
    pub state: State,
    /// Rows read.
    pub rows: u64,
    /// Bytes of rows read, uncompressed.
    pub bytes: u64,
    /// What is damaged, one sentence each.
    pub damage: Vec<String>,
    /// The other snapshots that need what is damaged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependents: Vec<SnapshotRef>,
    /// What was damaged and is no more, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repaired: Vec<String>,
}

/// The outcome of reading back all snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LastVerify {
    /// When it ended.
    pub at: Timestamp,
    /// How many snapshots there were.
    pub snapshots: usize,
    /// How many of them were damaged.
    pub damaged: usize,
}

/// Why retention keeps a snapshot, or lets it go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The snapshot.
    pub snapshot: SnapshotRef,
    /// Whether it stays, and why.
    #[serde(flatten)]
    pub fate: Fate,
}

/// What retention by some rules would keep of the snapshots that there are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Simulation {
    /// The rules, as options say them.
    pub rules: BTreeMap<String, String>,
    /// Whether these are the rules that apply now.
    pub applies: bool,
    /// How many would stay.
    pub kept: usize,
    /// How many would go.
    pub gone: usize,
    /// Every snapshot with what would become of it, newest first.
    pub snapshots: Vec<Entry>,
}

/// What `prune` did, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Whether nothing was really removed.
    pub dry_run: bool,
    /// The verdict on every snapshot, newest first.
    pub snapshots: Vec<Verdict>,
    /// Packs removed because nothing in them was needed any more, or repacked.
    pub packs_removed: u64,
    /// Bytes that the store got smaller.
    pub bytes_freed: u64,
    /// Why no pack was looked at, where that is so.
    pub held_back: Option<String>,
}

/// What went to another store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// The snapshot, under the same name there.
    #[serde(rename = "copied")]
    pub snapshot: SnapshotRef,
    /// Where the other store is.
    pub to: String,
    /// Chunks that it lacked.
    pub chunks: u64,
    /// Bytes that were written there; 0 when it had the snapshot already.
    pub bytes: u64,
}

impl std::fmt::Display for Copied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "to {}: {} chunks, {} bytes", self.to, self.chunks, self.bytes)
    }
}

/// What `label` changes: a field that is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelChange {
    /// The new note; empty removes it.
    pub note: Option<String>,
    /// Whether retention leaves the snapshot alone.
    pub pinned: Option<bool>,
}

/// The form of an exported file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The origin's shape: one JSON object.
    #[default]
    Json,
    /// A SQLite database.
    Sqlite,
}

impl Format {
    /// The format's name, which is also the file's extension.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Sqlite => "sqlite",
        }
    }
}

impl std::str::FromStr for Format {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "json" => Ok(Self::Json),
            "sqlite" => Ok(Self::Sqlite),
            other => {
                Err(crate::Error::invalid(format!("there is no export format named {other:?}"))
                    .on("format")
                    .hint("state format=json or format=sqlite"))
            }
        }
    }
}
