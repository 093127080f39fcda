//! What is done in the background, again and again: taking snapshots, and reading them back.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::error::Result;
use crate::snapshot::{Action, Occurrence, Progress, Snapshots};

/// Who is named in the history for it.
const BY: &str = "schedule";

/// How far back the history is searched for the last time.
const SEARCHED: usize = 500;

/// Verifies all snapshots whenever `every` has passed since that was done last, by whoever did it.
/// The outcome is in the history and among the metrics. Dropped, it ends what is under way.
pub(crate) async fn verify(snapshots: Snapshots, every: Duration) {
    let watched = snapshots.clone();
    let mut wait = blocking(move || Ok(due(&watched, every, Timestamp::now())))
        .await
        .unwrap_or(Duration::ZERO);
    loop {
        tokio::time::sleep(wait).await;
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
pub(crate) async fn take(snapshots: Snapshots) {
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
        tokio::time::sleep(pause).await;
    }
}

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
