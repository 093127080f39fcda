//! The list of snapshots: the page that everything else opens in.

use jiff::Timestamp;
use maud::{Markup, html};
use poem::http::StatusCode;
use poem::{Response, handler};

use super::console::{Console, Wanted, present};
use super::fields::Fields;
use super::links::Links;
use super::{flash, history, layout, row, timeline};
use crate::error::Result;
use crate::snapshot::{Activity, Entry, List, Now, Occurrence, SnapshotRef, Snapshots};

/// How many lines of the history are searched for the outcome that a redirect announced.
const RECENT: usize = 20;

/// All that the page shows.
pub(crate) struct Listed {
    pub(crate) list: List,
    pub(crate) now: Now,
    pub(crate) activity: Option<Activity>,
}

/// Reads what the page shows.
pub(crate) fn read(snapshots: &Snapshots) -> Result<Listed> {
    let list = snapshots.list()?;
    let activity = timeline::activity(snapshots, &list)?;
    Ok(Listed { list, now: snapshots.now()?, activity })
}

#[handler]
pub(crate) async fn show(console: Console, fields: Fields) -> poem::Result<Response> {
    let filter = Filter::new(fields.one("q")?.unwrap_or_default());
    if console.wanted() != Wanted::Page {
        let mut list = console.blocking(Snapshots::list).await?;
        list.snapshots.retain(|entry| filter.lets_through(entry));
        let markup = || rows(console.links(), &list.snapshots, present(), None);
        return Ok(console.answer(&list, "Snapshots", markup).await?);
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
    let content = page(links, &listed, &filter, outcome.as_ref());
    let mut response = console.page(StatusCode::OK, "Snapshots", Some(&listed.now), &content);
    if console.flash().is_some() {
        flash::clear(&mut response, links);
    }
    Ok(response)
}

fn newest(history: Vec<Occurrence>, word: &str) -> Option<Occurrence> {
    history.into_iter().find(|occurrence| flash::names(word, occurrence.action))
}

/// What the list is narrowed to, without JavaScript; with it, keys.js hides rows as one types.
struct Filter {
    typed: String,
}

impl Filter {
    fn new(typed: &str) -> Self {
        Self { typed: typed.trim().to_owned() }
    }

    /// Whether every word is in what the entry's row says.
    fn lets_through(&self, entry: &Entry) -> bool {
        let note = entry.note.as_deref().unwrap_or_default();
        let reason = entry.reason.as_deref().unwrap_or_default();
        let cause = entry.cause.as_ref().map(|cause| cause.restoring.to_string());
        let cause = cause.unwrap_or_default();
        let pinned = if entry.pinned { "pinned" } else { "" };
        let (id, kind, state) = (&entry.snapshot_id, entry.kind, row::state_word(entry.state));
        let text = format!("{id} {kind} {state} {pinned} {note} {cause} {reason}").to_lowercase();
        self.typed.to_lowercase().split_whitespace().all(|word| text.contains(word))
    }
}

fn page(links: &Links, listed: &Listed, filter: &Filter, outcome: Option<&Occurrence>) -> Markup {
    let list = &listed.list;
    let shown = list.snapshots.iter().filter(|entry| filter.lets_through(entry));
    html! {
        h1.vh { "Snapshots" }
        section #timeline aria-label="Timeline" { (timeline::timeline(list, listed.activity.as_ref())) }
        (tools(links, &filter.typed))
        div #tool {}
        div #result { @if let Some(outcome) = outcome { (history::outcome(links, outcome)) } }
        table #list {
            caption.vh { "Snapshots of both kinds, newest first" }
            thead { (head()) }
            tbody #rows { (rows(links, shown, present(), None)) }
        }
    }
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
fn rows<'a>(
    links: &Links,
    entries: impl IntoIterator<Item = &'a Entry>,
    now: Timestamp,
    focus: Option<&SnapshotRef>,
) -> Markup {
    let mut entries = entries.into_iter().peekable();
    html! {
        @if entries.peek().is_none() {
            tr.none { td colspan=(row::COLUMNS) { "No snapshots to show. Take one with " kbd { "t" } "." } }
        }
        @for entry in entries {
            (row::rows(links, entry, now, focus.is_some_and(|focus| *focus == entry.snapshot())))
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
    let picture = timeline::timeline(&listed.list, listed.activity.as_ref());
    html! {
        (layout::partial("#rows", swap, &rows))
        (layout::partial("#where", "innerHTML", &layout::place(&listed.now)))
        (layout::partial("#timeline", "innerHTML", &picture))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Kind, State};

    #[test]
    fn a_filter_looks_at_words_of_the_row_and_at_nothing_else() {
        let entry = Entry {
            kind: Kind::Periodic,
            state: State::Damaged,
            reason: Some("ends early".to_owned()),
            note: Some("Release 2.4".to_owned()),
            pinned: true,
            ..row::tests::entry()
        };
        for typed in ["", "20261122 periodic", "release pinned", "unreadable early"] {
            assert!(Filter::new(typed).lets_through(&entry), "{typed}");
        }
        for typed in ["rewind", "class", "release 2.5"] {
            assert!(!Filter::new(typed).lets_through(&entry), "{typed}");
        }
    }
}
