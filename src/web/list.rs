//! The list of snapshots: the page that everything else opens in.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use maud::{Markup, html};
use poem::http::StatusCode;
use poem::{Response, handler};

use super::access::Who;
use super::console::{Console, Wanted, html_text, present, redirect};
use super::fields::Fields;
use super::filter::Filter;
use super::format::{count, number};
use super::links::Links;
use super::{flash, history, layout, live, row, timeline};
use crate::error::{Error, Result};
use crate::memo::Same;
use crate::snapshot::{Activity, Entry, List, Now, Occurrence, SnapshotRef, Snapshots};

/// How many lines of the history are searched for the outcome that a redirect announced.
const RECENT: usize = 20;

/// How many rows come at once. More are a scroll away.
const PAGE: usize = 100;

/// All that the page shows.
pub(crate) struct Listed {
    pub(crate) list: Arc<List>,
    pub(crate) now: Now,
    pub(crate) activity: Option<Activity>,
    /// The present, to the second.
    pub(crate) present: Timestamp,
    /// When the list was asked for, by [`live::moment`].
    pub(crate) asked_at: i64,
}

/// What a page of the whole list is made of: where all this is the same, so is the page. When the
/// list was asked for is not among it: the very same list has been right all the time since.
#[derive(PartialEq)]
pub(crate) struct Shown {
    list: Same<List>,
    now: Now,
    activity: Option<Activity>,
    present: Timestamp,
    in_session: bool,
}

impl Listed {
    fn shown_to(&self, who: &Who) -> Shown {
        Shown {
            list: Same(Arc::clone(&self.list)),
            now: self.now.clone(),
            activity: self.activity.clone(),
            present: self.present,
            in_session: matches!(who, Who::Session(_)),
        }
    }
}

/// Reads what the page shows.
pub(crate) fn read(snapshots: &Snapshots) -> Result<Listed> {
    let (present, asked_at) = (present(), live::moment());
    let list = snapshots.listed()?;
    let activity = timeline::activity(snapshots, &list, present)?;
    Ok(Listed { list, now: snapshots.now()?, activity, present, asked_at })
}

/// Leads to the list.
#[expect(clippy::needless_pass_by_value, reason = "what a handler extracts is its own")]
#[handler]
pub(crate) fn home(console: Console) -> Response {
    redirect(&console.links().list())
}

#[handler]
pub(crate) async fn show(console: Console, fields: Fields) -> poem::Result<Response> {
    let filter = Filter::new(fields.one("q")?.unwrap_or_default());
    let after: Option<SnapshotRef> = fields.read("after")?;
    if console.wanted() != Wanted::Page {
        let (all, now) = (console.blocking(Snapshots::listed).await?, present());
        let list = narrowed(&all, &filter, now);
        let part = Part { list: &list, total: all.snapshots.len(), filter: &filter, now };
        let markup = || part.answer(console.links(), after.as_ref());
        return Ok(console.answer(&*list, "Snapshots", markup).await?);
    }
    let announced = console.flash().map(str::to_owned);
    let (listed, outcome) = console
        .blocking(move |snapshots| {
            let outcome = match announced {
                Some(word) => newest(snapshots.history(RECENT)?, &word),
                None => None,
            };
            Ok((read(snapshots)?, outcome))
        })
        .await?;
    let links = console.links();
    let under_way = console.under_way();
    // The page that most ask for, most of the time; all that it depends on is in the key.
    let usual =
        filter.typed().is_empty() && after.is_none() && outcome.is_none() && under_way.0.is_empty();
    let key = console.who().filter(|_| usual).map(|who| listed.shown_to(who));
    let text = console.last_page().get(key, || {
        let content = page(links, &listed, &filter, after.as_ref(), outcome.as_ref());
        let now = Some((&listed.now, listed.present));
        let page = console.page("Snapshots", now, &under_way, &content);
        Ok::<_, Error>(Bytes::from(page.into_string()))
    })?;
    let mut response = html_text(StatusCode::OK, text);
    if console.flash().is_some() {
        flash::clear(&mut response, links);
    }
    Ok(response)
}

