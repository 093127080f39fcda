//! The events after a snapshot, newest first: what a rewind would take from the log.

use maud::{Markup, html};
use poem::web::Path;
use poem::{Response, handler};

use super::cell;
use super::console::{Console, Wanted};
use super::fields::Fields;
use super::format::{count, number};
use super::links::Links;
use super::table::limit;
use crate::error::{Error, Result};
use crate::snapshot::{Event, EventPage, Events, SnapshotRef};

#[handler]
pub(crate) async fn show(
    console: Console,
    Path(id): Path<String>,
    fields: Fields,
) -> poem::Result<Response> {
    let snapshot = fields.snapshot(&id)?;
    let page = page(&fields)?;
    let asked = (snapshot.clone(), page.clone());
    let facts =
        console.blocking(move |snapshots| snapshots.events_page(&asked.0, &asked.1)).await?;
    let later = page.before.is_some() && console.wanted() == Wanted::Fragment;
    let title = format!("Events after {snapshot}");
    let markup = || events(console.links(), &snapshot, &facts, page.kind.as_deref(), later);
    Ok(console.answer(&facts, &title, markup).await?)
}

fn page(fields: &Fields) -> Result<EventPage> {
    let before = fields.filled("before")?.map(|text| {
        text.parse().map_err(|_| {
            Error::invalid("the position is not a whole number")
                .on("before")
                .hint("send the next of the page before, or leave it out")
        })
    });
    Ok(EventPage {
        before: before.transpose()?,
        // Events without a type are a type too: the empty one.
        kind: fields.one("type")?.map(str::to_owned),
        limit: limit(fields)?,
    })
}

/// The events as a table; with `later`, only what a later page adds to it.
fn events(
    links: &Links,
    snapshot: &SnapshotRef,
    facts: &Events,
    of_type: Option<&str>,
    later: bool,
) -> Markup {
    let next = facts.next.map(|before| links.events(snapshot, of_type, Some(before)));
    if later {
        return body(facts, next.as_deref(), true);
    }
    html! {
        div.event-rows data-status=(said(facts, of_type)) {
            @if facts.events.is_empty() {
                p { "No event came after this snapshot: the log stands where it stood." }
            } @else {
                table.rows tabindex="0" aria-label=(format!("Events after {snapshot}")) {
                    thead {
                        tr {
                            th.key scope="col" { "Event" }
                            th scope="col" { "Type" }
                            @for name in &facts.columns { th scope="col" { bdi { (name) } } }
                        }
                    }
                    tbody { (body(facts, next.as_deref(), false)) }
                }
            }
        }
    }
}

fn said(facts: &Events, of_type: Option<&str>) -> String {
    let more = if facts.next.is_some() { ", and more" } else { "" };
    let of_type = of_type.filter(|name| !name.is_empty());
    let of_type = of_type.map(|name| format!(" of type {name}")).unwrap_or_default();
    format!("{}{of_type}{more}", count(facts.events.len() as u64, "event", "events"))
}

fn body(facts: &Events, next: Option<&str>, focus: bool) -> Markup {
    html! {
        @for (place, event) in facts.events.iter().enumerate() {
            (row(event, &facts.columns, focus && place == 0))
        }
        @if let Some(next) = next {
            tr.more-row {
                td colspan=(facts.columns.len() + 2) {
                    a.more href=(next) hx-get=(next) hx-target="closest tr" hx-swap="outerHTML" {
                        "Earlier events"
                    }
                }
            }
        }
    }
}

fn row(event: &Event, columns: &[String], focus: bool) -> Markup {
    html! {
        tr {
            th.key scope="row" tabindex=[focus.then_some("-1")] data-focus[focus] {
                (number(event.position))
            }
            td { bdi { (event.kind) } }
            @for (_, value) in event.values.iter().filter(|(name, _)| columns.contains(name)) {
                td { (cell::value(value)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Value;

    fn facts(next: Option<i64>) -> Events {
        let values = vec![
            ("id".to_owned(), Value::Integer(9)),
            ("type".to_owned(), Value::Text("<b>".to_owned())),
            ("payload".to_owned(), Value::Text("{\"n\":1}".to_owned())),
        ];
        let columns = vec!["payload".to_owned()];
        Events {
            columns,
            events: vec![Event { position: 9, kind: "<b>".to_owned(), values }],
            next,
        }
    }

    #[test]
    fn position_and_type_are_told_once() {
        let snapshot = "periodic/a".parse().expect("a name");
        let markup = events(&Links::new(""), &snapshot, &facts(None), None, false).into_string();
        assert_eq!(markup.matches("&lt;b&gt;").count(), 1, "{markup}");
        assert!(!markup.contains("Earlier events"), "{markup}");
    }

    #[test]
    fn a_later_page_is_rows_alone_and_keeps_the_type() {
        let snapshot = "periodic/a".parse().expect("a name");
        let links = Links::new("");
        let markup = events(&links, &snapshot, &facts(Some(9)), Some("a&b"), true).into_string();
        assert!(markup.starts_with("<tr"), "{markup}");
        let link = "/snapshots/a/events?kind=periodic&amp;type=a%26b&amp;before=9";
        assert!(markup.contains(link), "{markup}");
    }
}
