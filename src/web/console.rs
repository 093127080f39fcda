//! What a handler works with: the snapshots, the links, and the form of answer that was asked for.
//!
//! A handler takes facts from [`Console::blocking`] and hands them to [`Console::answer`], which
//! alone decides between page, fragment and JSON: the three never tell different facts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use maud::{Markup, html};
use poem::http::{HeaderMap, StatusCode, header};
use poem::{Body, FromRequest, Request, RequestBody, Response};
use serde::Serialize;

use super::access::{Gate, Who};
use super::compressed::Compressed;
use super::jobs::{self, Jobs, UnderWay};
use super::links::Links;
use super::live::{Listeners, Live};
use super::metrics::Requests;
use super::ready::Readiness;
use super::{layout, list};
use crate::error::{Error, Result};
use crate::many::{Databases, Name};
use crate::memo::Memo;
use crate::snapshot::{Now, Snapshots, whole_second};

/// Who is named in the history for what the console does when it asks nobody who they are.
pub(crate) const BY: &str = "console";

/// What every request shares, whichever database it is about.
pub(crate) struct Site {
    pub(crate) options: super::Options,
    pub(crate) gate: Gate,
    pub(crate) listeners: Listeners,
    pub(crate) requests: Requests,
    pub(crate) under_way: UnderWay,
    /// Those to choose from, where there are several.
    pub(crate) databases: Option<Databases>,
    pub(crate) compressed: Compressed,
}

impl Site {
    fn new(options: super::Options, databases: Option<Databases>) -> Arc<Self> {
        let gate = Gate::new(options.access.clone());
        let listeners = Listeners::new(options.connections);
        Arc::new(Self {
            options,
            gate,
            listeners,
            requests: Requests::default(),
            under_way: UnderWay::default(),
            databases,
            compressed: Compressed::default(),
        })
    }
}

/// What every request to one place of the console shares: to the one database that it serves, to
/// one of several, or to the overview over those.
pub(crate) struct App {
    pub(crate) site: Arc<Site>,
    pub(crate) links: Links,
    /// `None` at the overview.
    pub(crate) snapshots: Option<Snapshots>,
    pub(crate) desk: Arc<Desk>,
}

impl App {
    /// The only database that is served.
    pub(crate) fn only(snapshots: Snapshots, options: super::Options) -> Arc<Self> {
        let links = Links::new(&options.mount);
        let (site, desk) = (Site::new(options, None), Arc::default());
        snapshots.watch();
        // What an earlier run of the program did not get done.
        snapshots.catch_up();
        Arc::new(Self { site, links, snapshots: Some(snapshots), desk })
    }

    /// The overview over several databases.
    pub(crate) fn overview(databases: Databases, options: super::Options) -> Arc<Self> {
        let links = Links::new(&options.mount).of_overview();
        let (site, desk) = (Site::new(options, Some(databases)), Arc::default());
        Arc::new(Self { site, links, snapshots: None, desk })
    }

    /// One of several databases, beside the overview over them.
    pub(crate) fn beside(&self, name: &Name, snapshots: Snapshots, desk: Arc<Desk>) -> Arc<Self> {
        let (site, links) = (self.site.clone(), self.links.of_database(name));
        snapshots.watch();
        Arc::new(Self { site, links, snapshots: Some(snapshots), desk })
    }

    /// Gives hooks under way so much time to end.
    pub(crate) fn end_hooks_within(&self, time: Duration) {
        if let Some(snapshots) = &self.snapshots {
            snapshots.end_hooks_within(time);
        }
        if let Some(databases) = &self.site.databases {
            databases.end_hooks_within(time);
        }
    }

    /// Leaves it to other consoles to take what schedules say.
    pub(crate) async fn step_down(&self) {
        let (snapshots, databases) = (self.snapshots.clone(), self.site.databases.clone());
        let step_down = tokio::task::spawn_blocking(move || {
            snapshots.iter().for_each(Snapshots::step_down);
            databases.iter().for_each(Databases::step_down);
        });
        // One that panicked has said so.
        let _ = step_down.await;
    }

