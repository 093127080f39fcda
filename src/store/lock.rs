//! The store's lock: one holder at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::claim::{self, Claims};
use super::fail::Failure;
use crate::error::{Error, ErrorKind, Result};

/// How long to sleep between two looks at a lock file.
const POLL: Duration = Duration::from_millis(10);

/// The store's lock, held. Dropping it releases it.
#[derive(Debug)]
#[must_use = "the lock is released as soon as this is dropped"]
pub struct StoreLock {
    held: Held,
    taken_at: Timestamp,
    location: String,
}

#[derive(Debug)]
enum Held {
    /// The system releases the lock with the file, even when the process is killed.
    File {
        _file: File,
    },
    Gate {
        _pass: Pass,
    },
    /// Released before the gate is: the next thread finds no claim in its way.
    Claim {
        lease: claim::Lease,
        _pass: Pass,
    },
}

impl StoreLock {
    fn new(held: Held, location: &str) -> Self {
        let taken_at = match &held {
            Held::Claim { lease, .. } => lease.taken_at(),
            Held::File { .. } | Held::Gate { .. } => Timestamp::now(),
        };
        Self { held, taken_at, location: location.to_owned() }
    }

    /// Stops renewing the claim, and waits until it holds no more.
    #[cfg(test)]
    pub(crate) fn let_run_out(&mut self) {
        if let Held::Claim { lease, .. } = &mut self.held {
            lease.let_run_out();
        }
    }

    /// When the lock was taken, by the clock that dates the store's objects.
    #[must_use]
    pub fn taken_at(&self) -> Timestamp {
        self.taken_at
    }

    /// An error when somebody else may have taken the lock over meanwhile, which only happens to
    /// the lock of an object store: its holder must be heard of now and then.
    pub fn check(&self) -> Result<()> {
        match &self.held {
            Held::Claim { lease, .. } if !lease.is_held() => Err(claim::lost(&self.location)),
            _ => Ok(()),
        }
    }
}

fn busy(location: &str) -> Error {
    Error::new(ErrorKind::Busy, "the store is in use by another take, restore or prune")
        .on(location)
        .hint("wait until it is done, then try again")
}

/// Locks a file, which excludes other processes, and other threads too since each opens it anew.
pub(super) fn of_file(path: &Path, wait: Duration, location: &str) -> Result<StoreLock> {
    let failure = Failure::new("the store could not be locked", location);
    if std::fs::symlink_metadata(path).is_ok_and(|meta| !meta.is_file()) {
        return Err(Error::damaged("the lock is no ordinary file")
            .on(path.display())
            .hint("delete it: it is made anew"));
    }
    let file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .open(path)
        .map_err(|error| failure.of_io(&error))?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(StoreLock::new(Held::File { _file: file }, location)),
            Err(TryLockError::Error(error)) => return Err(failure.of_io(&error)),
            Err(TryLockError::WouldBlock) => {
                let left = wait.saturating_sub(start.elapsed());
                if left.is_zero() {
                    return Err(busy(location));
                }
                std::thread::sleep(left.min(POLL));
            }
        }
    }
}

/// The lock of a store that has no file to lock.
#[derive(Debug, Default)]
pub(super) struct Gate {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    taken: Mutex<bool>,
    freed: Condvar,
}

#[derive(Debug)]
struct Pass {
    shared: Arc<Shared>,
}

impl Gate {
    pub(super) fn enter(&self, wait: Duration, location: &str) -> Result<StoreLock> {
        let pass = self.pass(wait, location)?;
        Ok(StoreLock::new(Held::Gate { _pass: pass }, location))
    }

    /// Keeps out other threads, then other processes and machines.
    pub(super) fn enter_with(
        &self,
        claims: &Claims,
        wait: Duration,
        location: &str,
    ) -> Result<StoreLock> {
        let start = Instant::now();
        let pass = self.pass(wait, location)?;
        let failure = Failure::new("the store could not be locked", location);
        match claims.take(wait.saturating_sub(start.elapsed()), &failure)? {
            Some(lease) => Ok(StoreLock::new(Held::Claim { lease, _pass: pass }, location)),
            None => Err(busy(location)),
        }
    }

    /// The same at once, or not at all.
    pub(super) fn enter_now(&self, claims: &Claims, location: &str) -> Result<Option<StoreLock>> {
        let Ok(pass) = self.pass(Duration::ZERO, location) else { return Ok(None) };
        let failure = Failure::new("the lead of the store could not be taken", location);
        let lease = claims.try_take(&failure)?;
        Ok(lease.map(|lease| StoreLock::new(Held::Claim { lease, _pass: pass }, location)))
    }

    fn pass(&self, wait: Duration, location: &str) -> Result<Pass> {
        let taken = self.shared.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut taken, _) = self
            .shared
            .freed
            .wait_timeout_while(taken, wait, |taken| *taken)
            .unwrap_or_else(PoisonError::into_inner);
        if *taken {
            return Err(busy(location));
        }
        *taken = true;
        Ok(Pass { shared: Arc::clone(&self.shared) })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        *self.shared.taken.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.shared.freed.notify_one();
    }
}
