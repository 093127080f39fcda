//! What a person may change of a snapshot later: its note, and whether retention keeps it.

use maud::{Markup, html};
use poem::http::StatusCode;
use poem::web::Path;
use poem::{Response, handler};

use super::console::{Console, present};
use super::fields::Fields;
use super::links::Links;
use super::{dom, layout, row};
use crate::error::{Error, Result};
use crate::snapshot::{Action, Entry, LONGEST_NOTE, LabelChange, checked_note};

#[handler]
pub(crate) async fn label(
    console: Console,
    Path(id): Path<String>,
    fields: Fields,
) -> poem::Result<Response> {
    let snapshot = fields.snapshot(&id)?;
    let note = note(&fields)?;
    let change = LabelChange { note, pinned: fields.switch("pinned")? };
    if change == LabelChange::default() {
        return Err(Error::invalid("neither a note nor a pin is stated")
            .on(&snapshot)
            .hint("send note=TEXT, pinned=1 or pinned=0")
            .into());
    }
    let by = console.by();
    let entry = console.blocking(move |snapshots| snapshots.label(&snapshot, &change, &by)).await?;
    let links = console.links();
    Ok(console.done(Action::Label, StatusCode::OK, &entry, || labelled(links, &entry))?)
}

/// The note that a form states, without space around it; `None` when it states none.
pub(crate) fn note(fields: &Fields) -> Result<Option<String>> {
    let Some(note) = fields.one("note")? else { return Ok(None) };
    Ok(Some(checked_note(note)?.unwrap_or_default()))
}

/// The row as it is now, and the forms that changed it; nothing where errors would stand.
fn labelled(links: &Links, entry: &Entry) -> Markup {
    let snapshot = entry.snapshot();
    let row = row::row(links, entry, present(), false);
    let said = if entry.pinned { "pinned" } else { "not pinned" };
    html! {
        (layout::partial(&dom::target("row", &snapshot), "outerMorph", &row))
        (layout::partial(
            &dom::target("label", &snapshot),
            "innerMorph",
            &html! {
                (controls(links, entry))
                span.vh data-status=(format!("{snapshot} is labelled, {said}")) {}
            },
        ))
    }
}

/// The forms for pin and note.
pub(crate) fn forms(links: &Links, entry: &Entry) -> Markup {
    html! {
        div.label id=(dom::id("label", &entry.snapshot())) { (controls(links, entry)) }
    }
}

fn controls(links: &Links, entry: &Entry) -> Markup {
    let snapshot = entry.snapshot();
    let action = links.act(&snapshot, "label");
    let note = dom::id("note", &snapshot);
    let (pinned, pin) = if entry.pinned { ("0", "Unpin ") } else { ("1", "Pin ") };
    html! {
        form id=(dom::id("pin-form", &snapshot)) method="post" action=(action) hx-post=(action) hx-target="#result" {
            input type="hidden" name="kind" value=(snapshot.kind);
            input type="hidden" name="pinned" value=(pinned);
            button.pin id=(dom::id("pin", &snapshot)) type="submit" data-key-pin { (pin) kbd { "p" } }
        }
        form id=(dom::id("note-form", &snapshot)) method="post" action=(action) hx-post=(action) hx-target="#result" {
            input type="hidden" name="kind" value=(snapshot.kind);
            label.vh for=(note) { "Note" }
            input id=(note) type="text" name="note" value=[entry.note.as_deref()]
                placeholder="Note" maxlength=(LONGEST_NOTE) autocomplete="off";
            button type="submit" { "Save note" }
        }
    }
}