    /// Waits until every mirror has every snapshot, for `patience` at most since a moment; the answer
    /// is which had not.
    pub(crate) async fn wait_for_mirrors(&self, since: Instant, patience: Duration) -> Vec<String> {
        let mut mirrors: Vec<_> = self.snapshots.iter().filter_map(Snapshots::mirror).collect();
        mirrors.extend(self.site.databases.iter().flat_map(Databases::mirrors));
        let wait = tokio::task::spawn_blocking(move || {
            let lacking = mirrors.iter().filter(|mirror| !mirror.wait(since, patience));
            lacking.map(|mirror| mirror.location().to_owned()).collect()
        });
        wait.await.unwrap_or_default()
    }

    pub(crate) fn jobs(&self) -> &Arc<Jobs> {
        &self.desk.jobs
    }

    pub(crate) fn live(&self) -> &Live {
        &self.desk.live
    }
}

/// What a place has besides its database, and keeps while that is closed: work under way or ended,
/// and the pages that listen.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) live: Live,
    pub(crate) readiness: Readiness,
    /// The list's page as it was made last.
    pub(crate) page: Memo<list::Shown, Bytes>,
}

impl Desk {
    /// Whether there is work under way, or work whose outcome nobody knows.
    pub(crate) fn has_news(&self) -> bool {
        Arc::strong_count(&self.jobs) > 1 || !self.jobs.shown().is_empty()
    }
}

/// The form of answer that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A whole page, for a browser.
    Page,
    /// The part of a page that htmx swaps in.
    Fragment,
    /// JSON, for a program.
    Json,
}

impl Wanted {
    /// What these headers ask for.
    pub(crate) fn by(headers: &HeaderMap) -> Self {
        let says = |name: &str| headers.get(name).is_some_and(|value| value == "true");
        let accept: Vec<&str> = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        if prefers_json(&accept.join(",")) {
            Self::Json
        } else if says("HX-Request") && !says("HX-History-Restore-Request") {
            Self::Fragment
        } else {
            Self::Page
        }
    }
}

/// Whether an Accept header puts JSON before HTML. A tie, as `*/*` alone is, means HTML.
fn prefers_json(accept: &str) -> bool {
    weight(accept, "application/json") > weight(accept, "text/html")
}

/// The weight in thousandths that an Accept header gives a type, by the most specific range.
fn weight(accept: &str, wanted: &str) -> u16 {
    let family = wanted.split('/').next().unwrap_or_default();
    let mut best = (0, 0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let specific = match name.split_once('/') {
            _ if name == wanted => 3,
            Some((range, "*")) if range == family => 2,
            Some(("*", "*")) => 1,
            _ => continue,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |text| {
            text.trim().parse::<f32>().ok().filter(|quality| (0.0..=1.0).contains(quality))
        });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 1000, checked above"
        )]
        let quality = quality.map_or(0, |quality| (quality * 1000.0) as u16);
        best = best.max((specific, quality));
    }
    best.1
}

/// The id of the element that htmx puts the answer into: it names the element's tag before it.
fn target(headers: &HeaderMap) -> Option<String> {
    let element = headers.get("HX-Target")?.to_str().ok()?;
    element.split_once('#').map(|(_, id)| id.to_owned())
}

/// One request's view of the application.
#[derive(Clone)]
pub(crate) struct Console {
    app: Arc<App>,
    wanted: Wanted,
    flash: Option<String>,
    target: Option<String>,
    who: Option<Who>,
}

impl Console {
    pub(crate) fn new(app: Arc<App>, request: &Request) -> Self {
        Self {
            app,
            wanted: Wanted::by(request.headers()),
            flash: super::flash::read(request.headers()),
            target: target(request.headers()),
            who: request.data::<Who>().cloned(),
        }
    }

    pub(crate) fn links(&self) -> &Links {
        &self.app.links
    }

    pub(crate) fn options(&self) -> &super::Options {
        &self.app.site.options
    }

