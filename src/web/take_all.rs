//! Taking a snapshot of each of several databases.

use maud::{Markup, html};
use poem::http::StatusCode;
use poem::{Response, handler};
use serde::Serialize;

use super::console::{Console, Wanted, blocking, html_with, json, redirect};
use super::fields::Fields;
use super::format::{bytes_or_dash, count};
use super::jobs::{self, Telling, Watched, Work};
use super::links::Links;
use super::{label, layout, overview};
use crate::error::{Error, ErrorKind, Result};
use crate::many::{Databases, Name};
use crate::snapshot::{Action, Entry, LONGEST_NOTE, Progress, SnapshotRef};

/// What would be taken, and a field for a note.
#[handler]
pub(crate) async fn form(console: Console) -> poem::Result<Response> {
    let names = blocking(console.databases()?, |all| Ok(all.names())).await?;
    let links = console.links();
    let facts =
        serde_json::json!({"post": links.take_all(), "fields": ["note"], "databases": names});
    Ok(console.answer(&facts, "Take all", || take_form(links, names.len())).await?)
}

#[handler]
pub(crate) async fn take(console: Console, fields: Fields) -> poem::Result<Response> {
    let note = label::note(&fields)?.filter(|note| !note.is_empty());
    let work = TakeAll { note, by: console.by() };
    let all = All { databases: console.databases()?.clone(), progress: Progress::default() };
    if console.wanted() == Wanted::Page {
        // What came of it has an address of its own.
        return Ok(redirect(&jobs::wait(&console, &all, work).await));
    }
    Ok(jobs::run_on(&console, &all, work).await?)
}

/// Several databases, and the progress that work on them reports.
#[derive(Clone)]
struct All {
    databases: Databases,
    progress: Progress,
}

impl Watched for All {
    fn watched(&self, progress: Progress) -> Self {
        Self { progress, ..self.clone() }
    }
}

struct TakeAll {
    note: Option<String>,
    by: String,
}

/// What came of it for each database.
#[derive(Serialize)]
struct Outcomes {
    taken: usize,
    failed: usize,
    databases: Vec<One>,
}

#[derive(Serialize)]
struct One {
    database: Name,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Taken(Box<Entry>),
    Error(Error),
}

impl Work<All> for TakeAll {
    type Done = Outcomes;

    fn named(&self) -> (Action, Option<SnapshotRef>) {
        (Action::Take, None)
    }

    fn doing(&self) -> Option<&'static str> {
        Some("Taking a snapshot of every database")
    }

    fn counts(&self) -> (&'static str, &'static str) {
        ("database", "databases")
    }

    fn run(&mut self, all: &All) -> Result<Outcomes> {
        let names = all.databases.names();
        all.progress.expect(names.len() as u64);
        let (mut databases, mut taken) = (Vec::new(), 0);
        for database in names {
            // The work itself is never cut: a snapshot that was begun is taken.
            let outcome = match all.progress.step(0) {
                Err(_) => Err(Error::new(ErrorKind::Cancelled, "it was cancelled before")
                    .on(&database)
                    .hint("take a snapshot of it by itself")),
                Ok(()) => all
                    .databases
                    .visit(&database, |snapshots| snapshots.take(self.note.as_deref(), &self.by)),
            };
            // Counted in any case; that it is to end is seen above.
            let _ = all.progress.step(1);
            taken += usize::from(outcome.is_ok());
            let outcome = match outcome {
                Ok(entry) => Outcome::Taken(Box::new(entry)),
                Err(error) => Outcome::Error(error),
            };
            databases.push(One { database, outcome });
        }
        Ok(Outcomes { taken, failed: databases.len() - taken, databases })
    }

    fn tell(&self, done: &Outcomes, telling: &Telling<'_>) -> Result<Response> {
        let (console, links) = (telling.console, telling.console.links());
        match console.wanted() {
            Wanted::Json if done.failed == 0 => json(StatusCode::CREATED, done),
            Wanted::Json => json(StatusCode::OK, done),
            Wanted::Fragment => Ok(html_with(
                StatusCode::OK,
                html! {
                    (outcome(links, done))
                    (layout::partial("#tool", "innerHTML", &html! {}))
                    (overview::renewed(links, console.databases()?))
                },
            )),
            Wanted::Page => {
                let title = "Snapshots of every database";
                let content = html! { h1 { (title) } (outcome(links, done)) };
                let page = console.page(title, None, &console.under_way(), &content);
                Ok(html_with(StatusCode::OK, page))
            }
        }
    }

    fn form(&self) -> Option<String> {
        Some("#tool".to_owned())
    }
}

fn take_form(links: &Links, databases: usize) -> Markup {
    let all = count(databases as u64, "database", "databases");
    html! {
        form.tool #take-form
            method="post" action=(links.take_all())
            hx-post=(links.take_all()) hx-target="#result" hx-disable="find button"
            data-status=(format!("Press Enter to take a snapshot of {all}"))
        {
            p.wide {
                "A snapshot of each of " strong { (all) } " is taken, one after the other. "
                "That goes on when this page is left; what retention lets go of goes as after any snapshot."
            }
            label for="take-note" { "Note for each (optional)" }
            input #take-note type="text" name="note" maxlength=(LONGEST_NOTE) autocomplete="off" data-focus;
            button.button.primary type="submit" { "Take all" }
            a.cancel.button href=(links.list()) { "Cancel " kbd { "Esc" } }
        }
    }
}

fn outcome(links: &Links, done: &Outcomes) -> Markup {
    let taken = count(done.taken as u64, "snapshot taken", "snapshots taken");
    let said = match done.failed {
        0 => taken,
        failed => format!("{taken}, {failed} failed"),
    };
    html! {
        div.result data-status=(said) {
            h2 #result-title tabindex="-1" data-focus { (said) }
            table.outcomes {
                caption.vh { "What came of it for each database" }
                thead { tr { th scope="col" { "Database" } th scope="col" { "Outcome" } th.num scope="col" { "New" } } }
                tbody {
                    // What went wrong comes first.
                    @for one in done.databases.iter().filter(|one| matches!(one.outcome, Outcome::Error(_))) {
                        (line(links, one))
                    }
                    @for one in done.databases.iter().filter(|one| matches!(one.outcome, Outcome::Taken(_))) {
                        (line(links, one))
                    }
                }
            }
        }
    }
}

fn line(links: &Links, one: &One) -> Markup {
    let own = links.of_database(&one.database);
    html! {
        tr {
            th scope="row" { a href=(own.list()) { (one.database) } }
            @match &one.outcome {
                Outcome::Taken(entry) => {
                    td { a href=(own.row(&entry.snapshot())) { (entry.snapshot()) } }
                    td.num { (bytes_or_dash(entry.new_bytes)) }
                }
                Outcome::Error(error) => {
                    td colspan="2" {
                        strong.damaged { "failed: " } bdi { (error.what()) } "; " (error.next_step())
                    }
                }
            }
        }
    }
}
