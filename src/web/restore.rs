//! Back to a snapshot: the confirmation, and what it is sent to.

use maud::{Markup, html};
use poem::http::{HeaderValue, StatusCode};
use poem::web::Path;
use poem::{Response, handler};
use serde::Serialize;

use super::confirmation::{Choices, confirmation};
use super::console::{Console, Wanted};
use super::fields::Fields;
use super::format::{count, number};
use super::jobs::{self, Telling, Work};
use super::links::Links;
use super::{changes, dom, list};
use crate::error::{Error, ErrorKind, Result};
use crate::snapshot::{
    Action, Entry, Preview, RestoreRequest, Restored, Scope, SnapshotRef, Snapshots, TableDone,
};

/// The confirmation's facts: the plan, and what is offered first.
#[derive(Serialize)]
struct Offer<'a> {
    #[serde(flatten)]
    preview: &'a Preview,
    offered_scope: Scope,
}

#[handler]
pub(crate) async fn confirm(
    console: Console,
    Path(id): Path<String>,
    fields: Fields,
) -> poem::Result<Response> {
    let snapshot = fields.snapshot(&id)?;
    let mut choices = Choices::read(&fields)?;
    let asked = snapshot.clone();
    let (preview, entry): (Preview, Entry) = console
        .blocking(move |snapshots| Ok((snapshots.preview(&asked)?, snapshots.entry(&asked)?)))
        .await?;
    let offered_scope = *choices.scope.get_or_insert(entry.offered_scope());
    let links = console.links();
    let offer = Offer { preview: &preview, offered_scope };
    let title = format!("Restore {}", snapshot.id);
    let markup =
        || placed(&console, &snapshot, &confirmation(links, &snapshot, &preview, &choices));
    Ok(console.answer(&offer, &title, markup).await?)
}

/// The fragment; on a page of its own inside the element that it otherwise is swapped into.
fn placed(console: &Console, snapshot: &SnapshotRef, form: &Markup) -> Markup {
    html! {
        @if console.wanted() == Wanted::Fragment {
            (form)
        } @else {
            div.preview.confirming id=(dom::id("confirm", snapshot)) { (form) }
        }
    }
}

#[handler]
pub(crate) async fn apply(
    console: Console,
    Path(id): Path<String>,
    fields: Fields,
) -> poem::Result<Response> {
    let kind = fields.kind()?;
    fields.confirmed(&id)?;
    let snapshot = SnapshotRef::new(kind, id.parse()?);
    // The id was typed well: it is kept, should the form have to be shown again.
    let choices = Choices { typed: Some(id), ..Choices::read(&fields)? };
    let request = RestoreRequest {
        snapshot,
        scope: choices.scope.unwrap_or_default(),
        tables: choices.tables.clone(),
        plan: fields.filled("plan")?.map(str::to_owned),
        moving: choices.moving,
        accept_schema: choices.accept_schema,
        by: console.by(),
    };
    // Below what a restore has done there is a form of its own for its undoing.
    let at_its_outcome = console.is_for(&dom::id("undo", &request.snapshot));
    let place = if at_its_outcome { "undo" } else { "confirm" };
    Ok(jobs::run(&console, Restore { request, choices, place }).await?)
}

struct Restore {
    request: RestoreRequest,
    choices: Choices,
    /// What the element that the form stands in is for.
    place: &'static str,
}

impl Work for Restore {
    type Done = Restored;

    fn named(&self) -> (Action, Option<SnapshotRef>) {
        (Action::Restore, Some(self.request.snapshot.clone()))
    }

    fn run(&mut self, snapshots: &Snapshots) -> Result<Restored> {
        snapshots.restore(&self.request)
    }

    fn tell(&self, restored: &Restored, telling: &Telling<'_>) -> Result<Response> {
        let (console, links) = (telling.console, telling.console.links());
        let mut response = console.done(Action::Restore, StatusCode::OK, restored, || {
            html! {
                (result(links, restored))
                @if let Some(listed) = &telling.listed {
                    (list::refreshed(links, listed, "innerHTML", None))
                }
            }
        })?;
        if console.wanted() == Wanted::Fragment {
            let headers = response.headers_mut();
            headers.insert("HX-Retarget", HeaderValue::from_static("#result"));
            headers.insert("HX-Reswap", HeaderValue::from_static("innerHTML"));
        }
        Ok(response)
    }

    /// Where the plan moved on, the new one, with all that was chosen and typed.
    fn offers(&self, console: &Console, failure: &Error) -> Markup {
        let (links, snapshot) = (console.links(), &self.request.snapshot);
        let Some(plan) = failure.new_plan().filter(|_| failure.kind() == ErrorKind::PlanMoved)
        else {
            let again = links.restore(snapshot, self.choices.scope);
            return html! {
                p { a href=(again) hx-get=(again) hx-target=(dom::target(self.place, snapshot)) { "Look at the plan again" } }
            };
        };
        placed(console, snapshot, &confirmation(links, snapshot, plan, &self.choices))
    }

    fn form(&self) -> Option<String> {
        Some(dom::target(self.place, &self.request.snapshot))
    }
}

/// What was done, in numbers, and the way to undo it.
fn result(links: &Links, restored: &Restored) -> Markup {
    let undo = links.restore(&restored.rewind, Some(restored.scope));
    html! {
        div.result data-status=(said(restored)) {
            h2 #result-title tabindex="-1" data-focus { "Restored " (restored.restored.id) }
            @if restored.tables.is_empty() && restored.events_removed + restored.events_added == 0 {
                p { "Nothing differed, so nothing was changed." }
            }
            @if !restored.tables.is_empty() { (tables(&restored.tables)) }
            @if restored.events_removed > 0 {
                p { (count(restored.events_removed, "event", "events")) " taken from the log." }
            }
            @if restored.events_added > 0 {
                p { (count(restored.events_added, "event", "events")) " brought back to the log." }
            }
            @if !restored.notes.is_empty() {
                ul.notes { @for note in &restored.notes { li { (note) } } }
            }
            p {
                "The state before is kept as " a href=(links.row(&restored.rewind)) { (restored.rewind) }
                ". Writers waited " (number(restored.lock_ms)) " ms."
            }
            p {
                a #undo.button data-key-undo
                    href=(undo) hx-get=(undo) hx-target=(dom::target("undo", &restored.rewind))
                { "Undo… " kbd { "u" } }
            }
            div.confirming id=(dom::id("undo", &restored.rewind)) {}
        }
    }
}

fn tables(done: &[TableDone]) -> Markup {
    html! {
        table.changes {
            thead {
                tr {
                    th scope="col" { "Table" }
                    th.num scope="col" { "Added" }
                    th.num scope="col" { "Removed" }
                    th.num scope="col" { "Changed" }
                }
            }
            tbody {
                @for table in done {
                    tr {
                        td { bdi { (table.name) } }
                        (changes::counted("added", "+", table.added))
                        (changes::counted("removed", "−", table.removed))
                        (changes::counted("changed", "~", table.changed))
                    }
                }
            }
        }
    }
}

fn said(restored: &Restored) -> String {
    let rows: u64 =
        restored.tables.iter().map(|table| table.added + table.removed + table.changed).sum();
    format!(
        "Restored {}: {} in {} changed",
        restored.restored,
        count(rows, "row", "rows"),
        count(restored.tables.len() as u64, "table", "tables")
    )
}
