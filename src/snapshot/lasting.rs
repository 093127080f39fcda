//! What is known of a database for as long as the process lives, however often it is closed and
//! opened meanwhile.

use std::sync::{Arc, Mutex, PoisonError};

use super::facts::LastVerify;
use super::tally::{Tallies, Tally};
use super::{Core, Snapshots, scheduled};

/// What outlives the closing of a database.
#[derive(Default)]
pub(crate) struct Lasting {
    pub(super) tallies: Tallies,
    /// What was seen when the schedule was looked at.
    pub(super) schedule: scheduled::Memory,
    last_verify: Mutex<Option<LastVerify>>,
}

impl Lasting {
    /// What was done so far, in numbers.
    pub(crate) fn tally(&self) -> Tally {
        self.tallies.read()
    }

    /// The outcome of the last verification of all snapshots.
    pub(crate) fn last_verify(&self) -> Option<LastVerify> {
        *self.last_verify.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn verified(&self, last: LastVerify) {
        *self.last_verify.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }
}

impl Core {
    pub(super) fn lasting(&self) -> &Lasting {
        self.lasting.get_or_init(Arc::default)
    }
}

impl Snapshots {
    /// Goes on from what was known when the same database was open before. To be called before
    /// anything else is.
    pub(crate) fn go_on_from(&self, lasting: Arc<Lasting>) {
        // Others may have written to the store while it was closed.
        lasting.schedule.forget_listing();
        // It is there already when the caller opens the same snapshots each time.
        let _ = self.core.lasting.set(lasting);
    }
}
