//! The lock of a store that several machines share: whoever wants it lays down a claim.
//!
//! A claim is an object `lock/<token>` that nobody else writes. Whoever has written one lists all
//! of them: alone, it holds the lock; beside another, it withdraws and tries again a little later.
//! Of two that come at once the later one to write sees the earlier one's claim, so at most one
//! ever holds; all it takes is that a listing shows what was written before it, and no server has
//! to keep a conditional write. (restic locks its repositories alike.)
//!
//! Whoever finds the lock taken draws a ticket, `lock/waiting/<time>-<token>`, and claims no more
//! until no older ticket is there: of many that wait, each gets its turn. Tickets are a courtesy.
//! They are renewed like claims, those that are not are passed over, and nothing rests on them.
//!
//! A holder renews its claim while it works. A claim that was not renewed for longer than the lease
//! is nobody's any more, and is taken away. Its age is told by the server's clock alone: against
//! the claim that the one who asks has just written. The holder itself goes by the time that has
//! passed here, begins counting before each write, and so knows first that its claim has run out.

use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use jiff::Timestamp;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use tokio::sync::oneshot;

use super::fail::Failure;
use super::name::fresh_name;
use super::runtime::{block_on, spawn};
use super::time_of;
use crate::error::{Error, ErrorKind, Result};

/// The folder of the claims to the store's lock.
const LOCK: &str = "lock";

/// The folder of those who wait, below that of the claims.
const WAITING: &str = "waiting";

/// How long a claim holds without being renewed.
pub(super) const LEASE: Duration = Duration::from_secs(20);

/// How long a release is waited for; it goes on without the one who waits.
const RELEASE: Duration = Duration::from_secs(5);

/// Where claims are laid down.
#[derive(Clone)]
pub(super) struct Claims {
    objects: Arc<dyn ObjectStore>,
    folder: &'static str,
    lease: Duration,
}

/// The lock, held for as long as the claim can be renewed.
#[derive(Debug)]
pub(super) struct Lease {
    taken_at: Timestamp,
    held_until: Arc<Mutex<Instant>>,
    stop: Option<oneshot::Sender<()>>,
    released: mpsc::Receiver<()>,
}

impl Claims {
    /// Claims to the store's lock.
    pub(super) fn new(objects: Arc<dyn ObjectStore>, lease: Duration) -> Self {
        Self { objects, folder: LOCK, lease }
    }

    /// Claims to another lock of the same store.
    pub(super) fn beside(&self, folder: &'static str, lease: Duration) -> Self {
        Self { objects: Arc::clone(&self.objects), folder, lease }
    }

    /// Takes the lock, waiting for `wait` at most; `None` when others have it all that time.
    pub(super) fn take(&self, wait: Duration, failure: &Failure) -> Result<Option<Lease>> {
        let start = Instant::now();
        let mut ticket = Ticket::default();
        let taken = loop {
            match self.in_turn(&mut ticket, failure) {
                Ok(None) => {}
                outcome => break outcome,
            }
            let left = wait.saturating_sub(start.elapsed());
            if left.is_zero() {
                break Ok(None);
            }
            std::thread::sleep(left.min(pause()));
        };
        if let Some(path) = ticket.path
            && let Err(error) = block_on(self.objects.delete(&path))?
        {
            tracing::debug!(%error, "a ticket is left to run out");
        }
        taken
    }

    /// Takes the lock if it is free and nobody waits for longer. A ticket is drawn otherwise.
    fn in_turn(&self, ticket: &mut Ticket, failure: &Failure) -> Result<Option<Lease>> {
        let free = block_on(self.is_our_turn(ticket))?.map_err(|error| failure.of(&error))?;
        let taken = if free { self.try_take(failure)? } else { None };
        if taken.is_none() {
            block_on(self.wait_in_line(ticket))?.map_err(|error| failure.of(&error))?;
        }
        Ok(taken)
    }

    /// Whether there is neither a claim nor an older ticket that may still be renewed.
    async fn is_our_turn(&self, ticket: &Ticket) -> object_store::Result<bool> {
        let all = self.list().await?;
        // The newest write is as near to the server's present as a listing tells.
        let Some(present) = all.iter().map(|meta| meta.last_modified).max() else {
            return Ok(true);
        };
        let lives = |meta: &&ObjectMeta| {
            let age = present - meta.last_modified;
            age.to_std().is_ok_and(|age| age <= self.lease + self.lease / 10)
        };
        let is_before_us = |meta: &ObjectMeta| {
            !self.is_ticket(meta) || ticket.path.as_ref().is_none_or(|ours| meta.location < *ours)
        };
        for left in all.iter().filter(|meta| self.is_ticket(meta) && !lives(meta)) {
            // Another one may do the same at this moment.
            let _ = self.objects.delete(&left.location).await;
        }
        Ok(!all.iter().filter(lives).any(is_before_us))
    }

    /// Draws a ticket, or renews the one that there is when it is time.
    async fn wait_in_line(&self, ticket: &mut Ticket) -> object_store::Result<()> {
        let path = ticket.path.get_or_insert_with(|| {
            let now = Timestamp::now().as_millisecond();
            Path::from(format!("{}/{WAITING}/{now:020}-{}", self.folder, fresh_name()))
        });
        let renew = self.lease / 5;
        if ticket.written.is_none_or(|written| written.elapsed() > renew) {
            self.objects.put(path, who().into()).await?;
            ticket.written = Some(Instant::now());
        }
        Ok(())
    }

