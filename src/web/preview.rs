//! The preview: what restoring a snapshot would change against now.

use maud::{Markup, html};
use poem::web::Path;
use poem::{Response, handler};

use super::console::Console;
use super::fields::Fields;
use super::links::Links;
use super::{changes, delete, dom, error, label, verify};
use crate::error::ErrorKind;
use crate::snapshot::{Entry, Fate, Format, Preview, SnapshotRef};

const SAME: &str =
    "Nothing: every table is as in the snapshot. Restoring it would leave all rows alone.";

#[handler]
pub(crate) async fn show(
    console: Console,
    Path(id): Path<String>,
    fields: Fields,
) -> poem::Result<Response> {
    let snapshot = fields.snapshot(&id)?;
    let asked = snapshot.clone();
    let read = console
        .blocking(move |snapshots| Ok((snapshots.preview(&asked)?, snapshots.entry(&asked)?)))
        .await;
    let links = console.links();
    match read {
        Ok((preview, entry)) => {
            let title = format!("Snapshot {}", snapshot.id);
            Ok(console
                .answer(&preview, &title, || placed(links, &entry, &preview, &console))
                .await?)
        }
        // What is damaged can still be looked at this far, and deleted.
        Err(failure) if failure.kind() == ErrorKind::Damaged => {
            Ok(error::offering(&console, &failure, &ways_out(links, &snapshot)).await)
        }
        Err(failure) => Err(failure.into()),
    }
}

/// The fragment; on a page of its own inside the element that it otherwise is swapped into.
fn placed(links: &Links, entry: &Entry, preview: &Preview, console: &Console) -> Markup {
    let pane = pane(links, entry, preview);
    if console.wanted() == super::console::Wanted::Fragment {
        return pane;
    }
    html! {
        div.preview.card id=(dom::id("preview", &entry.snapshot())) { (pane) }
    }
}

fn pane(links: &Links, entry: &Entry, preview: &Preview) -> Markup {
    let snapshot = entry.snapshot();
    let rows = dom::id("rows", &snapshot);
    let events = changes::EventLinks {
        place: dom::id("events", &snapshot),
        link: |of_type: Option<&str>| Some(links.events(&snapshot, of_type, None)),
    };
    html! {
        div.pane data-status=(changes::said(preview)) {
            div.changes-col {
                h3 { "What restoring would change" }
                (changes::tables(preview, SAME, &rows, |table| links.rows(&snapshot, table, None, None)))
            }
            div.events-col {
                @if preview.event_delta.is_some() {
                    (changes::events(preview, "since this snapshot", &events))
                    p.soft { "Kept in the log unless you also rewind it." }
                } @else {
                    h3 { "No event log" }
                    p.soft {
                        "Positions are not known; tables are compared row by row. "
                        "Name the log with " code { "--event-table" } " to see the events too."
                    }
                }
            }
            div id=(events.place) {}
            (changes::remarks(preview))
            @if let Some(fate) = &entry.retention { p.soft.fate { (fate_in_words(fate)) } }
            (actions(links, entry))
            div.confirming id=(dom::id("confirm", &snapshot)) {}
        }
    }
}

/// What retention has in mind for a snapshot, in a sentence.
fn fate_in_words(fate: &Fate) -> String {
    let (why, next) =
        (&fate.why, if fate.next_to_go { "; the next of its kind takes its place" } else { "" });
    if fate.keep {
        format!("Kept: {why}{next}.")
    } else {
        format!("Goes with the next prune: {why}.")
    }
}

fn actions(links: &Links, entry: &Entry) -> Markup {
    let snapshot = entry.snapshot();
    let confirm = dom::target("confirm", &snapshot);
    let restore = links.restore(&snapshot, None);
    html! {
        div.actions {
            a.restore-open data-key-restore href=(restore) hx-get=(restore) hx-target=(confirm) {
                "Restore… " kbd { "r" }
            }
            (verify::form(links, &snapshot))
            (label::forms(links, entry))
            a.export href=(links.export(&snapshot, Format::Json)) download { "Export JSON" }
            a.export href=(links.export(&snapshot, Format::Sqlite)) download { "Export SQLite" }
            (delete::link(links, &snapshot))
        }
    }
}

/// What can be done about a snapshot that cannot be read.
fn ways_out(links: &Links, snapshot: &SnapshotRef) -> Markup {
    html! {
        div.actions {
            (verify::form(links, snapshot))
            (delete::link(links, snapshot))
        }
        div.confirming id=(dom::id("confirm", snapshot)) {}
    }
}
