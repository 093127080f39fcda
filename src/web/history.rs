//! What was done, when, by whom, and what came of it; and the search for some of it.

use jiff::Timestamp;
use maud::{Markup, html};
use poem::{Response, handler};

use super::console::{Console, Wanted, present};
use super::dom;
use super::error::sentence;
use super::fields::Fields;
use super::format::{count, moment, number};
use super::links::Links;
use crate::error::{Error, Result};
use crate::snapshot::{Action, HistoryPage, HistoryQuery, Occurrence, SnapshotRef};

/// Columns of the table.
const COLUMNS: usize = 5;

#[handler]
pub(crate) async fn show(console: Console, fields: Fields) -> poem::Result<Response> {
    let query = query(&fields)?;
    let asked = query.clone();
    let facts = console.blocking(move |snapshots| snapshots.history_page(&asked)).await?;
    let part = Part { links: console.links(), query: &query, facts: &facts, now: present() };
    let markup = || match console.wanted() {
        Wanted::Fragment if query.before.is_some() => part.rows(true),
        Wanted::Fragment => part.table(),
        _ => html! {
            (part.form())
            section #occurrences { (part.table()) }
        },
    };
    Ok(console.answer(&facts, "History", markup).await?)
}

/// What a request wants of the history.
fn query(fields: &Fields) -> Result<HistoryQuery> {
    let ok = match fields.filled("outcome")? {
        None => None,
        Some("done") => Some(true),
        Some("failed") => Some(false),
        Some(other) => {
            return Err(Error::invalid(format!("there is no outcome named {other:?}"))
                .on("outcome")
                .hint("state outcome=done or outcome=failed, or leave it out"));
        }
    };
    let limit = match fields.filled("limit")? {
        None => 0,
        Some(text) => {
            text.parse().ok().filter(|limit| (1..=10_000).contains(limit)).ok_or_else(|| {
                Error::invalid("the number of lines is not from 1 to 10000")
                    .on("limit")
                    .hint("send limit=200, or leave it out")
            })?
        }
    };
    Ok(HistoryQuery {
        words: fields.one("q")?.unwrap_or_default().to_owned(),
        action: fields.read("what")?,
        ok,
        before: fields.filled("before")?.map(str::to_owned),
        limit,
    })
}

/// A page of the history, and what it was asked for with.
struct Part<'p> {
    links: &'p Links,
    query: &'p HistoryQuery,
    facts: &'p HistoryPage,
    now: Timestamp,
}

