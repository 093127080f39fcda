//! The list of snapshots: the page that everything else opens in.

use jiff::Timestamp;
use maud::{Markup, html};
use poem::http::StatusCode;
use poem::{Response, handler};

use super::console::{Console, Wanted, html_with, json, present};
use super::fields::Fields;
use super::links::Links;
use super::{flash, history, layout, row, timeline};
use crate::error::Result;
use crate::snapshot::{Entry, List, Now, Occurrence, SnapshotRef, Snapshots};

/// How many lines of the history are searched for the outcome that a redirect announced.
const RECENT: usize = 20;

/// All that the page shows.
pub(crate) struct Listed {
    pub(crate) list: List,
    pub(crate) now: Now,
}

/// Reads what the page shows.
pub(crate) fn read(snapshots: &Snapshots) -> Result<Listed> {
    Ok(Listed { list: snapshots.list()?, now: snapshots.now()? })
}

#[handler]
pub(crate) async fn show(console: Console, fields: Fields) -> poem::Result<Response> {
    let query = fields.one("q")?.unwrap_or_default().trim().to_owned();
    if console.wanted() == Wanted::Json {
        let mut list = console.blocking(Snapshots::list).await?;
        list.snapshots.retain(|entry| matches(entry, &query));
        return Ok(json(StatusCode::OK, &list)?);
    }
    let announced = console.flash().map(str::to_owned);
    let (mut listed, outcome) = console
        .blocking(move |snapshots| {
            let outcome = match announced {
                Some(word) => newest(snapshots.history(RECENT)?, &word),
                None => None,
            };
            Ok((read(snapshots)?, outcome))
        })
        .await?;
    let links = console.links();
    if console.wanted() == Wanted::Fragment {
        listed.list.snapshots.retain(|entry| matches(entry, &query));
        let markup = rows(links, &listed.list.snapshots, present(), None);
        return Ok(html_with(StatusCode::OK, markup));
    }
    let content = page(links, listed, &query, outcome.as_ref());
    let mut response = console.page(StatusCode::OK, "Snapshots", Some(&content.1), &content.0);
    if console.flash().is_some() {
        flash::clear(&mut response, links);
    }
    Ok(response)
}

fn newest(history: Vec<Occurrence>, word: &str) -> Option<Occurrence> {
    history.into_iter().find(|occurrence| flash::names(word, occurrence.action))
}

/// Whether every word of the filter is in the entry's id, kind, note or state.
fn matches(entry: &Entry, query: &str) -> bool {
    let state = row::state(entry.state).into_string();
    let note = entry.note.as_deref().unwrap_or_default();
    let cause = entry.cause.as_ref().map(|cause| cause.restoring.to_string()).unwrap_or_default();
    let pinned = if entry.pinned { "pinned" } else { "" };
    let text = format!("{} {} {note} {cause} {pinned} {state}", entry.snapshot_id, entry.kind)
        .to_lowercase();
    query.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

fn page(links: &Links, listed: Listed, query: &str, outcome: Option<&Occurrence>) -> (Markup, Now) {
    let Listed { list, now } = listed;
    let shown: Vec<Entry> =
        list.snapshots.iter().filter(|entry| matches(entry, query)).cloned().collect();
    let content = html! {
        h1.vh { "Snapshots" }
        section #timeline aria-label="Timeline" { (timeline::timeline(&list)) }
        (tools(links, query))
        div #tool {}
        div #result { @if let Some(outcome) = outcome { (history::outcome(links, outcome)) } }
        table #list {
            caption.vh { "Snapshots of both kinds, newest first" }
            thead { (head()) }
            tbody #rows { (rows(links, &shown, present(), None)) }
        }
    };
    (content, now)
}

fn tools(links: &Links, query: &str) -> Markup {
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
            form.filter action=(links.list()) method="get" role="search" {
                input #filter
                    type="search" name="q" value=(query)
                    placeholder="Filter by id, kind, note  ( / )"
                    aria-label="Filter by id, kind, note" aria-controls="rows" autocomplete="off";
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

/// The rows of the list; with `focus`, that snapshot's button takes the focus.
pub(crate) fn rows(
    links: &Links,
    entries: &[Entry],
    now: Timestamp,
    focus: Option<&SnapshotRef>,
) -> Markup {
    html! {
        @for entry in entries {
            (row::rows(links, entry, now, focus.is_some_and(|focus| *focus == entry.snapshot())))
        }
        @if entries.is_empty() {
            tr.none { td colspan=(row::COLUMNS) { "No snapshots to show. Take one with " kbd { "t" } "." } }
        }
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
    let rows = rows(links, &listed.list.snapshots, present(), focus);
    html! {
        (layout::partial("#rows", swap, &rows))
        (layout::partial("#where", "innerHTML", &layout::place(&listed.now)))
        (layout::partial("#timeline", "innerHTML", &timeline::timeline(&listed.list)))
    }
}
