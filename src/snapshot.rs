//! Snapshots of one database in one store: take, list, diff, restore, verify, prune.
//!
//! Everything here takes values and returns values, blocks the calling thread, and knows neither
//! HTTP nor HTML. A web handler calls it from a blocking thread.

mod activity;
mod adopt;
mod alarm;
mod catalog;
mod changes;
mod clock;
mod compare;
mod contents;
mod copy;
mod deed;
mod diff;
mod drift;
mod export;
mod facts;
mod fingerprint;
mod foreign;
pub(crate) mod fuzzing;
mod hashes;
mod history;
mod hook;
mod id;
mod kept;
mod label;
mod lasting;
mod lead;
mod leaves;
mod lines;
mod listing;
mod manifest;
mod mirror;
mod occurrence;
mod pack;
mod parallel;
mod preview;
mod progress;
mod redact;
mod repair;
mod restore;
mod retain;
mod row;
mod schedule;
mod scheduled;
mod source;
mod take;
pub(crate) mod tally;
mod tree;
mod verify;

pub use alarm::{Alarm, Failure};
pub use clock::Clock;
pub(crate) use clock::whole_second;
pub use facts::*;
pub use hook::{Hook, Hooks};
pub(crate) use id::is_sound_name;
pub use id::{Kind, Point, SnapshotId, SnapshotRef};
pub(crate) use label::{LONGEST_NOTE, checked_note};
pub use occurrence::{Action, HistoryPage, HistoryQuery, Occurrence};
pub use progress::Progress;
pub use retain::{Period, Retention, Rules, Within};
pub use row::Value;
pub use schedule::{CronTimes, Schedule};

use std::collections::HashSet;
use std::fmt::Write as _;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;

use crate::database::{Database, Schema, View};
use crate::error::{Error, Result};
use crate::store::{Store, StoreLock};
use catalog::{Catalog, Found, Listed};
use deed::{Deed, numbers};
use history::History;
use label::Labels;
pub(crate) use lasting::Lasting;
pub(crate) use lead::Lead;
use listing::Lists;
pub(crate) use mirror::Mirror;
use pack::Packs;
use tally::Tally;

/// How long an operation waits for another one to leave the store.
const LOCK_WAIT: Duration = Duration::from_secs(30);

/// What applies to every snapshot that is taken, restored or pruned.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which snapshots are kept.
    pub retention: Retention,
    /// Tables that are neither snapshotted nor restored: names, `*` and `?` as wildcards.
    pub exclude_tables: Vec<String>,
    /// Columns whose values are shown to nobody: `table.column`, `*` and `?` as wildcards. What is
    /// stored, restored and exported has them all the same.
    pub redact: Vec<String>,
    /// When checkpoints are taken by themselves, by whoever calls
    /// [`take_when_due`](Snapshots::take_when_due) again and again.
    pub schedule: Schedule,
    /// How young a pack must be for pruning to leave it alone, needed or not.
    pub grace: Duration,
    /// What dates snapshots and the history.
    pub clock: Clock,
    /// A second store that every snapshot is copied to, in the background. Nothing is pruned there.
    pub mirror: Option<Store>,
    /// Programs that run after what was done.
    pub hooks: Hooks,
    /// What is told of failures.
    pub alarm: Option<Alarm>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            retention: Retention::default(),
            exclude_tables: Vec::new(),
            redact: Vec::new(),
            schedule: Schedule::default(),
            grace: Duration::from_hours(1),
            clock: Clock::default(),
            mirror: None,
            hooks: Hooks::default(),
            alarm: None,
        }
    }
}

/// The snapshots of one database: the face of this module. Cheap to clone.
#[derive(Clone)]
pub struct Snapshots {
    core: Core,
    mirror: Option<Arc<Mirror>>,
    runner: Option<Arc<hook::Runner>>,
}

/// What an operation works on, and the progress that it reports.
#[derive(Clone)]
pub(crate) struct Core {
    shared: Arc<Shared>,
    progress: Progress,
}

