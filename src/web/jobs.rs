//! Long work: started by a request, and not tied to it.
//!
//! A job runs on a thread where it may block, and ends with or without somebody who waits for it.
//! Its outcome stays here until it was told to somebody, so it outlives a closed tab.

pub(crate) mod screen;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use maud::{Markup, html};
use poem::Response;
use tokio::sync::watch;

use super::console::{Console, Wanted, blocking};
use super::{error, list};
use crate::error::{Error, ErrorKind, Result};
use crate::snapshot::{Action, Progress, SnapshotRef, Snapshots};

/// How many jobs that ended are remembered.
const REMEMBERED: usize = 32;

/// What work is done on. Cheap to clone.
pub(crate) trait Watched: Clone + Send + Sync + 'static {
    /// The same, with work on it reporting to `progress`.
    fn watched(&self, progress: Progress) -> Self;
}

impl Watched for Snapshots {
    fn watched(&self, progress: Progress) -> Self {
        Self::watched(self, progress)
    }
}

/// What can take long: what it does, and how its outcome is told.
pub(crate) trait Work<On: Watched = Snapshots>: Send + Sync + 'static {
    /// What comes of it.
    type Done: Send + Sync + 'static;

    /// What is done, and to which snapshot.
    fn named(&self) -> (Action, Option<SnapshotRef>);

    /// What is done, in words, where the action and the snapshot do not say it.
    fn doing(&self) -> Option<&'static str> {
        None
    }

    /// What its progress counts: one, and many.
    fn counts(&self) -> (&'static str, &'static str) {
        ("row", "rows")
    }

    /// Does it. Blocks.
    fn run(&mut self, on: &On) -> Result<Self::Done>;

    /// Answers with what came of it, in the form that was asked for.
    fn tell(&self, done: &Self::Done, telling: &Telling<'_>) -> Result<Response>;

    /// What an error offers below its words.
    fn offers(&self, _console: &Console, _failure: &Error) -> Markup {
        html! {}
    }

    /// A selector for the form that it was started with, which goes once progress is shown.
    fn form(&self) -> Option<String> {
        None
    }
}

/// What an outcome is told with.
pub(crate) struct Telling<'a> {
    pub(crate) console: &'a Console,
    /// The job's address.
    pub(crate) address: String,
    /// The list as it is now, for a fragment. What was done is done: `None` when it cannot be read.
    pub(crate) listed: Option<list::Listed>,
}

/// A job's outcome, whatever its work was.
trait Outcome: Send + Sync {
    fn failure(&self) -> Option<&Error>;
    fn offers(&self, console: &Console) -> Markup;
    fn tell(&self, telling: &Telling<'_>) -> Result<Response>;
}

struct Ended<On: Watched, W: Work<On>> {
    work: W,
    outcome: Result<W::Done>,
}

impl<On: Watched, W: Work<On>> Outcome for Ended<On, W> {
    fn failure(&self) -> Option<&Error> {
        self.outcome.as_ref().err()
    }

    fn offers(&self, console: &Console) -> Markup {
        self.failure().map(|failure| self.work.offers(console, failure)).unwrap_or_default()
    }

    fn tell(&self, telling: &Telling<'_>) -> Result<Response> {
        match &self.outcome {
            Ok(done) => self.work.tell(done, telling),
            Err(_) => Ok(Response::default()),
        }
    }
}

/// Work that ended without an outcome.
struct Lost(Error);

impl Outcome for Lost {
    fn failure(&self) -> Option<&Error> {
        Some(&self.0)
    }

    fn offers(&self, _: &Console) -> Markup {
        html! {}
    }

    fn tell(&self, _: &Telling<'_>) -> Result<Response> {
        Ok(Response::default())
    }
}

/// One piece of work, under way or ended.
pub(crate) struct Job {
    id: String,
    action: Action,
    snapshot: Option<SnapshotRef>,
    doing: Option<&'static str>,
    counts: (&'static str, &'static str),
    started: Instant,
    progress: Progress,
    /// Whether it was asked to end early, and whether it was too late for that.
    cancelled: OnceLock<bool>,
    /// Whether it is old enough to be shown on every page.
    shown: AtomicBool,
    /// Whether somebody was answered with the outcome.
    told: AtomicBool,
    outcome: OnceLock<Box<dyn Outcome>>,
    ended: watch::Sender<bool>,
}

impl Job {
    pub(super) fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }

    pub(super) async fn wait(&self) {
        // The sender is part of the job, so it is there as long as anybody waits.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// Asks it to end with nothing changed. `false` when it is too late for that.
    pub(super) fn cancel(&self) -> bool {
        *self.cancelled.get_or_init(|| self.progress.cancel())
    }

    /// Whether it has ended early, with nothing changed.
    pub(super) fn was_cancelled(&self) -> bool {
        let failure = self.outcome.get().and_then(|outcome| outcome.failure());
        failure.is_some_and(|failure| failure.kind() == ErrorKind::Cancelled)
    }

    /// What it does, and to which snapshot.
    pub(super) fn named(&self) -> String {
        let snapshot = self.snapshot.as_ref().map(|snapshot| format!(" {snapshot}"));
        format!("{}{}", self.action, snapshot.unwrap_or_default())
    }

    /// Answers with the outcome, in the form that is asked for.
    async fn answer(&self, console: &Console) -> Result<Response> {
        let Some(outcome) = self.outcome.get() else {
            return Err(Error::failed("the work has no outcome").on(&self.id));
        };
        let response = if let Some(failure) = outcome.failure() {
            error::offering(console, failure, &outcome.offers(console)).await
        } else {
            let listed = match console.wanted() {
                Wanted::Fragment => console.blocking(list::read).await.ok(),
                _ => None,
            };
            outcome.tell(&Telling { console, address: console.links().job(&self.id), listed })?
        };
        self.told.store(true, Ordering::Relaxed);
        console.jobs().say();
        Ok(response)
    }
}

/// Everything that is under way, whichever database it is about.
#[derive(Default)]
pub(crate) struct UnderWay(Mutex<Vec<Arc<Job>>>);

impl UnderWay {
    fn add(&self, job: Arc<Job>) {
        let mut jobs = self.jobs();
        jobs.retain(|job| !job.has_ended());
        jobs.push(job);
    }

