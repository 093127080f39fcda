//! Taking a snapshot by hand.

use maud::{Markup, html};
use poem::http::StatusCode;
use poem::{Response, handler};
use serde_json::json;

use super::console::Console;
use super::fields::Fields;
use super::format::{bytes_or_dash, number_or_dash};
use super::jobs::{self, Telling, Work};
use super::links::Links;
use super::{label, list};
use crate::error::Result;
use crate::snapshot::{Action, Entry, LONGEST_NOTE, SnapshotRef, Snapshots};

/// The small form for a note.
#[handler]
pub(crate) async fn form(console: Console) -> poem::Result<Response> {
    let fields = json!({"post": console.links().take(), "fields": ["note"]});
    Ok(console.answer(&fields, "Take a snapshot", || take_form(console.links())).await?)
}

#[handler]
pub(crate) async fn take(console: Console, fields: Fields) -> poem::Result<Response> {
    let note = label::note(&fields)?.filter(|note| !note.is_empty());
    Ok(jobs::run(&console, Take { note, by: console.by() }).await?)
}

struct Take {
    note: Option<String>,
    by: String,
}

impl Work for Take {
    type Done = Entry;

    fn named(&self) -> (Action, Option<SnapshotRef>) {
        (Action::Take, None)
    }

    fn run(&mut self, snapshots: &Snapshots) -> Result<Entry> {
        snapshots.take(self.note.as_deref(), &self.by)
    }

    fn tell(&self, entry: &Entry, telling: &Telling<'_>) -> Result<Response> {
        let console = telling.console;
        console.done(Action::Take, StatusCode::CREATED, entry, || {
            added(console.links(), entry, telling.listed.as_ref(), "Snapshot taken")
        })
    }

    fn form(&self) -> Option<String> {
        Some("#tool".to_owned())
    }
}

fn take_form(links: &Links) -> Markup {
    html! {
        form.tool #take-form
            method="post" action=(links.take())
            hx-post=(links.take()) hx-target="#result" hx-disable="find button"
            data-status="Write a note and press Enter to take a snapshot"
        {
            label for="take-note" { "Note for the new snapshot (optional)" }
            input #take-note type="text" name="note" maxlength=(LONGEST_NOTE) autocomplete="off" data-focus;
            button.button.primary type="submit" { "Take snapshot" }
            a.cancel.button href=(links.list()) { "Cancel " kbd { "Esc" } }
        }
    }
}

/// The answer to what added a snapshot: the result, and the list with the focus on the new row.
pub(crate) fn added(
    links: &Links,
    entry: &Entry,
    listed: Option<&list::Listed>,
    what: &str,
) -> Markup {
    let snapshot = entry.snapshot();
    let rows = number_or_dash(entry.rows);
    let size = bytes_or_dash(entry.new_bytes);
    html! {
        div.result data-status=(format!("{what}: {snapshot}, {rows} rows, {size} new")) {
            h2 #result-title tabindex="-1" { (what) }
            p { a href=(links.row(&snapshot)) { (snapshot) } " · " (rows) " rows · " (size) " new" }
        }
        (super::layout::partial("#tool", "innerHTML", &html! {}))
        @if let Some(listed) = listed {
            (list::refreshed(links, listed, "innerMorph", Some(&snapshot)))
        }
    }
}
