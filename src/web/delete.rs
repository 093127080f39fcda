//! Deleting a snapshot: the confirmation, and what it is sent to.

use maud::{Markup, html};
use poem::http::{HeaderValue, StatusCode};
use poem::web::Path;
use poem::{Response, handler};
use serde_json::json;

use super::console::{Console, Wanted, present};
use super::fields::Fields;
use super::format::{bytes_or_dash, moment};
use super::links::Links;
use super::{dom, list, row};
use crate::snapshot::{Action, Entry, SnapshotRef};

/// The way to the confirmation.
pub(crate) fn link(links: &Links, snapshot: &SnapshotRef) -> Markup {
    let href = links.delete(snapshot);
    html! {
        a.delete-open.danger data-key-delete
            href=(href) hx-get=(href) hx-target=(dom::target("confirm", snapshot))
        { "Delete… " kbd { "D" } }
    }
}

#[handler]
pub(crate) async fn confirm(
    console: Console,
    Path(id): Path<String>,
    fields: Fields,
) -> poem::Result<Response> {
    let snapshot = fields.snapshot(&id)?;
    let asked = snapshot.clone();
    let entry = console.blocking(move |snapshots| snapshots.entry(&asked)).await?;
    let links = console.links();
    let fragment = console.wanted() == Wanted::Fragment;
    let title = format!("Delete {}", snapshot.id);
    Ok(console.answer(&entry, &title, || confirmation(links, &entry, fragment)).await?)
}

fn confirmation(links: &Links, entry: &Entry, fragment: bool) -> Markup {
    let snapshot = entry.snapshot();
    let form = form(links, entry, &snapshot);
    html! {
        @if fragment {
            (form)
        } @else {
            div.preview.confirming id=(dom::id("confirm", &snapshot)) { (form) }
        }
    }
}

fn form(links: &Links, entry: &Entry, snapshot: &SnapshotRef) -> Markup {
    let field = dom::id("delete-id", snapshot);
    let action = links.act(snapshot, "delete");
    html! {
        form.confirm.delete
            id=(dom::id("delete-form", snapshot))
            method="post" action=(action)
            hx-post=(action) hx-target=(dom::target("confirm", snapshot)) hx-disable="find button"
            data-status=(format!("Confirm the deletion of {snapshot}"))
        {
            input type="hidden" name="kind" value=(snapshot.kind);
            p {
                strong { "Delete " (snapshot.id) "?" }
                " It is a " (row::kind(snapshot.kind)) " snapshot of "
                (bytes_or_dash(entry.file_size_bytes)) ", taken "
                (moment(entry.created_at, present())) "."
                @if entry.pinned { " It is pinned." }
                " This cannot be undone. The database is not touched."
            }
            p { label for=(field) { "Type the snapshot id to confirm: " code { (snapshot.id) } } }
            p.submit {
                input
                    id=(field) type="text" name="confirm_id"
                    data-expect=(snapshot.id) data-focus
                    autocomplete="off" autocapitalize="off" spellcheck="false" required;
                " "
                button.danger type="submit" { "Delete" }
                " "
                a.cancel href=(links.row(snapshot)) { "Cancel " kbd { "Esc" } }
            }
        }
    }
}

#[handler]
pub(crate) async fn delete(
    console: Console,
    Path(id): Path<String>,
    fields: Fields,
) -> poem::Result<Response> {
    let kind = fields.kind()?;
    fields.confirmed(&id)?;
    let snapshot = SnapshotRef::new(kind, id.parse()?);
    let gone = snapshot.clone();
    let by = console.by();
    let (place, listed) = console
        .blocking(move |snapshots| {
            let before = snapshots.list()?;
            let place = before.snapshots.iter().position(|entry| entry.snapshot() == gone);
            snapshots.delete(&gone, &by)?;
            Ok((place, list::read(snapshots).ok()))
        })
        .await?;
    let links = console.links();
    let facts = json!({"deleted": &snapshot});
    let mut response = console.done(Action::Delete, StatusCode::OK, &facts, || {
        deleted(links, &snapshot, place, listed.as_ref())
    })?;
    if console.wanted() == Wanted::Fragment {
        let headers = response.headers_mut();
        headers.insert("HX-Retarget", HeaderValue::from_static("#result"));
        headers.insert("HX-Reswap", HeaderValue::from_static("innerHTML"));
    }
    Ok(response)
}

/// The list without the snapshot; the row that moved into its place has the focus.
fn deleted(
    links: &Links,
    snapshot: &SnapshotRef,
    place: Option<usize>,
    listed: Option<&list::Listed>,
) -> Markup {
    let entries = listed.map(|listed| listed.list.snapshots.as_slice()).unwrap_or_default();
    let next = place.and_then(|place| entries.get(place).or_else(|| entries.last()));
    let next = next.map(Entry::snapshot);
    let said = format!("Deleted {snapshot}");
    html! {
        div.result data-status=(said) {
            h2 #result-title tabindex="-1" data-focus[next.is_none()] { (said) }
        }
        @if let Some(listed) = listed {
            (list::refreshed(links, listed, "innerMorph", next.as_ref()))
        }
    }
}