/// What every operation works on.
pub(crate) struct Shared {
    database: Database,
    store: Store,
    packs: Packs,
    catalog: Catalog,
    labels: Labels,
    history: History,
    lists: Lists,
    options: Options,
    /// Where what can be lost is kept; `None` for a store that has no folder.
    cache: Option<PathBuf>,
    lasting: OnceLock<Arc<Lasting>>,
    /// Apart, so that asking for it keeps no database open.
    lead: Arc<Lead>,
}

impl Deref for Core {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Core {
    /// Whether a table is neither snapshotted nor restored.
    fn excludes(&self, table: &str) -> bool {
        let is_log = self.database.event_log().is_some_and(|log| log.table == table);
        !is_log && self.options.exclude_tables.iter().any(|pattern| matches(pattern, table))
    }

    /// The schema without what is excluded.
    fn schema(&self, view: View<'_>) -> Result<Schema> {
        Ok(view.schema()?.without(|table| self.excludes(table)))
    }

    /// Rows that a scan of the whole database is likely to meet: those of the newest snapshot.
    fn expected_rows(&self) -> u64 {
        let listed = self.catalog.list().unwrap_or_default();
        let newest = listed.iter().find_map(|listed| match &listed.found {
            Found::Stored(manifest) => Some(manifest.rows()),
            _ => None,
        });
        newest.unwrap_or_default()
    }

    fn position(&self) -> Result<Option<i64>> {
        Ok(listing::present(self)?.position)
    }

    fn entry(&self, listed: &Listed, position: Option<i64>) -> Result<Entry> {
        Ok(listed.entry(label::read(&self.store, &listed.snapshot)?.label, position))
    }

    fn now(&self) -> Timestamp {
        self.options.clock.now()
    }
}

impl Snapshots {
    /// Joins a database and a store.
    pub fn open(database: Database, store: Store, options: Options) -> Result<Self> {
        let mirror = match &options.mirror {
            Some(mirror) if mirror.location() == store.location() => {
                return Err(Error::invalid("the mirror is the store itself")
                    .on(mirror.location())
                    .hint("name another store as the mirror"));
            }
            Some(mirror) => Some(Arc::new(Mirror::start(mirror.clone())?)),
            None => None,
        };
        let runner = hook::Runner::start(&options.hooks)?.map(Arc::new);
        redact::check(&options.redact)?;
        let packs = Packs::open(store.clone())?;
        let catalog = Catalog::new(store.clone());
        let labels = Labels::new(store.clone());
        let history = History::new(store.clone());
        let cache = store.path().map(|folder| folder.join("cache"));
        let lead = Arc::new(Lead::new(store.clone(), options.clock.clone()));
        let shared = Shared {
            database,
            store,
            packs,
            catalog,
            labels,
            history,
            lists: Lists::default(),
            options,
            cache,
            lasting: OnceLock::new(),
            lead,
        };
        let shared = Arc::new(shared);
        Ok(Self { core: Core { shared, progress: Progress::default() }, mirror, runner })
    }

    /// The same snapshots; what is called on them reports its rows to `progress`, and ends when
    /// that is cancelled.
    #[must_use]
    pub fn watched(&self, progress: Progress) -> Self {
        let core = Core { shared: Arc::clone(&self.core.shared), progress };
        Self { core, mirror: self.mirror.clone(), runner: self.runner.clone() }
    }

    /// Whether nobody else holds these snapshots, as all work under way does.
    pub(crate) fn is_idle(&self) -> bool {
        Arc::strong_count(&self.core.shared) == 1
    }

    /// Whether the values of some columns are hidden.
    #[must_use]
    pub fn redacts(&self) -> bool {
        self.core.redacts()
    }

    /// The live database, in a line.
    pub fn now(&self) -> Result<Now> {
        let database = &self.core.database;
        let present = listing::present(&self.core)?;
        Ok(Now {
            name: database.name(),
            path: database.path().display().to_string(),
            position: present.position,
            bytes: present.bytes,
            event_table: database.event_log().map(|log| log.table.clone()),
            journal_mode: present.journal_mode.clone(),
            next_take: self.next_take()?,
            next_take_position: self.next_take_position()?,
            leads: self.leads(),
        })
    }