/// The snapshots that a filter lets through.
fn narrowed(list: &Arc<List>, filter: &Filter, now: Timestamp) -> Arc<List> {
    if filter.typed().is_empty() {
        return Arc::clone(list);
    }
    let through = list.snapshots.iter().filter(|entry| filter.lets_through(entry, now));
    let current_event_log_max_id = list.current_event_log_max_id;
    Arc::new(List { current_event_log_max_id, snapshots: through.cloned().collect() })
}

fn newest(history: Vec<Occurrence>, word: &str) -> Option<Occurrence> {
    history.into_iter().find(|occurrence| flash::names(word, occurrence.action))
}

fn page(
    links: &Links,
    listed: &Listed,
    filter: &Filter,
    after: Option<&SnapshotRef>,
    outcome: Option<&Occurrence>,
) -> Markup {
    let (list, now) = (&listed.list, listed.present);
    let shown = narrowed(list, filter, now);
    let part = Part { list: &shown, total: list.snapshots.len(), filter, now };
    html! {
        h1.vh { "Snapshots" }
        section #timeline aria-label="Timeline" { (timeline::timeline(list, listed.activity.as_ref(), now)) }
        (tools(links, filter.typed(), listed))
        div #tool {}
        div #result { @if let Some(outcome) = outcome { (history::outcome(links, outcome)) } }
        table #list {
            caption.vh { "Snapshots of both kinds, newest first" }
            thead { (head()) }
            tbody #rows { (part.rows(links, after, None)) }
        }
        p #shown.soft { (part.count()) }
    }
}

fn tools(links: &Links, typed: &str, listed: &Listed) -> Markup {
    let total = listed.list.snapshots.len();
    // A list that is there whole is narrowed in the browser; a longer one by asking again.
    let ask = (total > PAGE || !typed.is_empty()).then(|| links.list());
    html! {
        div.tools {
            a.button.primary #take-open
                href=(links.take()) hx-get=(links.take()) hx-target="#tool"
            { "Take snapshot " kbd { "t" } }
            form #compare
                action=(links.compare()) method="get"
                hx-get=(links.compare()) hx-target="#result"
            { button.button type="submit" { "Compare " kbd { "c" } } }
            a.button.quiet #import-open
                href=(links.import()) hx-get=(links.import()) hx-target="#tool"
            { "Import…" }
            (live::news(links, listed))
            form.filter action=(links.list()) method="get" role="search" {
                input #filter
                    type="search" name="q" value=(typed)
                    hx-get=[ask.as_deref()] hx-target=[ask.is_some().then_some("#rows")]
                    hx-swap=[ask.is_some().then_some("innerMorph")]
                    hx-trigger=[ask.is_some().then_some("input changed delay:150ms")]
                    hx-sync=[ask.is_some().then_some("this:replace")]
                    placeholder="Filter by id, kind, note  ( / )"
                    aria-label="Filter by id, kind, note, state, date" aria-controls="rows"
                    autocomplete="off";
                button.vh type="submit" { "Filter" }
            }
        }
    }
}

fn head() -> Markup {
    html! {
        tr {
            th scope="col" { "Snapshot" }
            th scope="col" { "Kind" }
            th scope="col" { "Taken" }
            th.num scope="col" { "Event" }
            th.num scope="col" { "Behind" }
            th.num scope="col" { "Rows" }
            th.num scope="col" { "New bytes" }
            th.num scope="col" { "Size" }
            th scope="col" { "State" }
            th scope="col" { "Note" }
        }
    }
}

/// The snapshots that are asked for, of all that there are.
struct Part<'l> {
    list: &'l List,
    total: usize,
    filter: &'l Filter,
    now: Timestamp,
}

