//! Which of several consoles on one store takes what its schedules say: the one that leads.
//!
//! The others are spared the work, no more. When two lead for a moment, the store's lock and the look
//! under it still let one of them publish.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::Clock;
use crate::store::{Duty, Store, StoreLock};

/// Whether this console leads.
pub(crate) struct Lead {
    store: Store,
    clock: Clock,
    /// Held while the store is asked, by one at a time.
    asking: Mutex<()>,
    /// Never held for long: every page looks at it.
    standing: Mutex<Standing>,
}

#[derive(Default)]
enum Standing {
    /// It was never asked, or was given up.
    #[default]
    Unknown,
    Leads(StoreLock),
    /// Another one led at this moment.
    Follows(Timestamp),
}

impl Lead {
    pub(super) fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock, asking: Mutex::default(), standing: Mutex::default() }
    }

    /// Takes the lead, unless another console has it. Blocks.
    pub(crate) fn take(&self) -> bool {
        let _asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        match &*self.lock() {
            Standing::Leads(lock) if lock.check().is_ok() => return true,
            Standing::Follows(asked)
                if *asked <= now && now.duration_since(*asked) < self.patience() =>
            {
                return false;
            }
            _ => {}
        }
        let lost = matches!(*self.lock(), Standing::Leads(_));
        if lost {
            // It would stand in the way of the next.
            self.step_down();
        }
        let standing = match self.store.lead(Duty::Take) {
            Ok(Some(lock)) => Standing::Leads(lock),
            Ok(None) => Standing::Follows(now),
            Err(error) => {
                // What is due says better what is wrong with the store, if anything is.
                tracing::debug!(%error, "it cannot be told who leads");
                Standing::Unknown
            }
        };
        let follows = matches!(standing, Standing::Follows(_));
        *self.lock() = standing;
        !follows
    }

    /// Whether this console led, or another one, when it was asked last.
    pub(super) fn is_ours(&self) -> Option<bool> {
        match &*self.lock() {
            Standing::Unknown => None,
            Standing::Leads(lock) => Some(lock.check().is_ok()),
            Standing::Follows(_) => Some(false),
        }
    }

    /// Leaves the lead to others. Blocks.
    pub(crate) fn step_down(&self) {
        let before = std::mem::take(&mut *self.lock());
        // Nobody waits while a server is told.
        drop(before);
    }

    fn patience(&self) -> SignedDuration {
        self.store.lead_is_asked_for_every().try_into().unwrap_or(SignedDuration::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use object_store::memory::InMemory;

    use super::*;

    #[test]
    fn a_lead_that_was_lost_is_asked_for_anew_and_is_another_ones_until_then() {
        let (objects, lease) = (Arc::new(InMemory::new()), Duration::from_secs(2));
        let open = || Store::shared(objects.clone(), "memory://bucket", lease, lease);
        let lead = || Lead::new(open(), Clock::default());
        let (one, other) = (lead(), lead());
        let lose = |lead: &Lead| {
            if let Standing::Leads(lock) = &mut *lead.lock() {
                lock.let_run_out();
            }
            assert_eq!(lead.is_ours(), Some(false));
        };
        assert!(one.take());
        lose(&one);
        assert!(one.take());
        assert_eq!(one.is_ours(), Some(true));
        lose(&one);
        assert!(other.take());
        assert!(!one.take());
        assert_eq!((one.is_ours(), other.is_ours()), (Some(false), Some(true)));
    }
}
