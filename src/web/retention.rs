//! Retention: what rules would keep of the snapshots that there are, before they are set.

use jiff::Timestamp;
use maud::{Markup, html};
use poem::{Response, handler};

use super::console::{Console, Wanted, present};
use super::fields::Fields;
use super::format::{count, moment};
use super::links::Links;
use super::row;
use crate::error::Result;
use crate::snapshot::{Entry, Retention, Simulation};

/// The rules with what a person reads of them, in the order of the form.
const LABELS: [(&str, &str); 8] = [
    ("keep-last", "Newest"),
    ("keep-hourly", "Hourly"),
    ("keep-daily", "Daily"),
    ("keep-weekly", "Weekly"),
    ("keep-monthly", "Monthly"),
    ("keep-yearly", "Yearly"),
    ("keep-within", "All within"),
    ("keep-rewind-age", "Rewinds younger than"),
];

#[handler]
pub(crate) async fn show(console: Console, fields: Fields) -> poem::Result<Response> {
    let tried = tried(&fields)?;
    let facts = console
        .blocking(move |snapshots| {
            let retention = tried.unwrap_or_else(|| snapshots.retention().clone());
            snapshots.simulate(&retention)
        })
        .await?;
    let (links, whole) = (console.links(), console.wanted() == Wanted::Page);
    let now = present();
    let markup = || {
        html! {
            @if whole { (form(links, &facts)) }
            @if whole { section #simulation { (outcome(links, &facts, now)) } }
            @else { (outcome(links, &facts, now)) }
        }
    };
    Ok(console.answer(&facts, "Retention", markup).await?)
}

/// The rules that are tried out; `None` where none is given. Without a number of the newest, the
/// usual one is meant, as on the command line.
fn tried(fields: &Fields) -> Result<Option<Retention>> {
    let mut tried = None;
    for rule in Retention::RULES {
        if let Some(value) = fields.filled(rule)? {
            tried.get_or_insert_with(Retention::default).set(rule, value)?;
        }
    }
    Ok(tried)
}

fn form(links: &Links, facts: &Simulation) -> Markup {
    html! {
        p.soft {
            "Try rules out here; nothing is changed. They add up: what any of them keeps, stays, and "
            "so does what is pinned. A number is for both kinds, or for each: "
            code { "periodic=7,rewind=2" } ". Times are such as " code { "36h" } ", " code { "14d" }
            ", " code { "6mo" } "; hours, days, weeks, months and years are those of UTC."
        }
        form #rules.rules.card
            action=(links.retention()) method="get"
            hx-get=(links.retention()) hx-target="#simulation" hx-swap="innerHTML"
            hx-trigger="input changed delay:250ms, submit" hx-sync="this:replace"
        {
            @for (place, (rule, label)) in LABELS.iter().enumerate() {
                div.rule {
                    label for=(rule) { (label) }
                    input
                        id=(rule) name=(rule) type="text" autocomplete="off" spellcheck="false"
                        value=[facts.rules.get(*rule)]
                        data-focus[place == 0];
                }
            }
            button.button type="submit" { "Try" }
        }
    }
}

/// What would stay and go, and how to have it so.
fn outcome(links: &Links, facts: &Simulation, now: Timestamp) -> Markup {
    let option = |rule: &&str| Some(format!("--{rule} {}", facts.rules.get(*rule)?));
    let options = Retention::RULES.iter().filter_map(option).collect::<Vec<_>>().join(" ");
    let said = format!(
        "{} would stay, {} would go",
        count(facts.kept as u64, "snapshot", "snapshots"),
        facts.gone
    );
    html! {
        h2 data-status=(said) { (said) }
        p {
            @if facts.applies { "These rules apply now: " } @else { "To have it so, start with " }
            code.options { (options) }
        }
        @if facts.snapshots.is_empty() {
            p.soft { "There is no snapshot yet." }
        } @else {
            table.fates.card {
                caption.vh { "What would become of each snapshot, newest first" }
                thead {
                    tr {
                        th scope="col" { "Snapshot" }
                        th scope="col" { "Kind" }
                        th scope="col" { "Taken" }
                        th scope="col" { "Fate" }
                        th scope="col" { "Why" }
                    }
                }
                tbody { @for entry in &facts.snapshots { (line(links, entry, now)) } }
            }
        }
    }
}

fn line(links: &Links, entry: &Entry, now: Timestamp) -> Markup {
    let snapshot = entry.snapshot();
    html! {
        @if let Some(fate) = &entry.retention {
            tr.goes[!fate.keep] {
                td { a href=(links.preview(&snapshot)) { code { (snapshot.id) } } }
                td { (row::kind(entry.kind)) }
                td { (moment(entry.created_at, now)) }
                td {
                    @if !fate.keep { strong { "goes" } }
                    @else if fate.next_to_go { "stays, next to go" }
                    @else { "stays" }
                }
                td { (fate.why) }
            }
        }
    }
}
