//! The overview over several databases: position, newest snapshot and state of each.

use std::time::Duration;

use jiff::Timestamp;
use maud::{Markup, html};
use poem::http::StatusCode;
use poem::{Response, handler};
use serde::Serialize;

use super::console::{Console, Wanted, blocking, html_with, present};
use super::fields::Fields;
use super::format::{count, moment, number, number_or_dash};
use super::layout;
use super::links::Links;
use crate::many::{Condition, Databases, Status};

/// How long a page waits for a look at the databases: what takes longer is on the next page.
const GLANCE: Duration = Duration::from_millis(100);

#[derive(Serialize)]
struct Overview {
    databases: Vec<Status>,
    /// How many there are, whatever they are narrowed to.
    total: usize,
    /// How many of all cannot be opened.
    failed: usize,
    #[serde(skip)]
    typed: String,
}

impl Overview {
    /// Those of all that fit what was typed.
    fn of(mut databases: Vec<Status>, typed: &str) -> Self {
        let total = databases.len();
        let failed = databases.iter().filter(|one| one.condition == Condition::Failed).count();
        databases.retain(|database| lets_through(typed, database));
        Self { databases, total, failed, typed: typed.to_owned() }
    }
}

#[handler]
pub(crate) async fn show(console: Console, fields: Fields) -> poem::Result<Response> {
    let typed = fields.one("q")?.unwrap_or_default();
    let facts = Overview::of(look(console.databases()?).await, typed);
    let (links, now) = (console.links(), present());
    if console.wanted() == Wanted::Page {
        let content = page(links, &facts, now);
        let page = console.page("Databases", None, &console.under_way(), &content);
        return Ok(html_with(StatusCode::OK, page));
    }
    Ok(console.answer(&facts, "Databases", || refreshed(links, &facts, now)).await?)
}

/// How it stands with every database. Nothing is waited for beyond a moment: what a page shows is
/// what was read before.
pub(crate) async fn look(databases: &Databases) -> Vec<Status> {
    let looking = databases.clone();
    let look = tokio::spawn(async move {
        blocking(&looking, |databases| {
            databases.look();
            Ok(())
        })
        .await
    });
    // It goes on when nobody waits any more.
    let _ = tokio::time::timeout(GLANCE, look).await;
    databases.statuses()
}

/// Whether each word that was typed stands in the name, the path or the state.
fn lets_through(typed: &str, database: &Status) -> bool {
    let reason = database.reason.as_deref().unwrap_or_default();
    let text = format!("{} {} {} {reason}", database.title, database.path, said(database));
    let text = text.to_lowercase();
    typed.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

fn page(links: &Links, facts: &Overview, now: Timestamp) -> Markup {
    let again = links.list();
    html! {
        h1.vh { "Databases" }
        div.tools {
            a.button.primary #take-open
                href=(links.take_all()) hx-get=(links.take_all()) hx-target="#tool"
            { "Take all " kbd { "t" } }
            form.filter action=(again) method="get" role="search" {
                input #filter
                    type="search" name="q" value=(facts.typed)
                    placeholder="Filter by name, state  ( / )"
                    aria-label="Filter by name, file, state" aria-controls="rows"
                    autocomplete="off";
                button.vh type="submit" { "Filter" }
            }
        }
        div #tool {}
        div #result {}
        table #overview.card {
            caption.vh { "Databases by name" }
            thead {
                tr {
                    th scope="col" { "Database" }
                    th.num scope="col" { "Event" }
                    th scope="col" { "Newest snapshot" }
                    th.num scope="col" { "Snapshots" }
                    th scope="col" { "State" }
                }
            }
            tbody #rows data-counted="database databases"
                hx-get=(again) hx-trigger="every 5s" hx-swap="innerMorph" data-unasked
            { (rows(links, facts, now)) }
        }
        p #shown.soft { (shown(facts)) }
    }
}

/// The rows of the page as they are now, for the answer to what made them old.
pub(crate) fn renewed(links: &Links, databases: &Databases) -> Markup {
    let facts = Overview::of(databases.statuses(), "");
    let now = present();
    html! {
        (layout::partial("#rows", "innerMorph", &rows(links, &facts, now)))
        (layout::partial("#shown", "innerHTML", &shown(&facts)))
    }
}

/// What a page that is open already shows anew.
fn refreshed(links: &Links, facts: &Overview, now: Timestamp) -> Markup {
    html! {
        (rows(links, facts, now))
        (layout::partial("#shown", "innerHTML", &shown(facts)))
    }
}

fn rows(links: &Links, facts: &Overview, now: Timestamp) -> Markup {
    html! {
        @if facts.databases.is_empty() {
            tr.none {
                td colspan="5" {
                    @if facts.total == 0 {
                        p { strong { "No database yet." } }
                        p { "A file that fits the pattern is here as soon as it is there." }
                    } @else {
                        p { "No database matches “" bdi { (facts.typed) } "”. Clear the filter to see all." }
                    }
                }
            }
        }
        @for database in &facts.databases { (row(links, database, now)) }
    }
}

fn row(links: &Links, database: &Status, now: Timestamp) -> Markup {
    let figures = database.figures.as_ref();
    let newest = figures.and_then(|figures| figures.newest.as_ref());
    let own = database.name.as_ref().map(|name| links.of_database(name));
    html! {
        tr.database id=[database.name.as_ref().map(|name| format!("database-{name}"))] {
            th scope="row" title=(database.path) {
                @if let (Some(name), Some(own)) = (&database.name, &own) {
                    a.open href=(own.list()) { (name) }
                } @else { bdi { (database.title) } }
            }
            td.num { @if let Some(figures) = figures { (number_or_dash(figures.position)) } }
            td {
                @if let (Some(newest), Some(own)) = (newest, &own) {
                    a href=(own.row(&newest.snapshot)) { (moment(newest.created_at, now)) }
                } @else if figures.is_some() { span.soft { "none" } }
            }
            td.num { @if let Some(figures) = figures { (number(figures.snapshots as u64)) } }
            td { (state(database)) }
        }
    }
}

fn state(database: &Status) -> Markup {
    let sound = match database.condition {
        Condition::Unread => None,
        Condition::Ready => Some(database.figures.as_ref().is_none_or(|one| one.damaged == 0)),
        Condition::Failed => Some(false),
    };
    let (intact, damaged) = (sound == Some(true), sound == Some(false));
    html! {
        span.soft[sound.is_none()].state[sound.is_some()].intact[intact].damaged[damaged] {
            (said(database))
        }
        @if let Some(reason) = &database.reason { " " span.soft { bdi { (reason) } } }
        @if let Some(hint) = &database.hint { span.soft { "; " (hint) } }
    }
}

/// The state in words.
fn said(database: &Status) -> String {
    let damaged = database.figures.as_ref().map_or(0, |figures| figures.damaged);
    match database.condition {
        Condition::Unread => "not read yet".to_owned(),
        Condition::Ready if damaged > 0 => {
            count(damaged as u64, "damaged snapshot", "damaged snapshots")
        }
        Condition::Ready => "ready".to_owned(),
        Condition::Failed => "cannot be opened:".to_owned(),
    }
}

/// How many there are, to be read and to be spoken.
fn shown(facts: &Overview) -> Markup {
    let all = count(facts.total as u64, "database", "databases");
    let said = match facts.databases.len() {
        shown if shown == facts.total => all,
        shown => format!("{} of {all}", number(shown as u64)),
    };
    html! {
        @if facts.total > 0 { span { (said) } }
        @if facts.failed > 0 { " · " span.damaged { (number(facts.failed as u64)) " cannot be opened" } }
    }
}