    /// Whether database and store answer: an error says which does not, and why.
    pub fn ready(&self) -> Result<()> {
        self.core.database.read()?.view().bytes()?;
        self.core.store.answers()
    }

    /// The size of the store: manifests and packs.
    pub(crate) fn stored_bytes(&self) -> Result<u64> {
        let folders = Kind::ALL.map(|kind| format!("snapshots/{kind}"));
        let folders = folders.iter().map(String::as_str).chain(["packs"]);
        let sizes = folders.map(|folder| {
            Ok(self.core.store.list(folder)?.iter().map(|meta| meta.size).sum::<u64>())
        });
        sizes.sum()
    }

    /// Every snapshot of both kinds, newest first. Damaged ones are listed with the reason.
    pub fn list(&self) -> Result<List> {
        self.listed().map(Arc::unwrap_or_clone)
    }

    /// The same list, which is not made again while nothing in it has changed.
    pub(crate) fn listed(&self) -> Result<Arc<List>> {
        listing::list(&self.core)
    }

    /// Prepares for being asked often what there is.
    pub(crate) fn watch(&self) {
        self.core.catalog.watch();
        self.core.labels.watch();
    }

    /// One snapshot as the list shows it; an error when there is none of that name.
    pub fn entry(&self, snapshot: &SnapshotRef) -> Result<Entry> {
        self.core.catalog.find(snapshot)?;
        let list = self.listed()?;
        let mut of_kind = list.snapshots.iter().filter(|entry| entry.kind == snapshot.kind);
        of_kind
            .find(|entry| entry.snapshot_id == snapshot.id)
            .cloned()
            .ok_or_else(|| catalog::no_such(snapshot))
    }

    /// What is kept when nobody says otherwise.
    #[must_use]
    pub fn retention(&self) -> &Retention {
        &self.core.options.retention
    }

    /// What retention by these rules would keep of the snapshots that there are. Nothing is changed.
    pub fn simulate(&self, retention: &Retention) -> Result<Simulation> {
        let mut snapshots = self.list()?.snapshots;
        let verdicts = retain::verdicts(&snapshots, retention, self.core.now());
        let kept = verdicts.iter().filter(|verdict| verdict.fate.keep).count();
        for (entry, verdict) in snapshots.iter_mut().zip(verdicts) {
            entry.retention = Some(verdict.fate);
        }
        let rules = retention.options().into_iter();
        Ok(Simulation {
            rules: rules.map(|(name, value)| (name.to_owned(), value)).collect(),
            applies: retention == self.retention(),
            kept,
            gone: snapshots.len() - kept,
            snapshots,
        })
    }

    /// Takes a `periodic` snapshot of the present state, then applies retention. A note of more than
    /// 500 characters is refused.
    pub fn take(&self, note: Option<&str>, by: &str) -> Result<Entry> {
        let core = &self.core;
        let note = note.map(checked_note).transpose()?.flatten();
        let label = label::Label { note, pinned: false };
        let deed = core.begin(Action::Take, None, by);
        let (snapshot, lock) = deed.noted(take::take(core, Kind::Periodic, &label))?;
        self.taken(&deed, &snapshot, &lock, by)
    }

    /// What follows from a checkpoint that was just taken.
    fn taken(
        &self,
        deed: &Deed<'_>,
        snapshot: &SnapshotRef,
        lock: &StoreLock,
        by: &str,
    ) -> Result<Entry> {
        let entry = deed.noted(self.entry(snapshot))?;
        let position =
            entry.last_event_id.map_or_else(|| "none".to_owned(), |position| position.to_string());
        let (rows, new_bytes) =
            (entry.rows.unwrap_or_default(), entry.new_bytes.unwrap_or_default());
        let outcome = format!("position {position}, {rows} rows, {new_bytes} new bytes");
        let mut told = numbers([("rows", rows), ("new_bytes", new_bytes)]);
        told.extend(entry.last_event_id.map(|position| ("position".to_owned(), position)));
        let line =
            Occurrence { snapshot: Some(snapshot.clone()), numbers: told, ..deed.line(outcome) };
        deed.record(&line);
        self.retain(lock, by);
        self.follow(&line);
        Ok(entry)
    }