    /// Takes the lock at once or not at all, past all who wait.
    pub(super) fn try_take(&self, failure: &Failure) -> Result<Option<Lease>> {
        let path = Path::from(format!("{}/{}", self.folder, fresh_name()));
        let claimed = Instant::now();
        let taken = block_on(async {
            self.objects.put(&path, who().into()).await?;
            let alone = self.stands_alone(&path).await;
            if !matches!(alone, Ok(Some(_))) {
                self.objects.delete(&path).await?;
            }
            alone
        })?;
        let Some(taken_at) = taken.map_err(|error| failure.of(&error))? else {
            return Ok(None);
        };
        let lease = Lease::hold(self.clone(), path, claimed, taken_at)?;
        Ok(lease.is_held().then_some(lease))
    }

    /// When the claim was laid down, by the server's clock, if no other one is there that may still
    /// be renewed. Those that may not are removed.
    async fn stands_alone(&self, path: &Path) -> object_store::Result<Option<Timestamp>> {
        let mut claims = self.list().await?;
        claims.retain(|meta| !self.is_ticket(meta));
        let Some(mine) = claims.iter().find(|claim| claim.location == *path) else {
            return Ok(None);
        };
        // Some more than the lease: servers tell times by the second.
        let patience = self.lease + (self.lease / 10);
        let has_run_out = |other: &ObjectMeta| {
            let age = mine.last_modified - other.last_modified;
            age.to_std().is_ok_and(|age| age > patience)
        };
        let others = || claims.iter().filter(|claim| claim.location != *path);
        if !others().all(has_run_out) {
            return Ok(None);
        }
        for other in others() {
            tracing::warn!(claim = %other.location, "taking over a lock that was not renewed");
            match self.objects.delete(&other.location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(time_of(mine)))
    }

    /// Claims and tickets.
    async fn list(&self) -> object_store::Result<Vec<ObjectMeta>> {
        self.objects.list(Some(&Path::from(self.folder))).try_collect().await
    }

    fn is_ticket(&self, meta: &ObjectMeta) -> bool {
        let below = meta.location.as_ref().strip_prefix(self.folder);
        below
            .and_then(|below| below.strip_prefix('/'))
            .is_some_and(|below| below.starts_with(WAITING))
    }
}

/// A place among those who wait.
#[derive(Default)]
struct Ticket {
    path: Option<Path>,
    written: Option<Instant>,
}

impl Lease {
    fn hold(claims: Claims, path: Path, claimed: Instant, taken_at: Timestamp) -> Result<Self> {
        let held_until = Arc::new(Mutex::new(claimed + claims.lease));
        let (stop, stopped) = oneshot::channel();
        let (told, released) = mpsc::channel();
        let shared = Arc::clone(&held_until);
        spawn(async move {
            renew(&claims, &path, &shared, stopped).await;
            if let Err(error) = claims.objects.delete(&path).await {
                tracing::debug!(%error, "the lock is left to run out");
            }
            // An error means that nobody waits any more.
            let _ = told.send(());
        })?;
        Ok(Self { taken_at, held_until, stop: Some(stop), released })
    }

    /// Stops renewing the claim, and waits until it holds no more.
    #[cfg(test)]
    pub(super) fn let_run_out(&mut self) {
        drop(self.stop.take());
        let until = *lock(&self.held_until);
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
    }

    /// When the lock was taken, by the server's clock.
    pub(super) fn taken_at(&self) -> Timestamp {
        self.taken_at
    }

    /// Whether nobody else can have taken the lock.
    pub(super) fn is_held(&self) -> bool {
        Instant::now() < *lock(&self.held_until)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.released.recv_timeout(RELEASE);
    }
}

/// Renews the claim until told to stop, or until it has run out. No write is under way when this
/// returns: one that came later would lay the claim down again.
async fn renew(
    claims: &Claims,
    path: &Path,
    held_until: &Mutex<Instant>,
    mut stopped: oneshot::Receiver<()>,
) {
    loop {
        let pause = tokio::time::sleep(claims.lease / 5);
        tokio::select! {
            _ = &mut stopped => return,
            () = pause => {}
        }
        let begun = Instant::now();
        if begun >= *lock(held_until) {
            return;
        }
        match claims.objects.put(path, who().into()).await {
            Ok(_) => {
                let mut held_until = lock(held_until);
                // What came back too late may have come after somebody took the lock over.
                if Instant::now() >= *held_until {
                    return;
                }
                *held_until = begun + claims.lease;
            }
            Err(error) => tracing::warn!(%error, "the store's lock could not be renewed"),
        }
    }
}

/// The error of going on without the lock.
pub(super) fn lost(location: &str) -> Error {
    Error::new(ErrorKind::Busy, "the store's lock was lost while it was in use")
        .on(location)
        .hint("check the connection to the store, then try again")
}

/// Who holds it, for people who look into the bucket.
fn who() -> String {
    format!("{{\"process\":{},\"program\":\"snapback\"}}\n", std::process::id())
}

/// How long to leave the field to others: random, so that two do not meet again and again.
fn pause() -> Duration {
    let random = fresh_name();
    let random = u64::from_str_radix(&random[..4], 16).unwrap_or_default();
    Duration::from_millis(50 + random % 250)
}

fn lock(held_until: &Mutex<Instant>) -> std::sync::MutexGuard<'_, Instant> {
    held_until.lock().unwrap_or_else(PoisonError::into_inner)
}
