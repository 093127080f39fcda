//! Reading a snapshot back, every byte of it.

use maud::{Markup, html};
use poem::http::StatusCode;
use poem::web::Path;
use poem::{Response, handler};

use super::console::Console;
use super::fields::Fields;
use super::format::{bytes, count};
use super::jobs::{self, Telling, Work};
use super::links::Links;
use super::row;
use crate::error::{Error, Result};
use crate::snapshot::{Action, SnapshotRef, Snapshots, State, Verified};

#[handler]
pub(crate) async fn verify(
    console: Console,
    Path(id): Path<String>,
    fields: Fields,
) -> poem::Result<Response> {
    let snapshot = fields.snapshot(&id)?;
    let repair = fields.switch("repair")?.unwrap_or_default();
    Ok(jobs::run(&console, Verify { snapshot, repair, by: console.by() }).await?)
}

struct Verify {
    snapshot: SnapshotRef,
    /// Whether what is damaged is written anew.
    repair: bool,
    by: String,
}

impl Work for Verify {
    type Done = Verified;

    fn named(&self) -> (Action, Option<SnapshotRef>) {
        (Action::Verify, Some(self.snapshot.clone()))
    }

    fn run(&mut self, snapshots: &Snapshots) -> Result<Verified> {
        let asked = Some(&self.snapshot);
        let verified = if self.repair {
            snapshots.repair(asked, &self.by)?
        } else {
            snapshots.verify(asked, &self.by)?
        };
        verified.into_iter().next().ok_or_else(|| {
            Error::not_found("there is no such snapshot")
                .on(&self.snapshot)
                .hint("open the list and choose a snapshot")
        })
    }

    fn tell(&self, verified: &Verified, telling: &Telling<'_>) -> Result<Response> {
        let console = telling.console;
        console.done(Action::Verify, StatusCode::OK, verified, || {
            result(console.links(), verified, self.repair)
        })
    }
}

/// The button that starts it.
pub(crate) fn form(links: &Links, snapshot: &SnapshotRef) -> Markup {
    let action = links.act(snapshot, "verify");
    html! {
        form.verify method="post" action=(action) hx-post=(action) hx-target="#result" {
            input type="hidden" name="kind" value=(snapshot.kind);
            button type="submit" { "Verify" }
        }
    }
}

/// The button that has what is damaged written anew.
fn repair_form(links: &Links, snapshot: &SnapshotRef) -> Markup {
    let action = links.act(snapshot, "verify");
    html! {
        form.verify method="post" action=(action) hx-post=(action) hx-target="#result" {
            input type="hidden" name="kind" value=(snapshot.kind);
            input type="hidden" name="repair" value="1";
            button type="submit" { "Repair from the database" }
        }
    }
}

fn result(links: &Links, verified: &Verified, repair: bool) -> Markup {
    let said = match verified.state {
        State::Intact => format!("{} is intact", verified.snapshot),
        State::Damaged => format!("{} is damaged", verified.snapshot),
    };
    let damaged = (verified.state == State::Damaged).then_some(&said);
    let intact = (verified.state == State::Intact).then_some(&said);
    html! {
        div.result data-status=[intact] data-alert=[damaged] {
            h2 #result-title tabindex="-1" data-focus { (said) }
            p {
                (row::state(verified.state)) " · "
                (count(verified.rows, "row", "rows")) " and " (bytes(verified.bytes)) " read back"
            }
            @if !verified.damage.is_empty() {
                ul.damage { @for line in &verified.damage { li { (line) } } }
                @if !verified.dependents.is_empty() {
                    p { "What is damaged is also needed by:" }
                    ul.dependents { @for other in &verified.dependents { li { (other) } } }
                }
                @if repair {
                    p {
                        "The database no longer has the rest of it. "
                        "Take a new snapshot, then delete this one."
                    }
                } @else {
                    p { "What the database still has the same rows for can be written anew." }
                    (repair_form(links, &verified.snapshot))
                }
            }
            @if !verified.repaired.is_empty() {
                p { "Repaired:" }
                ul.repaired { @for line in &verified.repaired { li { (line) } } }
            }
        }
    }
}
