//! Reading a snapshot back, every byte of it.

use maud::{Markup, html};
use poem::http::StatusCode;
use poem::web::Path;
use poem::{Response, handler};

use super::console::{BY, Console};
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
    Ok(jobs::run(&console, Verify { snapshot }).await?)
}

struct Verify {
    snapshot: SnapshotRef,
}

impl Work for Verify {
    type Done = Verified;

    fn named(&self) -> (Action, Option<SnapshotRef>) {
        (Action::Verify, Some(self.snapshot.clone()))
    }

    fn run(&mut self, snapshots: &Snapshots) -> Result<Verified> {
        snapshots.verify(Some(&self.snapshot), BY)?.into_iter().next().ok_or_else(|| {
            Error::not_found("there is no such snapshot")
                .on(&self.snapshot)
                .hint("open the list and choose a snapshot")
        })
    }

    fn tell(&self, verified: &Verified, telling: &Telling<'_>) -> Result<Response> {
        telling.console.done(Action::Verify, StatusCode::OK, verified, || result(verified))
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

fn result(verified: &Verified) -> Markup {
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
                p { "Take a new snapshot, then delete this one." }
            }
        }
    }
}
