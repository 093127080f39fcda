//! Who of several on one store does what nobody asks for: one at a time, for as long as it lives.
//!
//! Each duty has a lock of its own beside the store's, made like that one. The store's lock is held
//! while something is written, these ones much longer: so a claim to them is renewed seldom.

use std::time::Duration;

use super::claim::Claims;
use super::lock::{self, Gate, StoreLock};
use super::{Remote, Store};
use crate::error::{ErrorKind, Result};

/// How long a claim holds without being renewed: so long nothing is done after a leader was killed.
pub(super) const LEASE: Duration = Duration::from_mins(2);

/// How often whoever does not lead asks a store far away: it costs some requests.
const ASKED: Duration = Duration::from_secs(20);

/// What nobody asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Duty {
    Take,
    Verify,
}

impl Duty {
    /// The name of the file that is locked, or of the folder of the claims.
    fn name(self) -> &'static str {
        match self {
            Self::Take => "take-leader",
            Self::Verify => "verify-leader",
        }
    }
}

/// What excludes other threads, for each duty.
#[derive(Default)]
pub(super) struct Gates {
    take: Gate,
    verify: Gate,
}

impl Gates {
    fn of(&self, duty: Duty) -> &Gate {
        match duty {
            Duty::Take => &self.take,
            Duty::Verify => &self.verify,
        }
    }
}

impl Remote {
    fn claims(&self, duty: Duty) -> Claims {
        self.claims.beside(duty.name(), self.lead)
    }
}

impl Store {
    /// Takes the lead; `None` while somebody else has it. Nobody waits for it. Dropping it gives it
    /// to others.
    pub(crate) fn lead(&self, duty: Duty) -> Result<Option<StoreLock>> {
        let (inner, location) = (&self.inner, self.location());
        let gate = inner.leads.of(duty);
        let taken = match (&inner.directory, &inner.remote) {
            (Some(directory), _) => {
                let file = directory.root().join(duty.name());
                lock::of_file(&file, Duration::ZERO, location)
            }
            (_, Some(remote)) => return gate.enter_now(&remote.claims(duty), location),
            _ => gate.enter(Duration::ZERO, location),
        };
        match taken {
            Err(error) if error.kind() == ErrorKind::Busy => Ok(None),
            taken => taken.map(Some),
        }
    }

    /// How long whoever does not lead waits until it asks again.
    pub(crate) fn lead_is_asked_for_every(&self) -> Duration {
        if self.inner.remote.is_some() { ASKED } else { Duration::ZERO }
    }
}
