//! The overview over several databases: position, newest snapshot and state of each.

use std::time::Duration;

use maud::{Markup, html};
use poem::{Response, handler};
use serde::Serialize;

use super::console::{Console, blocking, present};
use super::format::{count, moment, number_or_dash};
use super::links::Links;
use crate::many::{Condition, Databases, Status};

/// How long a page waits for a look at the databases: what takes longer is on the next page.
const GLANCE: Duration = Duration::from_millis(100);

#[derive(Serialize)]
struct Overview {
    databases: Vec<Status>,
}

#[handler]
pub(crate) async fn show(console: Console) -> poem::Result<Response> {
    let facts = Overview { databases: look(console.databases()?).await };
    let markup = || table(console.links(), &facts.databases);
    Ok(console.answer(&facts, "Databases", markup).await?)
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

fn table(links: &Links, databases: &[Status]) -> Markup {
    html! {
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
            tbody #rows { @for database in databases { (row(links, database)) } }
        }
        p #shown.soft { (count(databases.len() as u64, "database", "databases")) }
    }
}

fn row(links: &Links, database: &Status) -> Markup {
    let figures = database.figures.as_ref();
    let newest = figures.and_then(|figures| figures.newest.as_ref());
    html! {
        tr.database {
            th scope="row" title=(database.path) {
                @match &database.name {
                    Some(name) => { a.open href=(links.of_database(name).list()) { (name) } }
                    None => { bdi { (database.title) } }
                }
            }
            td.num { @if let Some(figures) = figures { (number_or_dash(figures.position)) } }
            td {
                @if let Some(newest) = newest { (moment(newest.created_at, present())) }
                @else if figures.is_some() { span.soft { "none" } }
            }
            td.num { @if let Some(figures) = figures { (figures.snapshots) } }
            td { (state(database)) }
        }
    }
}

fn state(database: &Status) -> Markup {
    let damaged = database.figures.as_ref().map_or(0, |figures| figures.damaged);
    html! {
        @match database.condition {
            Condition::Unread => span.soft { "not read yet" },
            Condition::Ready if damaged > 0 => {
                span.state.damaged { (count(damaged as u64, "damaged snapshot", "damaged snapshots")) }
            }
            Condition::Ready => span.state.intact { "ready" },
            Condition::Failed => {
                span.state.damaged { "cannot be opened" }
                @if let Some(reason) = &database.reason { p.soft { bdi { (reason) } } }
                @if let Some(hint) = &database.hint { p.soft { (hint) } }
            }
        }
    }
}
