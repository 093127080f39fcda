//! How often each thing was done in this process, and what is under way, for the metrics.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::occurrence::Action;
use crate::error::ErrorKind;
use crate::histogram::Histogram;

/// What came of something, as the metrics name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was done.
    Done,
    /// It failed, or what it found is bad.
    Failed,
    /// Somebody ended it early.
    Cancelled,
}

impl End {
    /// How a failure of this kind ended.
    pub(crate) fn of(kind: ErrorKind) -> Self {
        if kind == ErrorKind::Cancelled { Self::Cancelled } else { Self::Failed }
    }
}

/// One action in numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActionTally {
    pub(crate) under_way: u64,
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    /// How long it took, whatever came of it.
    pub(crate) took: Histogram,
}

/// Every action in numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) actions: BTreeMap<Action, ActionTally>,
    /// How long writers of the database waited for restores.
    pub(crate) lock: Histogram,
}

/// The numbers of a process, from its start.
#[derive(Default)]
pub(crate) struct Tallies(Mutex<Tally>);

impl Tallies {
    pub(crate) fn read(&self) -> Tally {
        self.lock().clone()
    }

    /// Something begins.
    pub(crate) fn begin(&self, action: Action) {
        self.lock().actions.entry(action).or_default().under_way += 1;
    }

    /// It is under way no more.
    pub(crate) fn leave(&self, action: Action) {
        let mut tally = self.lock();
        let of = tally.actions.entry(action).or_default();
        of.under_way = of.under_way.saturating_sub(1);
    }

    /// It ended so.
    pub(crate) fn end(&self, action: Action, end: End, took: Duration, lock_ms: Option<u64>) {
        let mut tally = self.lock();
        let of = tally.actions.entry(action).or_default();
        match end {
            End::Done => of.done += 1,
            End::Failed => of.failed += 1,
            End::Cancelled => of.cancelled += 1,
        }
        of.took.add(took);
        if let Some(lock_ms) = lock_ms {
            tally.lock.add(Duration::from_millis(lock_ms));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
