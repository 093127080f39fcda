//! Work under way as it is seen: its progress, its end, and the button that cancels it.

use std::sync::Arc;

use maud::{Markup, html};
use poem::http::{HeaderValue, StatusCode};
use poem::web::Path;
use poem::{Response, handler};
use serde::Serialize;

use super::super::console::{Console, Wanted, html_with, redirect};
use super::super::format::{count, number, span};
use super::super::links::Links;
use super::super::{dom, error, layout};
use super::Job;
use crate::error::Error;
use crate::snapshot::{Action, SnapshotRef};

/// A job in numbers.
#[derive(Serialize)]
struct Facts {
    id: String,
    action: Action,
    snapshot: Option<SnapshotRef>,
    /// Rows so far.
    done: u64,
    /// Rows in all, as far as that is known.
    expected: Option<u64>,
    #[serde(skip)]
    counts: (&'static str, &'static str),
    rows_per_second: Option<u64>,
    seconds_left: Option<u64>,
    /// Whether it was asked to end early, and will.
    cancelling: bool,
    ended: bool,
}

impl Facts {
    fn of(job: &Job) -> Self {
        let (done, expected) = (job.progress.done(), job.progress.expected());
        let millis = u64::try_from(job.started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let rows_per_second = (done > 0).then(|| done.saturating_mul(1000) / millis);
        let left = expected.saturating_sub(done);
        let seconds_left =
            rows_per_second.filter(|rate| *rate > 0 && left > 0).map(|rate| left.div_ceil(rate));
        Self {
            id: job.id.clone(),
            action: job.action,
            snapshot: job.snapshot.clone(),
            done,
            expected: (expected > 0).then_some(expected),
            counts: job.counts,
            rows_per_second,
            seconds_left,
            cancelling: job.cancelled.get().copied().unwrap_or(false),
            ended: job.has_ended(),
        }
    }

    /// Rows, rate and time left, as far as they are known.
    fn said(&self) -> String {
        let (one, many) = self.counts;
        let rows = match self.expected {
            Some(expected) if self.done <= expected => {
                format!("{} of {} {many}", number(self.done), number(expected))
            }
            _ => count(self.done, one, many),
        };
        let rate = self.rows_per_second.filter(|rate| *rate > 0);
        let rate = rate.map(|rate| format!(" · {} {many}/s", number(rate)));
        let left = self.seconds_left.and_then(|left| i64::try_from(left).ok());
        let left = left.map(|left| format!(" · {} left", span(left)));
        rows + rate.unwrap_or_default().as_str() + left.unwrap_or_default().as_str()
    }
}

#[derive(Serialize)]
struct UnderWay {
    jobs: Vec<Facts>,
}

/// What is under way.
#[handler]
pub(crate) async fn list(console: Console) -> poem::Result<Response> {
    Ok(under_way(&console).await?)
}

async fn under_way(console: &Console) -> crate::Result<Response> {
    let shown = console.jobs().shown();
    let jobs: Vec<Facts> = shown.iter().map(|job| Facts::of(job)).collect();
    let none = jobs.is_empty();
    let markup = || {
        if console.wanted() == Wanted::Fragment {
            return articles(console.links(), &shown, None);
        }
        // Every page has the work itself above its heading.
        html! {
            @if none {
                p {
                    "Nothing is under way."
                    @if !console.links().is_overview() {
                        " " a href=(console.links().history()) { "History" } " tells what was done."
                    }
                }
            } @else {
                p { a href=(console.links().jobs()) { "Look again" } }
            }
        }
    };
    console.answer(&UnderWay { jobs }, "Under way", markup).await
}

/// One piece of work: its progress, or what came of it.
#[handler]
pub(crate) async fn show(console: Console, Path(id): Path<String>) -> poem::Result<Response> {
    let job = console.jobs().find(&id)?;
    let links = console.links();
    if !job.has_ended() {
        if console.wanted() == Wanted::Page {
            return Ok(under_way(&console).await?);
        }
        return Ok(console.answer(&Facts::of(&job), "", || article(links, &job, false)).await?);
    }
    let mut response = job.answer(&console).await?;
    if console.wanted() == Wanted::Fragment {
        // The outcome has its usual place; what showed the progress goes.
        let target = dom::selector(&element(&id));
        let gone = layout::partial(&target, "delete", &html! { span {} });
        let body = response.take_body().into_string().await.unwrap_or_default();
        response.set_body(body + gone.into_string().as_str());
        let headers = response.headers_mut();
        headers.insert("HX-Retarget", HeaderValue::from_static("#result"));
        headers.insert("HX-Reswap", HeaderValue::from_static("innerHTML"));
    }
    Ok(response)
}

/// Asks work to end with nothing changed.
#[handler]
pub(crate) async fn cancel(console: Console, Path(id): Path<String>) -> poem::Result<Response> {
    let job = console.jobs().find(&id)?;
    let late = if job.has_ended() {
        Some("it has ended already")
    } else if job.cancel() {
        None
    } else {
        Some(TOO_LATE)
    };
    if let Some(what) = late.filter(|_| console.wanted() != Wanted::Fragment || job.has_ended()) {
        let error = Error::conflict(format!("the work cannot be cancelled: {what}"))
            .on(doing(&job))
            .hint("wait for its outcome; a restore can be undone");
        return Ok(error::offering(&console, &error, &html! {}).await);
    }
    let links = console.links();
    if console.wanted() == Wanted::Page {
        return Ok(redirect(&links.jobs()));
    }
    let status = if late.is_some() { StatusCode::CONFLICT } else { StatusCode::ACCEPTED };
    let markup = || article(links, &job, false);
    Ok(console.answer_as(status, &Facts::of(&job), "", markup).await?)
}

const TOO_LATE: &str = "what it changes is being written, and it runs to its end";

/// The answer to a form whose work goes on: the form goes, and the work is shown above.
pub(super) fn begun(console: &Console, job: &Arc<Job>, form: Option<&str>) -> Response {
    let shown = articles(console.links(), &console.jobs().shown(), Some(job));
    let content = html! {
        @if let Some(form) = form { (layout::partial(form, "innerHTML", &html! {})) }
        (layout::partial("#jobs", "innerMorph", &shown))
    };
    html_with(StatusCode::ACCEPTED, content)
}

/// Work for the place that every page has for it; that of `focus` takes the focus.
pub(crate) fn articles(links: &Links, jobs: &[Arc<Job>], focus: Option<&Arc<Job>>) -> Markup {
    html! {
        @for job in jobs { (article(links, job, focus.is_some_and(|focus| focus.id == job.id))) }
    }
}

fn element(id: &str) -> String {
    format!("job-{id}")
}

fn article(links: &Links, job: &Job, focus: bool) -> Markup {
    let (id, address) = (element(&job.id), links.job(&job.id));
    let (facts, doing) = (Facts::of(job), doing(job));
    let title = format!("{id}-title");
    let stop = format!("{address}/cancel");
    // The browser shows an end of its own when no rows are expected.
    let (of, value) = (facts.expected, facts.done.min(facts.expected.unwrap_or_default()));
    html! {
        article.job.card id=(id)
            hx-get=(address) hx-trigger=(if facts.ended { "load" } else { "every 500ms" })
            hx-target="this" hx-swap="outerMorph"
            data-status=(format!("{doing} is under way"))
        {
            h2 id=(title) tabindex="-1" data-focus[focus] { (doing) }
            @if job.cancelled.get().is_none() && !facts.ended {
                form method="post" action=(stop) hx-post=(stop)
                    hx-target=(dom::selector(&id)) hx-swap="outerMorph"
                { button id=(format!("{id}-cancel")) type="submit" { "Cancel" } }
            }
            progress aria-labelledby=(title) max=[of] value=[of.map(|_| value)] {}
            p {
                (facts.said())
                @if facts.ended { " · " a href=(address) { "See what came of it" } }
                @match job.cancelled.get() {
                    Some(true) => { " · cancelling" }
                    Some(false) => {
                        " · " span data-alert=(format!("Too late to cancel: {TOO_LATE}")) { "too late to cancel: " (TOO_LATE) }
                    }
                    None => {}
                }
            }
        }
    }
}

/// What a job does, in words: `Verifying periodic/20261122T200446Z`.
fn doing(job: &Job) -> String {
    if let Some(doing) = job.doing {
        return doing.to_owned();
    }
    let verb = match job.action {
        Action::Take => "Taking a snapshot",
        Action::Restore => "Restoring",
        Action::Label => "Labelling",
        Action::Delete => "Deleting",
        Action::Prune => "Pruning",
        Action::Import => "Importing a snapshot",
        Action::Verify => "Verifying",
        Action::Repair => "Repairing",
        Action::Export => "Exporting",
        Action::Copy => "Copying",
        Action::Hook => "Running a hook",
    };
    match &job.snapshot {
        Some(snapshot) => format!("{verb} {snapshot}"),
        None => verb.to_owned(),
    }
}
