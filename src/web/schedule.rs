//! What is done in the background, again and again: taking snapshots, and reading them back.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::many::{Databases, Name};
use crate::snapshot::{Progress, Snapshots};

/// Who is named in the history for it.
const BY: &str = "schedule";

/// What is said of failures.
const UNREAD: &str = "the snapshots could not be read back";
const UNTAKEN: &str = "the snapshot that is due could not be taken";

/// How long a schedule is not looked at.
const LOOKED: Duration = Duration::from_secs(2);

/// How long after a failure it is tried again.
const PUT_OFF: Duration = Duration::from_mins(1);

/// Verifies all snapshots whenever `every` has passed since that was done last, by whoever did it.
/// The outcome is in the history and among the metrics. Dropped, it ends what is under way.
pub(crate) async fn verify(snapshots: Snapshots, every: Duration, stop: CancellationToken) {
    again_and_again(stop, UNREAD, every, move |progress| {
        snapshots.watched(progress.clone()).verify_when_due(every, BY)
    })
    .await;
}

/// Takes a checkpoint whenever the schedule of `snapshots` says so. Dropped, it ends what is under
/// way.
pub(crate) async fn take(snapshots: Snapshots, stop: CancellationToken) {
    again_and_again(stop, UNTAKEN, PUT_OFF, move |progress| {
        snapshots.watched(progress.clone()).take_when_due(BY).map(|_| LOOKED)
    })
    .await;
}

/// Works until it is told to stop; what comes of it is how long there is nothing to do then. A
/// failure is in the history too, and the next time tries again.
async fn again_and_again(
    stop: CancellationToken,
    failed: &'static str,
    put_off: Duration,
    work: impl Fn(&Progress) -> Result<Duration> + Clone + Send + 'static,
) {
    loop {
        let ending = Ending(Progress::default());
        let (work, progress) = (work.clone(), ending.0.clone());
        let pause = blocking(move || work(&progress)).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "{failed}");
            put_off
        });
        drop(ending);
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
    again_and_again(stop, UNTAKEN, PUT_OFF, move |progress| {
        databases.take_when_due(BY, progress);
        Ok(LOOKED)
    })
    .await;
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
            let wait = verified.await.unwrap_or_else(|error| {
                tracing::warn!(%error, %name, "{UNREAD}");
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
