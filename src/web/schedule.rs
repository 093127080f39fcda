//! What is done in the background, again and again: taking snapshots, and reading them back.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::many::{Databases, Name};
use crate::snapshot::{Progress, Snapshots};

/// Who is named in the history for it.
const BY: &str = "schedule";

/// Verifies all snapshots whenever `every` has passed since that was done last, by whoever did it.
/// The outcome is in the history and among the metrics. Dropped, it ends what is under way.
pub(crate) async fn verify(snapshots: Snapshots, every: Duration, stop: CancellationToken) {
    loop {
        let ending = Ending(Progress::default());
        let watched = snapshots.watched(ending.0.clone());
        let verified = blocking(move || watched.verify_when_due(every, BY)).await;
        drop(ending);
        if !waited(until_next(verified, every, None), &stop).await {
            return;
        }
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
            if times.get(&name).is_some_and(|at| Instant::now() < *at) {
                continue;
            }
            let ending = Ending(Progress::default());
            let (all, wanted, progress) = (databases.clone(), name.clone(), ending.0.clone());
            let verified = blocking(move || {
                all.visit(&wanted, |snapshots| {
                    snapshots.watched(progress).verify_when_due(every, BY)
                })
            });
            let wait = until_next(verified.await, every, Some(&name));
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

/// How long it is until the snapshots are verified again. A failure is in the history too, and the
/// next time tries again.
fn until_next(verified: Result<Duration>, every: Duration, name: Option<&Name>) -> Duration {
    verified.unwrap_or_else(|error| {
        let database = name.map(tracing::field::display);
        tracing::warn!(%error, database, "the snapshots could not be read back");
        every
    })
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