impl Part<'_> {
    fn form(&self) -> Markup {
        let link = self.links.history();
        let query = self.query;
        html! {
            form.tools.search
                action=(link) method="get" role="search"
                hx-get=(link) hx-target="#occurrences" hx-swap="innerHTML"
                hx-trigger="input changed delay:250ms, submit" hx-sync="this:replace"
            {
                input #filter
                    type="search" name="q" value=(query.words.trim()) autocomplete="off"
                    placeholder="Search  ( / )"
                    aria-label="Search in who, which snapshot, outcome, plan, date"
                    aria-controls="occurrences";
                label {
                    "What "
                    select name="what" {
                        option value="" { "everything" }
                        @for action in Action::ALL {
                            option value=(action.name()) selected[query.action == Some(action)] {
                                (action.done())
                            }
                        }
                    }
                }
                label {
                    "Outcome "
                    select name="outcome" {
                        option value="" { "any" }
                        option value="done" selected[query.ok == Some(true)] { "done" }
                        option value="failed" selected[query.ok == Some(false)] { "failed" }
                    }
                }
                button.button type="submit" { "Search" }
            }
        }
    }

    fn table(&self) -> Markup {
        if self.facts.history.is_empty() && self.facts.next.is_none() {
            return self.none();
        }
        html! {
            @if self.query.before.is_some() {
                p { a href=(self.from(None)) { "Back to the newest" } }
            }
            table.history.card data-status=[self.said()] {
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
                tbody { (self.rows(false)) }
            }
        }
    }

    /// The lines, and the way to the earlier ones.
    fn rows(&self, focus: bool) -> Markup {
        let none = self.facts.history.is_empty();
        html! {
            @for (place, one) in self.facts.history.iter().enumerate() {
                (line(self.links, one, self.now, focus && place == 0))
            }
            @if none {
                tr.none {
                    td colspan=(COLUMNS) tabindex=[focus.then_some("-1")] data-focus[focus] {
                        "Nothing among the lines looked at so far."
                    }
                }
            }
            @if let Some(next) = &self.facts.next {
                @let next = self.from(Some(next.clone()));
                tr.more-row {
                    td colspan=(COLUMNS) {
                        a.more href=(next) hx-get=(next) hx-target="closest tr" hx-swap="outerHTML" {
                            @if none { "Search further back" } @else { "Earlier" }
                        }
                    }
                }
            }
        }
    }

    fn none(&self) -> Markup {
        if self.query.before.is_some() {
            return html! {
                p { "There is nothing earlier. " a href=(self.from(None)) { "Back to the newest" } }
            };
        }
        if !self.query.is_everything() {
            return html! {
                p data-status="Nothing in the history matches" {
                    strong { "Nothing in the history matches." } " "
                    a href=(self.links.history()) { "Show all of it" }
                }
            };
        }
        html! {
            p { strong { "Nothing was done yet." } }
            p.soft {
                "What is taken, restored, deleted and pruned is written down here: when, by whom, "
                "and what came of it, failures too. A restore can be undone from here."
            }
        }
    }

    /// The same query, from another place on.
    fn from(&self, before: Option<String>) -> String {
        self.links.history_of(&HistoryQuery { before, ..self.query.clone() })
    }

    /// How much was found, for whoever searches.
    fn said(&self) -> Option<String> {
        let more = if self.facts.next.is_some() { " or more" } else { "" };
        let found = count(self.facts.history.len() as u64, "line", "lines");
        (!self.query.is_everything()).then(|| format!("{found}{more}"))
    }
}

fn line(links: &Links, one: &Occurrence, now: Timestamp, focus: bool) -> Markup {
    html! {
        tr {
            td tabindex=[focus.then_some("-1")] data-focus[focus] { (moment(one.at, now)) }
            td {
                (what(one))
                @if let Some(scope) = one.scope { " (" (scope) ")" }
            }
            td { @if let Some(snapshot) = &one.snapshot { (name(links, snapshot)) } }
            td { bdi { (one.by) } }
            td {
                @if !one.ok { strong { "failed: " } }
                bdi { (one.outcome) }
                @if let Some(hint) = one.hint.as_ref().filter(|_| !one.ok) {
                    " · " bdi { (hint) }
                }
                @if let Some(rewind) = one.rewind.as_ref().filter(|_| one.ok) {
                    " · " a href=(links.restore(rewind, one.scope)) { "undo…" }
                }
                (measured(one))
            }
        }
    }
}

/// What was done, or was not.
fn what(one: &Occurrence) -> String {
    match (one.action, one.ok) {
        // It did follow; what failed is the hook itself.
        (Action::Hook, false) => "hook failed".to_owned(),
        (action, true) => action.done().to_owned(),
        (action, false) => format!("not {}", action.done()),
    }
}

/// How long it took, and by which plan.
fn measured(one: &Occurrence) -> Markup {
    let took = one.took_ms.map(|took| format!("took {} ms", number(took)));
    // Words of a restore that was done tell it.
    let waited = one.lock_ms.filter(|_| !one.ok);
    let waited = waited.map(|waited| format!("writers waited {} ms", number(waited)));
    let plan = one.plan.as_ref().map(|plan| format!("plan {plan}"));
    let told: Vec<String> = [took, waited, plan].into_iter().flatten().collect();
    html! { @if !told.is_empty() { " " span.soft { (told.join(" · ")) } } }
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
                        href=(link) hx-get=(link) hx-target=(dom::target("undo", rewind))
                    { "Undo… " kbd { "u" } }
                }
                div.confirming id=(dom::id("undo", rewind)) {}
            }
        }
    }
}