    /// The database's snapshots; an error at the overview.
    pub(crate) fn snapshots(&self) -> Result<&Snapshots> {
        self.app.snapshots.as_ref().ok_or_else(|| {
            Error::not_found("no database is chosen").hint("open the overview and choose one")
        })
    }

    /// The databases to choose from; an error where there is but one.
    pub(crate) fn databases(&self) -> Result<&Databases> {
        self.app.site.databases.as_ref().ok_or_else(|| {
            Error::not_found("only one database is served here").hint("open its list of snapshots")
        })
    }

    /// The list's page as it was made last.
    pub(crate) fn last_page(&self) -> &Memo<list::Shown, Bytes> {
        &self.app.desk.page
    }

    pub(crate) fn jobs(&self) -> &Arc<Jobs> {
        self.app.jobs()
    }

    /// The work of every database.
    pub(crate) fn all_work(&self) -> &UnderWay {
        &self.app.site.under_way
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.app.site.gate
    }

    pub(crate) fn requests(&self) -> &Requests {
        &self.app.site.requests
    }

    pub(crate) fn readiness(&self) -> &Readiness {
        &self.app.desk.readiness
    }

    /// Who sent the request; `None` when that is not known, and so nothing may be told.
    pub(crate) fn who(&self) -> Option<&Who> {
        self.who.as_ref()
    }

    /// The name in the history for what this request does.
    pub(crate) fn by(&self) -> String {
        self.who().map_or(BY, Who::name).to_owned()
    }

    /// Whether the values of some columns are hidden.
    pub(crate) fn redacts(&self) -> bool {
        self.app.snapshots.as_ref().is_some_and(Snapshots::redacts)
    }

    pub(crate) fn wanted(&self) -> Wanted {
        self.wanted
    }

    /// Whether htmx asks for something to put into the element of this id.
    pub(crate) fn is_for(&self, id: &str) -> bool {
        self.target.as_deref() == Some(id)
    }

    /// The action whose outcome the page before announced, if it did.
    pub(crate) fn flash(&self) -> Option<&str> {
        self.flash.as_deref()
    }

    /// Runs blocking work on a thread where it may block.
    ///
    /// Work that has begun goes on to its end even when the client goes away and this future is
    /// dropped: its outcome is in the history then.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Snapshots) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        blocking(self.snapshots()?, work).await
    }

    /// Answers with facts: as JSON, or as one markup that is the fragment and the page's content.
    pub(crate) async fn answer(
        &self,
        facts: &impl Serialize,
        title: &str,
        markup: impl FnOnce() -> Markup,
    ) -> Result<Response> {
        self.answer_as(StatusCode::OK, facts, title, markup).await
    }

    /// As [`Console::answer`], with another status.
    pub(crate) async fn answer_as(
        &self,
        status: StatusCode,
        facts: &impl Serialize,
        title: &str,
        markup: impl FnOnce() -> Markup,
    ) -> Result<Response> {
        match self.wanted {
            Wanted::Json => json(status, facts),
            Wanted::Fragment => Ok(html_with(status, markup())),
            Wanted::Page => Ok(self.screen(status, title, &markup()).await),
        }
    }

    /// A page with a title above its content, and the places that htmx swaps results into.
    pub(crate) async fn screen(
        &self,
        status: StatusCode,
        title: &str,
        content: &Markup,
    ) -> Response {
        // A stranger is not even told the name of the database.
        let now = match self.who {
            Some(_) => self.blocking(Snapshots::now).await.ok(),
            None => None,
        };
        let content = html! {
            h1 { (title) }
            div #tool {}
            div #result {}
            (content)
        };
        let now = now.as_ref().map(|now| (now, present()));
        html_with(status, self.page(title, now, &self.under_way(), &content))
    }

    /// The work under way, as every page shows it.
    pub(crate) fn under_way(&self) -> Markup {
        // A stranger is not told of it.
        let shown = if self.who.is_some() { self.app.jobs().shown() } else { Vec::new() };
        jobs::screen::articles(self.links(), &shown, None)
    }

    /// A page whose content has everything, its heading too.
    pub(crate) fn page(
        &self,
        title: &str,
        now: Option<(&Now, Timestamp)>,
        under_way: &Markup,
        content: &Markup,
    ) -> Markup {
        layout::page(self.links(), self.who(), title, now, under_way, content)
    }

    /// Answers a form that changed something: 303 to the list for a browser without JavaScript,
    /// which then tells the outcome of `action`; the fragment or JSON for the others.
    pub(crate) fn done(
        &self,
        action: crate::snapshot::Action,
        status: StatusCode,
        facts: &impl Serialize,
        fragment: impl FnOnce() -> Markup,
    ) -> Result<Response> {
        match self.wanted {
            Wanted::Json => json(status, facts),
            Wanted::Fragment => Ok(html_with(StatusCode::OK, fragment())),
            Wanted::Page => {
                let mut response = redirect(&self.links().list());
                super::flash::leave(&mut response, self.links(), action);
                Ok(response)
            }
        }
    }
}

