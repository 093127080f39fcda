//! Taking a snapshot by hand.

use maud::{Markup, html};
use poem::http::StatusCode;
use poem::{Response, handler};
use serde_json::json;

use super::console::{BY, Console};
use super::fields::Fields;
use super::format::{bytes_or_dash, number_or_dash};
use super::links::Links;
use super::{label, list};
use crate::snapshot::{Action, Entry};

/// The small form for a note.
#[handler]
pub(crate) async fn form(console: Console) -> poem::Result<Response> {
    let fields = json!({"post": console.links().take(), "fields": ["note"]});
    Ok(console.answer(&fields, "Take a snapshot", || take_form(console.links())).await?)
}

#[handler]
pub(crate) async fn take(console: Console, fields: Fields) -> poem::Result<Response> {
    let note = label::note(&fields)?.filter(|note| !note.is_empty());
    let (entry, listed) = console
        .blocking(move |snapshots| {
            let entry = snapshots.take(note.as_deref(), BY)?;
            // It is taken: a list that cannot be read now must not turn that into an error.
            Ok((entry, list::read(snapshots).ok()))
        })
        .await?;
    let links = console.links();
    Ok(console.done(Action::Take, StatusCode::CREATED, &entry, || {
        added(links, &entry, listed.as_ref(), "Snapshot taken")
    })?)
}

fn take_form(links: &Links) -> Markup {
    html! {
        form.tool #take-form
            method="post" action=(links.take())
            hx-post=(links.take()) hx-target="#result" hx-disable="find button"
            data-status="Write a note and press Enter to take a snapshot"
        {
            label for="take-note" { "Note for the new snapshot (optional)" }
            input #take-note type="text" name="note" maxlength=(label::LONGEST) autocomplete="off" data-focus;
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
