//! Taking by the schedule: what the store and the database say of it, and what is remembered.
//!
//! The store is listed only when what is known of it says that a checkpoint may be due: others can
//! only have put that off.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::catalog::{Found, Listed};
use super::facts::{Entry, Scope};
use super::id::{Kind, SnapshotRef};
use super::label::Label;
use super::schedule::{self, Newest};
use super::{Action, Lead, Occurrence, Snapshots, take};
use crate::error::Result;
use crate::store::Duty;

/// How far back the history is searched for the last time that all snapshots were verified.
const SEARCHED: usize = 500;

/// How long what another console verifies is left to it, until one looks whether it has.
const FOLLOWED: Duration = Duration::from_mins(1);

/// What is remembered from one look at the schedule to the next.
#[derive(Default)]
pub(super) struct Memory(Mutex<Remembered>);

/// What was seen so far.
#[derive(Clone, Copy, Default)]
struct Remembered {
    /// When the schedule was looked at first.
    since: Option<Timestamp>,
    /// When a checkpoint was due last and nothing had changed.
    nothing_new: Option<Timestamp>,
    /// Not known before the store was listed.
    listed: Option<Known>,
}

/// What a listing told.
#[derive(Clone, Copy)]
struct Known {
    newest: Option<Newest>,
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is remembered, without moments of a clock that was set back since.
    fn at(&self, now: Timestamp) -> Remembered {
        let mut remembered = self.lock();
        let lies_ahead = |moment: &Timestamp| schedule::lies_ahead(*moment, now);
        if remembered.since.is_none_or(|since| lies_ahead(&since)) {
            remembered.since = Some(now);
        }
        remembered.nothing_new = remembered.nothing_new.filter(|moment| !lies_ahead(moment));
        *remembered
    }

    /// What a listing told may not be so any more.
    pub(super) fn forget_listing(&self) {
        self.lock().listed = None;
    }

    /// Learns from a listing what the newest checkpoint is.
    pub(super) fn learn(&self, listed: &[Listed]) {
        let newest = newest(listed).map(|(_, newest)| newest);
        self.lock().listed = Some(Known { newest });
    }
}

/// The newest sound checkpoint, and what a schedule has to know: when it was taken, and the
/// position that events are counted from. That is its own, unless the log was rewound since.
fn newest(listed: &[Listed]) -> Option<(&SnapshotRef, Newest)> {
    let sound = || listed.iter().filter(|listed| listed.damage().is_none());
    let checkpoint = sound().find(|listed| listed.snapshot.kind == Kind::Periodic)?;
    let rewound_to = |listed: &Listed| match &listed.found {
        Found::Stored(manifest) => {
            manifest.cause.clone().filter(|cause| cause.scope == Scope::Rewind)
        }
        Found::Foreign(_) | Found::Damaged(_) => None,
    };
    let position = sound().find_map(|listed| match listed.snapshot.kind {
        Kind::Periodic => Some(listed.position()),
        Kind::Rewind => {
            let restored = rewound_to(listed)?.restoring;
            Some(sound().find(|listed| listed.snapshot == restored).and_then(Listed::position))
        }
    });
    let at = checkpoint.created_at();
    Some((&checkpoint.snapshot, Newest { at, position: position.flatten() }))
}

impl Snapshots {
    /// Whether checkpoints are taken by themselves.
    #[must_use]
    pub fn is_scheduled(&self) -> bool {
        !self.core.options.schedule.is_empty()
    }

    /// When the next checkpoint is due by the schedule's clock; `None` when there is none, or only
    /// events tell.
    pub fn next_take(&self) -> Result<Option<Timestamp>> {
        if !self.is_scheduled() {
            return Ok(None);
        }
        let (now, newest) = (self.core.now(), self.known_newest()?);
        let (remembered, schedule) =
            (self.core.lasting().schedule.at(now), &self.core.options.schedule);
        Ok(schedule.due_at(remembered.put_off(newest), remembered.since.unwrap_or(now), now))
    }

    /// The position at which the next checkpoint is due, whatever the clock says; `None` when events
    /// do not tell.
    pub fn next_take_position(&self) -> Result<Option<i64>> {
        let Some(every) = self.core.options.schedule.every_events else { return Ok(None) };
        if self.core.database.event_log().is_none() {
            return Ok(None);
        }
        let behind = self.known_newest()?.and_then(|newest| newest.position).unwrap_or_default();
        Ok(Some(behind.saturating_add_unsigned(every)))
    }