impl Part<'_> {
    /// What htmx gets: the first rows and how many match, or the rows behind a snapshot alone.
    fn answer(&self, links: &Links, after: Option<&SnapshotRef>) -> Markup {
        html! {
            (self.rows(links, after, None))
            @if after.is_none() { (layout::partial("#shown", "innerHTML", &self.count())) }
        }
    }

    /// The rows of a page, and the way to the next; with `focus`, that snapshot is among them, and
    /// its button takes the focus.
    fn rows(
        &self,
        links: &Links,
        after: Option<&SnapshotRef>,
        focus: Option<&SnapshotRef>,
    ) -> Markup {
        let all = &self.list.snapshots;
        let place = |name: &SnapshotRef| all.iter().position(|entry| entry.snapshot() == *name);
        // Behind a snapshot that is gone by now the list begins where its id stood.
        let start = after.map_or(0, |after| match place(after) {
            Some(place) => place + 1,
            None => all.partition_point(|entry| entry.snapshot_id >= after.id),
        });
        let focused = focus.and_then(place).map_or(0, |place| place + 1);
        let end = (start + PAGE).max(focused).min(all.len());
        let now = self.now;
        html! {
            @if all.is_empty() { (self.none()) }
            @for entry in &all[start.min(end)..end] {
                (row::rows(links, entry, now, focus.is_some_and(|focus| *focus == entry.snapshot())))
            }
            @if let Some(last) = all[..end].last().filter(|_| end < all.len()) {
                (self.more(links, last, all.len() - end))
            }
        }
    }

    /// The way on. It is taken by itself as soon as it comes into sight.
    fn more(&self, links: &Links, last: &Entry, left: usize) -> Markup {
        let next = links.list_behind(&last.snapshot(), self.filter.typed());
        html! {
            tr.more-row {
                td colspan=(row::COLUMNS) {
                    a.more href=(next)
                        hx-get=(next) hx-target="closest tr" hx-swap="outerHTML"
                        hx-trigger="click, intersect once"
                    { (count(left.min(PAGE) as u64, "more snapshot", "more snapshots")) }
                }
            }
        }
    }

    fn none(&self) -> Markup {
        html! {
            tr.none {
                td colspan=(row::COLUMNS) {
                    @if self.total == 0 {
                        p { strong { "No snapshot yet." } }
                        p {
                            "A snapshot is a copy of the event log and of every table, at one position. "
                            "Take one with the button above, or with " kbd { "t" }
                            ", before something risky: then look here at what has changed since, "
                            "and go back to it, all of it or some tables."
                        }
                    } @else {
                        p { "No snapshot matches “" bdi { (self.filter.typed()) } "”. Clear the filter to see all." }
                    }
                }
            }
        }
    }

    /// How many match, of how many, to be read and to be spoken.
    fn count(&self) -> Markup {
        let all = count(self.total as u64, "snapshot", "snapshots");
        let said = if self.filter.typed().is_empty() {
            all
        } else {
            format!("{} of {all}", number(self.list.snapshots.len() as u64))
        };
        let spoken = (!self.filter.typed().is_empty()).then_some(&said);
        html! { @if self.total > 0 { span data-status=[spoken] { (said) } } }
    }
}

/// The parts of the list page that a change made old, for the answer to that change.
///
/// `swap` says what happens to previews that are open: `innerMorph` keeps them, `innerHTML`
/// closes them.
pub(crate) fn refreshed(
    links: &Links,
    listed: &Listed,
    swap: &str,
    focus: Option<&SnapshotRef>,
) -> Markup {
    let filter = Filter::new("");
    let (list, now) = (&listed.list, listed.present);
    let part = Part { list, total: list.snapshots.len(), filter: &filter, now };
    let rows = part.rows(links, None, focus);
    let picture = timeline::timeline(list, listed.activity.as_ref(), now);
    html! {
        (layout::partial("#rows", swap, &rows))
        (layout::partial("#shown", "innerHTML", &part.count()))
        (layout::partial("#news", "outerMorph", &live::news(links, listed)))
        (layout::partial("#place", "innerHTML", &layout::place(&listed.now, now)))
        (layout::partial("#timeline", "innerHTML", &picture))
    }
}