impl<'a> FromRequest<'a> for Console {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let app = request.data::<Arc<App>>().cloned().ok_or_else(|| {
            Error::failed("the console was asked outside its own routes")
                .hint("mount it with snapback::web::routes")
        })?;
        Ok(Self::new(app, request))
    }
}

/// Runs blocking work on a thread where it may block. What has begun goes on to its end.
pub(crate) async fn blocking<S: Clone + Send + 'static, T: Send + 'static>(
    subject: &S,
    work: impl FnOnce(&S) -> Result<T> + Send + 'static,
) -> Result<T> {
    let subject = subject.clone();
    match tokio::task::spawn_blocking(move || work(&subject)).await {
        Ok(outcome) => outcome,
        Err(ended) => {
            // What a panic says may hold what rows hold: it goes no further than the log.
            tracing::error!(%ended, "work for the console ended before its time");
            Err(Error::failed("the work ended before its time")
                .hint("look into the log, then try again"))
        }
    }
}

/// Sends a browser on to another address, to be read there.
pub(crate) fn redirect(address: &str) -> Response {
    Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, address).finish()
}

/// The present to the second, for relative dates.
pub(crate) fn present() -> Timestamp {
    whole_second(Timestamp::now())
}

/// JSON of facts.
pub(crate) fn json(status: StatusCode, facts: &impl Serialize) -> Result<Response> {
    let body = serde_json::to_vec(facts)
        .map_err(|error| Error::failed("the answer cannot be written as JSON").because(error))?;
    Ok(Response::builder().status(status).content_type("application/json").body(body))
}

/// HTML with a status.
pub(crate) fn html_with(status: StatusCode, markup: Markup) -> Response {
    html_text(status, markup.into_string())
}

/// HTML that is text already.
pub(crate) fn html_text(status: StatusCode, text: impl Into<Body>) -> Response {
    Response::builder().status(status).content_type("text/html; charset=utf-8").body(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(headers: &[(&'static str, &str)]) -> Wanted {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a header value"));
        }
        Wanted::by(&map)
    }

    #[test]
    fn a_browser_gets_a_page_htmx_a_fragment_and_a_program_json() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert_eq!(wanted(&[("accept", browser)]), Wanted::Page);
        assert_eq!(wanted(&[]), Wanted::Page);
        assert_eq!(wanted(&[("accept", "*/*")]), Wanted::Page);
        assert_eq!(wanted(&[("accept", "application/json")]), Wanted::Json);
        assert_eq!(wanted(&[("accept", "text/html;q=0.4, application/json;q=0.5")]), Wanted::Json);
        assert_eq!(wanted(&[("accept", "application/json;q=0, */*")]), Wanted::Page);
        assert_eq!(wanted(&[("accept", "application/*, text/html;q=0.9")]), Wanted::Json);
        assert_eq!(wanted(&[("hx-request", "true"), ("accept", "text/html")]), Wanted::Fragment);
    }

    #[test]
    fn a_history_restore_gets_the_whole_page() {
        let headers = [("hx-request", "true"), ("hx-history-restore-request", "true")];
        assert_eq!(wanted(&headers), Wanted::Page);
    }
}
