//! What was done, when, by whom, and what came of it.

use jiff::Timestamp;
use maud::{Markup, html};
use poem::{Response, handler};
use serde::Serialize;

use super::console::{Console, present};
use super::dom;
use super::error::sentence;
use super::fields::Fields;
use super::format::moment;
use super::links::Links;
use crate::error::Error;
use crate::snapshot::{Occurrence, SnapshotRef};

/// How many lines are shown unless more are asked for.
const SHOWN: usize = 200;

#[derive(Serialize)]
struct History {
    history: Vec<Occurrence>,
}

#[handler]
pub(crate) async fn show(console: Console, fields: Fields) -> poem::Result<Response> {
    let limit = match fields.filled("limit")? {
        None => SHOWN,
        Some(text) => {
            text.parse().ok().filter(|limit| (1..=10_000).contains(limit)).ok_or_else(|| {
                Error::invalid("the number of lines is not from 1 to 10000")
                    .on("limit")
                    .hint("send limit=200, or leave it out")
            })?
        }
    };
    let history = console.blocking(move |snapshots| snapshots.history(limit)).await?;
    let facts = History { history };
    let links = console.links();
    Ok(console.answer(&facts, "History", || table(links, &facts.history, present())).await?)
}

fn table(links: &Links, history: &[Occurrence], now: Timestamp) -> Markup {
    html! {
        @if history.is_empty() {
            p { strong { "Nothing was done yet." } }
            p.soft {
                "What is taken, restored, deleted and pruned is written down here: when, by whom, "
                "and what came of it, failures too. A restore can be undone from here."
            }
        } @else {
            table.history.card {
                caption.vh { "What was done, newest first" }
                thead {
                    tr {
                        th scope="col" { "When" }
                        th scope="col" { "What" }
                        th scope="col" { "Snapshot" }
                        th scope="col" { "By" }
                        th scope="col" { "Outcome" }
                    }
                }
                tbody { @for one in history { (line(links, one, now)) } }
            }
        }
    }
}

fn line(links: &Links, one: &Occurrence, now: Timestamp) -> Markup {
    html! {
        tr {
            td { (moment(one.at, now)) }
            td {
                @if !one.ok { "not " }
                (one.action.done())
                @if let Some(scope) = one.scope { " (" (scope) ")" }
            }
            td { @if let Some(snapshot) = &one.snapshot { (name(links, snapshot)) } }
            td { bdi { (one.by) } }
            td {
                @if !one.ok { strong { "failed: " } }
                bdi { (one.outcome) }
                @if let Some(rewind) = one.rewind.as_ref().filter(|_| one.ok) {
                    " · " a href=(links.restore(rewind, one.scope)) { "undo…" }
                }
            }
        }
    }
}

fn name(links: &Links, snapshot: &SnapshotRef) -> Markup {
    html! { a href=(links.preview(snapshot)) { code { (snapshot) } } }
}

/// The newest occurrence, as the list tells it after a redirect.
pub(crate) fn outcome(links: &Links, one: &Occurrence) -> Markup {
    let name = one.snapshot.as_ref().map(ToString::to_string).unwrap_or_default();
    let title = if one.ok {
        sentence(format!("{} {name}", one.action.done()).trim())
    } else {
        sentence(format!("{name} was not {}", one.action.done()).trim())
    };
    let undo = one.rewind.as_ref().filter(|_| one.ok);
    html! {
        div.result data-status=[one.ok.then_some(&title)] data-alert=[(!one.ok).then_some(&title)] {
            h2 #result-title tabindex="-1" data-focus { (title) }
            p { bdi { (one.outcome) } }
            @if let Some(rewind) = undo {
                @let link = links.restore(rewind, one.scope);
                p { "The state before is kept as " a href=(links.row(rewind)) { (rewind) } "." }
                p {
                    a #undo.button data-key-undo
                        href=(link) hx-get=(link) hx-target=(dom::target("confirm", rewind))
                    { "Undo… " kbd { "u" } }
                }
                div id=(dom::id("confirm", rewind)) {}
            }
        }
    }
}