    /// What restoring `snapshot` would change against now, with the plan's fingerprint.
    pub fn preview(&self, snapshot: &SnapshotRef) -> Result<Preview> {
        preview::preview(&self.core, snapshot)
    }

    /// What would change if the state were `from` and `to` were restored.
    pub fn compare(&self, from: &Point, to: &Point) -> Result<Preview> {
        preview::between(&self.core, from, to)
    }

    /// The changed rows of one table between two points (`from` is before, `to` is after).
    pub fn rows(&self, from: &Point, to: &Point, table: &str, page: &Page) -> Result<TableRows> {
        preview::rows(&self.core, from, to, table, page)
    }

    /// Events after the snapshot, newest first, at most `limit`, below position `before`.
    pub fn events_since(
        &self,
        snapshot: &SnapshotRef,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Event>> {
        let page = EventPage { before, kind: None, limit };
        Ok(self.events_page(snapshot, &page)?.events)
    }

    /// A page of the events after the snapshot, newest first; of one type, where one is named.
    pub fn events_page(&self, snapshot: &SnapshotRef, page: &EventPage) -> Result<Events> {
        preview::events(&self.core, snapshot, page)
    }

    /// Events over time from `since` to now, in so many equal parts; `None` where the log tells no
    /// times.
    pub fn activity(&self, since: Timestamp, intervals: usize) -> Result<Option<Activity>> {
        listing::activity(&self.core, since, intervals)
    }

    /// Restores: a safety copy first, then only the rows that differ, in one transaction.
    pub fn restore(&self, request: &RestoreRequest) -> Result<Restored> {
        let core = &self.core;
        let deed = core
            .begin(Action::Restore, Some(&request.snapshot), &request.by)
            .asking(request.scope, request.plan.as_deref());
        let restore = || {
            // A snapshot that does not exist or is damaged is told before anything is waited for.
            core.catalog.sound(&request.snapshot)?;
            let lock = core.store.lock(LOCK_WAIT)?;
            Ok((restore::restore(core, request, &lock, &deed.locked)?, lock))
        };
        let (done, lock) = deed.noted(restore())?;
        let restored = done.restored;
        let line = Occurrence {
            rewind: Some(restored.rewind.clone()),
            plan: done.plan,
            numbers: deed::of_restore(&restored),
            lock_ms: Some(restored.lock_ms),
            ..deed.line(in_words(&restored))
        };
        deed.record(&line);
        self.retain(&lock, &request.by);
        self.follow(&line);
        Ok(restored)
    }

    /// The last restore that can be undone: the newest rewind snapshot.
    pub fn last_rewind(&self) -> Result<Option<Entry>> {
        let listed = self.core.catalog.list()?;
        let newest = listed
            .iter()
            .find(|listed| listed.snapshot.kind == Kind::Rewind && listed.damage().is_none());
        newest.map(|listed| self.core.entry(listed, self.core.position()?)).transpose()
    }

    /// Changes a note or a pin. A note of more than 500 characters is refused.
    pub fn label(&self, snapshot: &SnapshotRef, change: &LabelChange, by: &str) -> Result<Entry> {
        let core = &self.core;
        let deed = core.begin(Action::Label, Some(snapshot), by);
        let said = deed.noted(self.relabel(snapshot, change))?;
        deed.record(&deed.line(said));
        self.entry(snapshot)
    }

    /// Changes a label; the answer says how.
    fn relabel(&self, snapshot: &SnapshotRef, change: &LabelChange) -> Result<String> {
        let core = &self.core;
        core.catalog.find(snapshot)?;
        let mut label = label::read(&core.store, snapshot)?.label;
        let mut said = Vec::new();
        if let Some(note) = &change.note {
            label.note = checked_note(note)?;
            said.push(if label.note.is_none() { "note removed" } else { "note changed" });
        }
        if let Some(pinned) = change.pinned {
            label.pinned = pinned;
            said.push(if pinned { "pinned" } else { "no longer pinned" });
        }
        label::write(&core.store, snapshot, &label)?;
        Ok(said.join(", "))
    }

    /// Removes a snapshot. What only it needed goes with a later prune.
    pub fn delete(&self, snapshot: &SnapshotRef, by: &str) -> Result<()> {
        let core = &self.core;
        let deed = core.begin(Action::Delete, Some(snapshot), by);
        let delete = || {
            let listed = core.catalog.find(snapshot)?;
            let entry = listed.entry(label::Label::default(), None);
            let _lock = core.store.lock(LOCK_WAIT)?;
            if core.catalog.remove(snapshot)? { Ok(entry) } else { Err(catalog::no_such(snapshot)) }
        };
        let gone = deed.noted(delete())?;
        let rows = gone.rows.map(|rows| numbers([("rows", rows)]));
        let numbers = rows.unwrap_or_default();
        deed.record(&Occurrence { numbers, ..deed.line("by hand".to_owned()) });
        Ok(())
    }

    /// Reads back every byte of one snapshot, or of all.
    pub fn verify(&self, snapshot: Option<&SnapshotRef>, by: &str) -> Result<Vec<Verified>> {
        let deed = self.core.begin(Action::Verify, snapshot, by);
        let verified = self.read_back(snapshot).and_then(|listed| {
            let checked = verify::all(&self.core, &listed)?;
            Ok(checked.into_iter().map(|checked| checked.verified).collect())
        });
        self.verified(&deed, snapshot, verified)
    }

    /// As [`verify`](Self::verify), and writes anew what is damaged and the database still has.
    pub fn repair(&self, snapshot: Option<&SnapshotRef>, by: &str) -> Result<Vec<Verified>> {
        let deed = self.core.begin(Action::Repair, snapshot, by);
        let repaired =
            self.read_back(snapshot).and_then(|listed| repair::repair(&self.core, &listed));
        self.verified(&deed, snapshot, repaired)
    }

    /// The outcome of the last [`verify`](Self::verify) of all snapshots in this process.
    #[must_use]
    pub fn last_verify(&self) -> Option<LastVerify> {
        self.core.lasting().last_verify()
    }

    fn read_back(&self, snapshot: Option<&SnapshotRef>) -> Result<Vec<Listed>> {
        match snapshot {
            Some(snapshot) => Ok(vec![self.core.catalog.find(snapshot)?]),
            None => self.core.catalog.list().map(Arc::unwrap_or_clone),
        }
    }

    fn verified(
        &self,
        deed: &Deed<'_>,
        snapshot: Option<&SnapshotRef>,
        verified: Result<Vec<Verified>>,
    ) -> Result<Vec<Verified>> {
        let verified = deed.noted(verified)?;
        let damaged = verified.iter().filter(|verified| verified.state == State::Damaged).count();
        let repaired: usize = verified.iter().map(|verified| verified.repaired.len()).sum();
        let mut outcome = format!("{damaged} of {} damaged", verified.len());
        if repaired > 0 {
            let _ = write!(outcome, ", {repaired} repairs");
        }
        let line = Occurrence {
            ok: damaged == 0,
            numbers: deed::of_verify(&verified),
            ..deed.line(outcome)
        };
        if snapshot.is_none() {
            let last = LastVerify { at: line.at, snapshots: verified.len(), damaged };
            self.core.lasting().verified(last);
        }
        deed.record(&line);
        Ok(verified)
    }

    /// Applies retention, then removes what no snapshot needs.
    pub fn prune(&self, dry_run: bool, by: &str) -> Result<Pruned> {
        let core = &self.core;
        let deed = core.begin(Action::Prune, None, by);
        let prune = || {
            let lock = core.store.lock(LOCK_WAIT)?;
            self.prune_locked(&lock, dry_run)
        };
        let pruned = deed.noted(prune())?;
        if !dry_run {
            record_prune(&deed, &pruned);
        }
        Ok(pruned)
    }

    /// Writes a whole snapshot to a new file at `to`. An existing file is an error.
    pub fn export(
        &self,
        snapshot: &SnapshotRef,
        format: Format,
        to: &Path,
        by: &str,
    ) -> Result<()> {
        let deed = self.core.begin(Action::Export, Some(snapshot), by);
        deed.noted(export::export(&self.core, snapshot, format, to))?;
        let bytes = std::fs::metadata(to).map(|file| numbers([("bytes", file.len())]));
        let numbers = bytes.unwrap_or_default();
        deed.record(&Occurrence { numbers, ..deed.line(format!("as {}", format.name())) });
        Ok(())
    }

    /// Takes over a file of either export format as a snapshot.
    pub fn import(&self, file: &Path, by: &str) -> Result<Entry> {
        let deed = self.core.begin(Action::Import, None, by);
        let imported = export::import(&self.core, file).and_then(|snapshot| self.entry(&snapshot));
        let entry = deed.noted(imported)?;
        let rows = numbers(
            [("rows", entry.rows), ("new_bytes", entry.new_bytes)]
                .map(|(name, number)| (name, number.unwrap_or_default())),
        );
        deed.record(&Occurrence {
            snapshot: Some(entry.snapshot()),
            numbers: rows,
            ..deed.line("from a file".to_owned())
        });
        self.catch_up();
        Ok(entry)
    }

    /// Copies a snapshot to another store, under the same name: its manifest, its label, and the
    /// chunks that the other store lacks.
    pub fn copy_to(&self, snapshot: &SnapshotRef, to: &Store, by: &str) -> Result<Copied> {
        let core = &self.core;
        let deed = core.begin(Action::Copy, Some(snapshot), by);
        let copied = core.catalog.sound(snapshot).and_then(|listed| copy::copy(core, &listed, to));
        let copied = deed.noted(copied)?;
        record_copy(&deed, &copied);
        Ok(copied)
    }

    /// What follows on its own from what was done: the copy to the mirror, and the hook.
    fn follow(&self, line: &Occurrence) {
        self.catch_up();
        if let Some(runner) = &self.runner {
            runner.follow(&self.core, line);
        }
    }

    /// Gives hooks under way so much time to end, from now on: those that take longer are killed.
    /// The last clone of these snapshots waits for them when it is dropped.
    pub fn end_hooks_within(&self, time: Duration) {
        if let Some(runner) = &self.runner {
            runner.end_within(time);
        }
    }

    /// Asks the mirror, if there is one, for what it lacks; does not wait for it.
    pub(crate) fn catch_up(&self) {
        if let Some(mirror) = &self.mirror {
            mirror.catch_up(&self.core);
        }
    }

    /// The thread that copies to the mirror, if there is one.
    pub(crate) fn mirror(&self) -> Option<Arc<Mirror>> {
        self.mirror.clone()
    }

    /// What was done, newest first, at most `limit`.
    pub fn history(&self, limit: usize) -> Result<Vec<Occurrence>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let query = HistoryQuery { limit, ..HistoryQuery::default() };
        Ok(self.history_page(&query)?.history)
    }