    /// What has not ended yet.
    pub(crate) fn read(&self) -> Vec<Arc<Job>> {
        self.jobs().iter().filter(|job| !job.has_ended()).cloned().collect()
    }

    fn jobs(&self) -> MutexGuard<'_, Vec<Arc<Job>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The jobs of one console: those under way, and the last that ended.
pub(crate) struct Jobs {
    /// Names of jobs start with this, so that those of two runs of the program differ.
    run: i64,
    registered: Mutex<Registered>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Registered {
    begun: u64,
    jobs: VecDeque<Arc<Job>>,
}

impl Default for Jobs {
    fn default() -> Self {
        Self {
            run: Timestamp::now().as_millisecond(),
            registered: Mutex::default(),
            changed: watch::Sender::default(),
        }
    }
}

impl Jobs {
    /// Changes whenever there is another job to show, or one less.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The jobs that every page shows: under way, or ended and nobody knows.
    pub(crate) fn shown(&self) -> Vec<Arc<Job>> {
        let shown = |job: &&Arc<Job>| {
            job.shown.load(Ordering::Relaxed) && !job.told.load(Ordering::Relaxed)
        };
        self.registered().jobs.iter().filter(shown).cloned().collect()
    }

    /// Their names.
    pub(crate) fn names(&self) -> Vec<String> {
        self.shown().iter().map(|job| job.id.clone()).collect()
    }

    fn find(&self, id: &str) -> Result<Arc<Job>> {
        let found = self.registered().jobs.iter().find(|job| job.id == id).cloned();
        found.ok_or_else(|| {
            Error::not_found("there is no such work under way")
                .on(id.escape_debug())
                .hint("look in History for what came of it")
        })
    }

    fn registered(&self) -> MutexGuard<'_, Registered> {
        self.registered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self) {
        self.changed.send_replace(());
    }

    /// Starts work. It goes on whatever becomes of the request, and after a grace every page tells of
    /// it.
    fn start<On: Watched, W: Work<On>>(
        self: &Arc<Self>,
        on: &On,
        mut work: W,
        grace: Duration,
    ) -> Arc<Job> {
        let (action, snapshot) = work.named();
        let (doing, counts) = (work.doing(), work.counts());
        let job = Arc::new(Job {
            id: self.name(),
            action,
            snapshot,
            doing,
            counts,
            started: Instant::now(),
            progress: Progress::default(),
            cancelled: OnceLock::new(),
            shown: AtomicBool::default(),
            told: AtomicBool::default(),
            outcome: OnceLock::new(),
            ended: watch::Sender::new(false),
        });
        self.register(job.clone());
        let watched = on.watched(job.progress.clone());
        let (jobs, under_way) = (self.clone(), job.clone());
        tokio::spawn(async move {
            let ended = blocking(&watched, move |on: &On| {
                let outcome = work.run(on);
                Ok(Ended { work, outcome })
            });
            let ended = ended.await;
            let outcome: Box<dyn Outcome> = match ended {
                Ok(ended) => Box::new(ended),
                Err(error) => Box::new(Lost(error)),
            };
            if let Some(error) = outcome.failure() {
                tracing::warn!(%error, action = action.name(), "work for the console failed");
            }
            let _ = under_way.outcome.set(outcome);
            under_way.ended.send_replace(true);
            jobs.say();
        });
        let (jobs, begun) = (self.clone(), job.clone());
        tokio::spawn(async move {
            tokio::time::sleep(grace).await;
            begun.shown.store(true, Ordering::Relaxed);
            jobs.say();
        });
        job
    }

    fn name(&self) -> String {
        let mut registered = self.registered();
        registered.begun += 1;
        format!("{:x}-{}", self.run, registered.begun)
    }

    fn register(&self, job: Arc<Job>) {
        let mut registered = self.registered();
        registered.jobs.push_back(job);
        while registered.jobs.len() > REMEMBERED {
            let Some(oldest) = registered.jobs.iter().position(|job| job.has_ended()) else {
                break;
            };
            registered.jobs.remove(oldest);
        }
    }
}

/// Does `work` on the database's snapshots as a job, and answers with its outcome; htmx is answered
/// with the progress instead when that takes longer than a moment.
pub(crate) async fn run(console: &Console, work: impl Work) -> Result<Response> {
    run_on(console, console.snapshots()?, work).await
}

/// The same on something else.
pub(crate) async fn run_on<On: Watched>(
    console: &Console,
    on: &On,
    work: impl Work<On>,
) -> Result<Response> {
    let (form, grace) = (work.form(), console.options().grace);
    let job = console.jobs().start(on, work, grace);
    console.all_work().add(job.clone());
    if console.wanted() == Wanted::Fragment {
        if tokio::time::timeout(grace, job.wait()).await.is_err() {
            job.shown.store(true, Ordering::Relaxed);
            return Ok(screen::begun(console, &job, form.as_deref()));
        }
    } else {
        job.wait().await;
    }
    job.answer(console).await
}

/// Does `work` as a job to its end, and answers with the address of its outcome.
pub(crate) async fn wait<On: Watched>(console: &Console, on: &On, work: impl Work<On>) -> String {
    let job = console.jobs().start(on, work, console.options().grace);
    job.wait().await;
    console.links().job(&job.id)
}
