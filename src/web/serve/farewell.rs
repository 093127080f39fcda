//! The end of a server: what is under way ends within a time, or is ended with nothing changed.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper_util::server::graceful::GracefulShutdown;
use tokio::task::JoinHandle;

use super::super::console::App;
use super::super::jobs::Job;

/// How long work may take to notice that it is to end.
const UNWINDING: Duration = Duration::from_secs(10);

/// What was under way when the server was asked to stop, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Farewell {
    /// What ended by itself, well or not: its outcome is in the history.
    pub finished: Vec<String>,
    /// What was ended, with nothing changed.
    pub rolled_back: Vec<String>,
    /// What had not ended even then, copies to a mirror among it. It is as if the process were killed:
    /// whole or not at all.
    pub left: Vec<String>,
    /// Whether some requests had not been answered whole.
    pub cut_off: bool,
}

impl fmt::Display for Farewell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("finished", &self.finished),
            ("ended with nothing changed", &self.rolled_back),
            ("not waited for", &self.left),
        ];
        f.write_str("stopped")?;
        for (what, names) in parts.into_iter().filter(|(_, names)| !names.is_empty()) {
            write!(f, "; {what}: {}", names.join(", "))?;
        }
        if self.cut_off { f.write_str("; some requests were cut off") } else { Ok(()) }
    }
}

/// Waits until everything has ended, or its time is over; then ends it.
pub(super) async fn wait(
    app: &App,
    connections: GracefulShutdown,
    mut tasks: Vec<JoinHandle<()>>,
    patience: Duration,
) -> Farewell {
    let asked = Instant::now();
    let under_way = &app.site.under_way;
    let mut jobs = under_way.read();
    app.end_hooks_within(patience);
    let all = async {
        connections.shutdown().await;
        for job in under_way.read() {
            job.wait().await;
        }
        for task in &mut tasks {
            // A task that panicked has ended too, and said so.
            let _ = task.await;
        }
    };
    let is_over = tokio::time::timeout(patience, all).await.is_err();
    let begun_since = under_way.read().into_iter();
    let new = |job: &Arc<Job>| !jobs.iter().any(|known| Arc::ptr_eq(known, job));
    jobs.extend(begun_since.filter(new).collect::<Vec<_>>());
    let mut farewell = Farewell::default();
    if is_over {
        for job in &jobs {
            job.cancel();
        }
        let unwinding = async {
            for job in &jobs {
                job.wait().await;
            }
        };
        let _ = tokio::time::timeout(UNWINDING, unwinding).await;
        let running = tasks.iter().filter(|task| !task.is_finished());
        farewell.rolled_back.extend(running.map(|task| {
            task.abort();
            "what the schedule began".to_owned()
        }));
        farewell.cut_off = jobs.is_empty() && farewell.rolled_back.is_empty();
    }
    app.step_down().await;
    let mirrors = app.wait_for_mirrors(asked, patience).await;
    farewell.left.extend(mirrors.into_iter().map(|mirror| format!("copies to {mirror}")));
    for job in &jobs {
        let named = job.named();
        if !job.has_ended() {
            farewell.left.push(named);
        } else if job.was_cancelled() {
            farewell.rolled_back.push(named);
        } else {
            farewell.finished.push(named);
        }
    }
    farewell
}