    /// A page of what was done, newest first: all of it, or what a query wants.
    pub fn history_page(&self, query: &HistoryQuery) -> Result<HistoryPage> {
        self.core.history.page(query)
    }

    /// What was done since this process began, in numbers.
    pub(crate) fn tally(&self) -> Tally {
        self.core.lasting().tally()
    }

    /// Retention after a take or a restore. Its failure is not theirs: it is told in the history,
    /// and the next one tries again.
    fn retain(&self, lock: &StoreLock, by: &str) {
        let is_let_go = |entry: &Entry| entry.retention.as_ref().is_some_and(|fate| !fate.keep);
        let removes = self.listed().is_ok_and(|list| list.snapshots.iter().any(is_let_go));
        if !removes {
            return;
        }
        let deed = self.core.begin(Action::Prune, None, by);
        if let Ok(pruned) = deed.noted(self.prune_locked(lock, false)) {
            record_prune(&deed, &pruned);
        }
    }

    fn prune_locked(&self, lock: &StoreLock, dry_run: bool) -> Result<Pruned> {
        let core = &self.core;
        let mut snapshots =
            retain::verdicts(&self.listed()?.snapshots, self.retention(), core.now());
        if !dry_run {
            for verdict in snapshots.iter_mut().filter(|verdict| !verdict.fate.keep) {
                // Somebody may have pinned it since it was listed.
                if label::read(&core.store, &verdict.snapshot)?.label.pinned {
                    verdict.fate = retain::pinned();
                } else {
                    core.catalog.remove(&verdict.snapshot)?;
                }
            }
        }
        let gone: HashSet<&SnapshotRef> = snapshots
            .iter()
            .filter(|verdict| !verdict.fate.keep)
            .map(|verdict| &verdict.snapshot)
            .collect();
        // What other processes wrote meanwhile is needed too.
        core.packs.refresh()?;
        let mut live = HashSet::new();
        let mut held_back = None;
        for listed in core.catalog.list()?.iter() {
            match &listed.found {
                // One that somebody has put there since is needed like those that were kept.
                Found::Stored(manifest) if !gone.contains(&listed.snapshot) => {
                    // What cannot be followed to its end may still be repaired.
                    if let Err(error) = verify::mark(core, listed, manifest, &mut live) {
                        held_back = Some(error.to_string());
                    }
                }
                // Its manifest may come back from elsewhere; its chunks would be gone.
                Found::Damaged(reason) if listed.is_own() => {
                    held_back = Some(format!("{}: {reason}", listed.snapshot));
                }
                _ => {}
            }
        }
        let (mut packs_removed, mut bytes_freed) = (0, 0);
        if held_back.is_none() {
            let collected =
                core.packs.collect(&live, core.options.grace, lock.taken_at(), dry_run, &|| {
                    lock.check()
                })?;
            (packs_removed, bytes_freed) = (collected.packs_removed, collected.bytes_freed);
        }
        Ok(Pruned { dry_run, snapshots, packs_removed, bytes_freed, held_back })
    }
}

fn record_prune(deed: &Deed<'_>, pruned: &Pruned) {
    let gone: Vec<String> = pruned
        .snapshots
        .iter()
        .filter(|verdict| !verdict.fate.keep)
        .map(|verdict| verdict.snapshot.to_string())
        .collect();
    let names = if gone.is_empty() { "no snapshot".to_owned() } else { gone.join(", ") };
    let outcome =
        format!("{names}; {} packs, {} bytes freed", pruned.packs_removed, pruned.bytes_freed);
    deed.record(&Occurrence { numbers: deed::of_prune(pruned), ..deed.line(outcome) });
}

fn record_copy(deed: &Deed<'_>, copied: &Copied) {
    let numbers = numbers([("chunks", copied.chunks), ("bytes", copied.bytes)]);
    deed.record(&Occurrence { numbers, ..deed.line(copied.to_string()) });
}

/// A restore in words and numbers, for the history.
fn in_words(restored: &Restored) -> String {
    let tables: Vec<String> = restored
        .tables
        .iter()
        .map(|table| {
            format!("{} +{} −{} ~{}", table.name, table.added, table.removed, table.changed)
        })
        .collect();
    let tables = if tables.is_empty() { "nothing differed".to_owned() } else { tables.join(", ") };
    format!("scope {}: {tables}; writers waited {} ms", restored.scope, restored.lock_ms)
}

/// Whether a name fits a pattern: `*` stands for any run of characters, `?` for one.
fn matches(pattern: &str, name: &str) -> bool {
    let mut pattern_left = pattern.chars();
    let mut name_left = name.chars();
    match pattern_left.next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = pattern_left.as_str();
            matches(rest, name)
                || (name_left.next().is_some() && matches(pattern, name_left.as_str()))
        }
        Some(wanted) => name_left.next().is_some_and(|found| {
            (wanted == '?' || wanted.eq_ignore_ascii_case(&found))
                && matches(pattern_left.as_str(), name_left.as_str())
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_tables() {
        assert!(matches("session*", "sessions"));
        assert!(matches("*", ""));
        assert!(matches("*_migrations", "schema_migrations"));
        assert!(matches("a?c", "abc"));
        assert!(!matches("a?c", "ac"));
        assert!(!matches("session", "sessions"));
    }
}