    /// Takes a checkpoint if the schedule says that one is due, the database has changed since the
    /// newest one, no other console on the store [leads](Self::leads), and nobody has taken one
    /// meanwhile.
    pub fn take_when_due(&self, by: &str) -> Result<Option<Entry>> {
        let core = &self.core;
        if !self.is_scheduled() || !core.lead.take() {
            return Ok(None);
        }
        let (position, now) = (core.position()?, core.now());
        let remembered = core.lasting().schedule.at(now);
        let since = remembered.since.unwrap_or(now);
        let is_due = |newest: Option<Newest>| {
            let newest = remembered.put_off(newest);
            core.options.schedule.is_due(newest, position, since, now)
        };
        if let Some(Known { newest }) = remembered.listed
            && newest.is_none_or(|newest| newest.position <= position)
            && !is_due(newest)
        {
            return Ok(None);
        }
        let listed = core.catalog.list()?;
        core.lasting().schedule.learn(&listed);
        let (before, newest) = newest(&listed).unzip();
        if !is_due(newest) {
            return Ok(None);
        }
        if let (Some(before), Some(newest)) = (before, newest)
            && !self.has_changed_since(before, newest, position)?
        {
            core.lasting().schedule.lock().nothing_new = Some(now);
            return Ok(None);
        }
        let is_still_due = || {
            let listed = core.catalog.list()?;
            Ok(self::newest(&listed).map(|(snapshot, _)| snapshot) == before)
        };
        let deed = core.begin(Action::Take, None, by);
        let taken = take::take_if(core, Kind::Periodic, &Label::default(), &is_still_due);
        let Some((snapshot, lock)) = deed.noted(taken)? else {
            core.lasting().schedule.learn(&core.catalog.list()?);
            return Ok(None);
        };
        self.taken(&deed, &snapshot, &lock, by).map(Some)
    }

    /// Whether this console is the one that takes checkpoints by itself, and no other one on the same
    /// store: as it was when [`take_when_due`](Self::take_when_due) was called last. `None` before
    /// that.
    #[must_use]
    pub fn leads(&self) -> Option<bool> {
        self.core.lead.is_ours()
    }

    /// Leaves it to another console to take checkpoints by itself, until this one is asked to again.
    pub fn step_down(&self) {
        self.core.lead.step_down();
    }

    /// What is to be asked for the lead; nobody has to where nothing is taken by itself.
    pub(crate) fn lead(&self) -> Option<Arc<Lead>> {
        self.is_scheduled().then(|| Arc::clone(&self.core.lead))
    }

    /// Verifies all snapshots if `every` has passed since that was done last, by whoever did it, and
    /// no other console on the store is at it. The answer is how long there is nothing to do.
    pub fn verify_when_due(&self, every: Duration, by: &str) -> Result<Duration> {
        // A store that cannot be written has no leader, and is verified all the same.
        let lead = self.core.store.lead(Duty::Verify);
        if let Ok(None) = lead {
            return Ok(every.min(FOLLOWED));
        }
        let wait = self.verify_due_in(every);
        if !wait.is_zero() {
            return Ok(wait);
        }
        self.verify(None, by)?;
        Ok(every)
    }

    /// How long it is until the next time, by the history; not at all when it tells of no last time.
    fn verify_due_in(&self, every: Duration) -> Duration {
        let history = self.history(SEARCHED).unwrap_or_default();
        // One that was cancelled or failed tells of nothing damaged: it was not done.
        let was_done = |one: &&Occurrence| {
            matches!(one.action, Action::Verify | Action::Repair)
                && one.snapshot.is_none()
                && one.outcome.contains(" damaged")
        };
        let Some(last) = history.iter().find(was_done) else { return Duration::ZERO };
        let passed = self.core.now().duration_since(last.at);
        // After a clock was set back nobody knows how long ago it was.
        every.saturating_sub(passed.try_into().unwrap_or(Duration::ZERO))
    }

    /// The newest checkpoint as it was when the store was listed last.
    fn known_newest(&self) -> Result<Option<Newest>> {
        let known = self.core.lasting().schedule.lock().listed;
        // Nothing is learned from takes that another console does.
        if let Some(Known { newest }) = known.filter(|_| self.leads() != Some(false)) {
            return Ok(newest);
        }
        let listed = self.core.catalog.list()?;
        self.core.lasting().schedule.learn(&listed);
        Ok(newest(&listed).map(|(_, newest)| newest))
    }

    /// Whether the database is not as it was: told by the log's position where there is one, by the
    /// rows otherwise.
    fn has_changed_since(
        &self,
        snapshot: &SnapshotRef,
        newest: Newest,
        position: Option<i64>,
    ) -> Result<bool> {
        match position {
            Some(_) => Ok(newest.position != position),
            None => Ok(self.preview(snapshot)?.changed_tables().next().is_some()),
        }
    }
}

impl Remembered {
    /// The newest checkpoint, its wait begun anew where nothing had changed.
    fn put_off(&self, newest: Option<Newest>) -> Option<Newest> {
        let later = |at: Timestamp| self.nothing_new.map_or(at, |looked| looked.max(at));
        newest.map(|newest| Newest { at: later(newest.at), ..newest })
    }
}
