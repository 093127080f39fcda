//! Choosing another database, for the dialog that a key opens.

use maud::{Markup, html};
use poem::{Response, handler};
use serde_json::json;

use super::console::{Console, Wanted, blocking, redirect};
use super::links::Links;
use crate::many::Name;

#[handler]
pub(crate) async fn show(console: Console) -> poem::Result<Response> {
    let links = console.links();
    if console.wanted() == Wanted::Page {
        return Ok(redirect(&links.list()));
    }
    let names = blocking(console.databases()?, |databases| Ok(databases.names())).await?;
    let facts = json!({"databases": names});
    Ok(console.answer(&facts, "Databases", || choice(links, &names)).await?)
}

fn choice(links: &Links, names: &[Name]) -> Markup {
    html! {
        h2 #picker-title { "Databases" }
        form method="dialog" {
            label.vh for="pick" { "A part of the name" }
            input #pick
                type="search" placeholder="A part of the name" aria-controls="pick-list"
                autocomplete="off";
            button { "Close" }
        }
        ul #pick-list {
            @for name in names { li { a href=(links.of_database(name).list()) { (name) } } }
        }
        p.soft { a href=(links.list()) { "Overview" } " shows how it stands with each." }
    }
}
