//! Something that is being done: counted while it is under way, written down when it ends.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Instant;

use super::Core;
use super::alarm::{self, Failure};
use super::facts::{Pruned, Restored, Scope, State, Verified};
use super::id::SnapshotRef;
use super::occurrence::{Action, Occurrence};
use super::tally::End;
use crate::error::{Error, Result};

/// Who does what to which snapshot, since when.
pub(crate) struct Deed<'d> {
    core: &'d Core,
    action: Action,
    snapshot: Option<&'d SnapshotRef>,
    by: &'d str,
    began: Instant,
    scope: Option<Scope>,
    plan: Option<&'d str>,
    /// When writers of the database began to wait, if they had to.
    pub(crate) locked: Cell<Option<Instant>>,
}

impl Core {
    /// Something begins.
    pub(crate) fn begin<'d>(
        &'d self,
        action: Action,
        snapshot: Option<&'d SnapshotRef>,
        by: &'d str,
    ) -> Deed<'d> {
        self.lasting().tallies.begin(action);
        let began = Instant::now();
        Deed {
            core: self,
            action,
            snapshot,
            by,
            began,
            scope: None,
            plan: None,
            locked: Cell::new(None),
        }
    }
}

impl<'d> Deed<'d> {
    /// The scope and the plan of a restore.
    pub(crate) fn asking(mut self, scope: Scope, plan: Option<&'d str>) -> Self {
        (self.scope, self.plan) = (Some(scope), plan);
        self
    }

    /// The line of a success, to which more may be added before it is written down.
    pub(crate) fn line(&self, outcome: String) -> Occurrence {
        Occurrence {
            at: self.core.now(),
            action: self.action,
            snapshot: self.snapshot.cloned(),
            by: self.by.to_owned(),
            ok: true,
            outcome,
            hint: None,
            rewind: None,
            scope: self.scope,
            plan: self.plan.map(str::to_owned),
            numbers: BTreeMap::new(),
            lock_ms: None,
            took_ms: Some(millis(self.began)),
        }
    }

    /// Writes down what was done. A history that cannot be written does not undo what was done.
    pub(crate) fn record(&self, line: &Occurrence) {
        if !line.ok {
            self.alarm(&Failure {
                what: line.outcome.clone(),
                thing: self.core.store.location().to_owned(),
                hint: "see what is damaged, and try snapback verify --repair".to_owned(),
                ..self.failure()
            });
        }
        self.write(line, if line.ok { End::Done } else { End::Failed });
    }

    /// Writes down a failure, and hands the outcome on.
    pub(crate) fn noted<T>(&self, outcome: Result<T>) -> Result<T> {
        if let Err(error) = &outcome {
            self.failed(error, error.to_string(), BTreeMap::new());
        }
        outcome
    }

    /// Writes down a failure, in words and numbers of the caller's own.
    pub(crate) fn failed(&self, error: &Error, outcome: String, numbers: BTreeMap<String, i64>) {
        let line = Occurrence {
            ok: false,
            hint: Some(error.next_step().to_owned()).filter(|hint| !hint.is_empty()),
            numbers,
            lock_ms: self.locked.get().map(millis),
            ..self.line(outcome)
        };
        if alarm::is_alarming(error.kind()) {
            self.alarm(&Failure {
                what: error.what(),
                thing: error.thing().to_owned(),
                hint: error.next_step().to_owned(),
                ..self.failure()
            });
        }
        self.write(&line, End::of(error.kind()));
    }

    fn failure(&self) -> Failure {
        Failure {
            what: String::new(),
            thing: String::new(),
            hint: String::new(),
            verb: self.action.name(),
            snapshot: self.snapshot.cloned(),
            by: self.by.to_owned(),
            database: self.core.database.path().display().to_string(),
            time: self.core.now(),
        }
    }

    fn alarm(&self, failure: &Failure) {
        if let Some(alarm) = &self.core.options.alarm {
            alarm.tell(failure);
        }
    }

    fn write(&self, line: &Occurrence, end: End) {
        let lock_ms = line.lock_ms;
        self.core.lasting().tallies.end(self.action, end, self.began.elapsed(), lock_ms);
        tracing::info!(
            action = %line.action,
            snapshot = line.snapshot.as_ref().map(tracing::field::display),
            by = %line.by,
            ok = line.ok,
            took_ms = line.took_ms,
            lock_ms,
            "it is written down"
        );
        if let Err(error) = self.core.history.append(line) {
            tracing::error!(%error, "the history cannot be written");
        }
    }
}

impl Drop for Deed<'_> {
    fn drop(&mut self) {
        self.core.lasting().tallies.leave(self.action);
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Numbers by name, for a line of the history. What is beyond its range is at its end.
pub(crate) fn numbers<N: TryInto<i64>, const COUNT: usize>(
    named: [(&str, N); COUNT],
) -> BTreeMap<String, i64> {
    named
        .into_iter()
        .map(|(name, number)| (name.to_owned(), number.try_into().unwrap_or(i64::MAX)))
        .collect()
}

/// A restore in numbers.
pub(crate) fn of_restore(restored: &Restored) -> BTreeMap<String, i64> {
    let sum = |of: fn(&super::TableDone) -> u64| restored.tables.iter().map(of).sum::<u64>();
    numbers([
        ("tables", restored.tables.len() as u64),
        ("added", sum(|table| table.added)),
        ("removed", sum(|table| table.removed)),
        ("changed", sum(|table| table.changed)),
        ("events_removed", restored.events_removed),
        ("events_added", restored.events_added),
    ])
}

/// A prune in numbers.
pub(crate) fn of_prune(pruned: &Pruned) -> BTreeMap<String, i64> {
    let kept = pruned.snapshots.iter().filter(|verdict| verdict.fate.keep).count();
    numbers([
        ("snapshots_kept", kept as u64),
        ("snapshots_removed", (pruned.snapshots.len() - kept) as u64),
        ("packs_removed", pruned.packs_removed),
        ("bytes_freed", pruned.bytes_freed),
    ])
}

/// A reading back in numbers.
pub(crate) fn of_verify(verified: &[Verified]) -> BTreeMap<String, i64> {
    let damaged = verified.iter().filter(|one| one.state == State::Damaged).count();
    let sum = |of: fn(&Verified) -> u64| verified.iter().map(of).sum::<u64>();
    numbers([
        ("snapshots", verified.len() as u64),
        ("damaged", damaged as u64),
        ("rows", sum(|one| one.rows)),
        ("bytes", sum(|one| one.bytes)),
        ("repairs", sum(|one| one.repaired.len() as u64)),
    ])
}
