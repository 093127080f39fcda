//! What is done to many databases without anybody asking: checkpoints when their schedules say so.

use jiff::{SignedDuration, Timestamp};

use super::Databases;
use super::figures::Figures;
use super::name::Name;
use super::stamp::Stamp;
use crate::error::Result;
use crate::snapshot::{Progress, Snapshots};

/// How long a database is left alone after a failure, or when another console leads there.
const PUT_OFF: SignedDuration = SignedDuration::from_mins(1);

impl Databases {
    /// Works with a database, and leaves it open only if it was open before; what is known of it is
    /// read anew. Blocks.
    pub fn visit<T>(&self, name: &Name, work: impl FnOnce(&Snapshots) -> Result<T>) -> Result<T> {
        let place = self.place(name)?;
        self.in_passing(name, &place, |snapshots| {
            let outcome = work(snapshots);
            let (stamp, figures) = (Stamp::of(&place), Figures::read(snapshots));
            self.known().learn(name, stamp, figures);
            outcome
        })
    }

    /// Takes a checkpoint of each database whose schedule says that one is due, one after the other,
    /// until `progress` is cancelled. Which are due is told from what is known of them: a database
    /// where nothing is due is not opened. Blocks.
    ///
    /// A failure is in the database's history, and it is tried again after a while. Databases that
    /// nobody asked for in a while are closed, whether any has a schedule or not.
    pub fn take_when_due(&self, by: &str, progress: &Progress) {
        self.inner.opened.close_idle();
        self.search();
        if !self.known().is_scheduled() {
            return;
        }
        self.look();
        // Pages of those that are open say who leads. A closed one has a leader only while something
        // is taken of it.
        for lead in self.leads() {
            lead.take();
        }
        let due = self.known().due(Timestamp::now());
        for name in due {
            if progress.is_cancelled() {
                return;
            }
            let taken = self.visit(&name, |snapshots| {
                snapshots.watched(progress.clone()).take_when_due(by)?;
                Ok(snapshots.leads() != Some(false))
            });
            // What another console leads is not opened again and again to see whether it still does.
            let is_ours = taken.unwrap_or_else(|error| {
                tracing::warn!(%error, %name, "the snapshot that is due could not be taken");
                false
            });
            if !is_ours {
                let until = Timestamp::now().checked_add(PUT_OFF).unwrap_or(Timestamp::MAX);
                self.known().put_off(&name, until);
            }
        }
    }
}

/// What came of the schedule of one database so far.
#[derive(Clone, Copy, Default)]
pub(super) struct Tried {
    /// Until when a failure puts the next try off.
    pub(super) until: Option<Timestamp>,
}

impl Tried {
    /// Whether a checkpoint may be due at `now`, by what is known of the database.
    pub(super) fn is_due(&self, figures: &Figures, now: Timestamp) -> bool {
        let by_clock = figures.next_take.is_some_and(|next| next <= now);
        let by_events =
            figures.next_take_position.is_some_and(|next| figures.position >= Some(next));
        self.until.is_none_or(|until| until <= now) && (by_clock || by_events)
    }
}
