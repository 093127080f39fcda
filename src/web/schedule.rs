//! What is done in the background, again and again: taking snapshots, and reading them back.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::many::{Databases, Name};
use crate::snapshot::{Action, Occurrence, Progress, Snapshots};

/// Who is named in the history for it.
const BY: &str = "schedule";

/// How far back the history is searched for the last time.
const SEARCHED: usize = 500;

/// Verifies all snapshots whenever `every` has passed since that was done last, by whoever did it.
/// The outcome is in the history and among the metrics. Dropped, it ends what is under way.
pub(crate) async fn verify(snapshots: Snapshots, every: Duration, stop: CancellationToken) {
    let watched = snapshots.clone();
    let mut wait = blocking(move || Ok(due(&watched, every, Timestamp::now())))
        .await
        .unwrap_or(Duration::ZERO);
    loop {
        if !waited(wait, &stop).await {
            return;
        }
        let ending = Ending(Progress::default());
        let watched = snapshots.watched(ending.0.clone());
        // A failure is in the history too, and the next time tries again.
        if let Err(error) = blocking(move || watched.verify(None, BY)).await {
            tracing::warn!(%error, "the snapshots could not be read back");
        }
        wait = every;
    }
}

/// How long a schedule is not looked at.
const LOOKED: Duration = Duration::from_secs(2);

/// How long after a failure it is tried again.
const PUT_OFF: Duration = Duration::from_mins(1);

/// Takes a checkpoint whenever the schedule of `snapshots` says so. Dropped, it ends what is under
/// way.
pub(crate) async fn take(snapshots: Snapshots, stop: CancellationToken) {
    loop {
        let ending = Ending(Progress::default());
        let watched = snapshots.watched(ending.0.clone());
        // A failure is in the history too, and the next time tries again.
        let taken = blocking(move || watched.take_when_due(BY)).await;
        drop(ending);
        let pause = match taken {
            Ok(_) => LOOKED,
            Err(error) => {
                tracing::warn!(%error, "the snapshot that is due could not be taken");
                PUT_OFF
            }
        };
        if !waited(pause, &stop).await {
            return;
        }
    }
}

/// Waits; whether there is a next time, for the server may be about to stop.
async fn waited(pause: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(pause) => !stop.is_cancelled(),
    }
}

/// Takes a checkpoint of each of several databases whenever its schedule says so. Dropped, it ends
/// what is under way.
pub(crate) async fn take_each(databases: Databases, stop: CancellationToken) {
    loop {
        let ending = Ending(Progress::default());
        let (all, progress) = (databases.clone(), ending.0.clone());
        let taken = blocking(move || {
            all.take_when_due(BY, &progress);
            Ok(())
        });
        if let Err(error) = taken.await {
            tracing::warn!(%error, "the schedules could not be looked at");
        }
        drop(ending);
        if !waited(LOOKED, &stop).await {
            return;
        }
    }
}

/// Verifies each of several databases as [`verify`] does the only one, one after the other.
pub(crate) async fn verify_each(databases: Databases, every: Duration, stop: CancellationToken) {
    let mut times: HashMap<Name, Instant> = HashMap::new();
    loop {
        let all = databases.clone();
        let names = blocking(move || Ok(all.names())).await.unwrap_or_default();
        times.retain(|name, _| names.contains(name));
        for name in names {
            if stop.is_cancelled() {
                return;
            }
            let (all, at) = (databases.clone(), times.get(&name).copied());
            if at.is_some_and(|at| Instant::now() < at) {
                continue;
            }
            let ending = Ending(Progress::default());
            let (wanted, progress) = (name.clone(), ending.0.clone());
            let verified = blocking(move || {
                all.visit(&wanted, |snapshots| {
                    let wait = at.map_or_else(
                        || due(snapshots, every, Timestamp::now()),
                        |_| Duration::ZERO,
                    );
                    if wait.is_zero() {
                        snapshots.watched(progress).verify(None, BY)?;
                        return Ok(every);
                    }
                    Ok(wait)
                })
            });
            let wait = verified.await.unwrap_or_else(|error| {
                tracing::warn!(%error, %name, "the snapshots could not be read back");
                every
            });
            times.insert(name, Instant::now() + wait);
        }
        let next = times
            .values()
            .min()
            .map_or(SEARCHED_AGAIN, |next| next.saturating_duration_since(Instant::now()));
        if !waited(next.min(SEARCHED_AGAIN), &stop).await {
            return;
        }
    }
}

/// How long a new database waits at most until it is known of.
const SEARCHED_AGAIN: Duration = Duration::from_mins(1);

/// How long it is until the next time, by the history; not at all when it tells of no last time.
fn due(snapshots: &Snapshots, every: Duration, now: Timestamp) -> Duration {
    let history = snapshots.history(SEARCHED).unwrap_or_default();
    // One that was cancelled or failed tells of nothing damaged: it was not done.
    let was_done = |one: &&Occurrence| {
        matches!(one.action, Action::Verify | Action::Repair)
            && one.snapshot.is_none()
            && one.outcome.contains(" damaged")
    };
    let last = history.iter().find(was_done);
    let Some(last) = last else { return Duration::ZERO };
    let every = SignedDuration::try_from(every).unwrap_or(SignedDuration::MAX);
    every.saturating_sub(now.duration_since(last.at)).try_into().unwrap_or(Duration::ZERO)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|ended| {
        tracing::error!(%ended, "work in the background ended before its time");
        crate::Error::failed("the work ended before its time")
    })?
}

/// Cancels what is under way when nobody waits for it any more.
struct Ending(Progress);

impl Drop for Ending {
    fn drop(&mut self) {
        // Reading back changes nothing: it is never too late to end it.
        let _ = self.0.cancel();
    }
}
