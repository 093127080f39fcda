//! Two snapshots beside each other, or one and now.

use maud::{Markup, html};
use poem::{Response, handler};

use super::console::{Console, Wanted};
use super::fields::Fields;
use super::links::Links;
use super::{changes, table};
use crate::error::{Error, Result};
use crate::snapshot::{Change, Point, Preview};

const SAME: &str = "Nothing: every table has the same rows on both sides.";

/// Answers `from` and `to`, or the marks of the list; with `table`, the changed rows of that one.
#[handler]
pub(crate) async fn show(console: Console, fields: Fields) -> poem::Result<Response> {
    let (from, to) = points(&fields)?;
    let links = console.links();
    if let Some(name) = fields.filled("table")? {
        let page = table::page(&fields)?;
        let (change, later) = (page.change, page.after.is_some());
        let (name, asked) = (name.to_owned(), (from.clone(), to.clone()));
        let rows = console
            .blocking(move |snapshots| snapshots.rows(&asked.0, &asked.1, &name, &page))
            .await?;
        let title = format!("{} in {from} and {to}", rows.table);
        let markup = || {
            table::rows(
                &rows,
                change,
                later && console.wanted() == Wanted::Fragment,
                |change, after| links.compare_rows(&from, &to, &rows.table, change, after),
            )
        };
        return Ok(console.answer(&rows, &title, markup).await?);
    }
    let asked = (from.clone(), to.clone());
    let preview = console.blocking(move |snapshots| snapshots.compare(&asked.0, &asked.1)).await?;
    let title = format!("Compare {from} with {to}");
    let fragment = console.wanted() == Wanted::Fragment;
    Ok(console
        .answer(&preview, &title, || comparison(links, &from, &to, &preview, fragment))
        .await?)
}

/// Both sides. One mark alone is compared with now; the first of two is what `from` says.
fn points(fields: &Fields) -> Result<(Point, Point)> {
    let marks: Vec<&str> = fields.all("mark").collect();
    let (from, to) = (fields.filled("from")?, fields.filled("to")?);
    match (from, to, marks.as_slice()) {
        (Some(from), Some(to), []) => Ok((from.parse()?, to.parse()?)),
        (None, Some(to), []) => Ok((Point::Now, to.parse()?)),
        (None, None, [one]) => Ok((Point::Now, one.parse()?)),
        (None, None, [from, to]) => Ok((from.parse()?, to.parse()?)),
        (None, None, []) => Err(Error::invalid("no snapshot is marked")
            .on("mark")
            .hint("mark one snapshot to compare it with now, or two")),
        (None, None, _) => Err(Error::invalid("more than two snapshots are marked")
            .on("mark")
            .hint("leave two marks, or one to compare with now")),
        _ => Err(Error::invalid("one side of the comparison is missing")
            .on("from and to")
            .hint("state from=KIND/ID and to=KIND/ID; now is a point too")),
    }
}

fn comparison(links: &Links, from: &Point, to: &Point, preview: &Preview, titled: bool) -> Markup {
    let side = |point: &Point| match point {
        Point::Now => "now".to_owned(),
        Point::Snapshot(snapshot) => snapshot.to_string(),
    };
    let events = changes::EventLinks {
        place: "events-compare".to_owned(),
        link: |of_type: Option<&str>| match (from, to) {
            (Point::Now, Point::Snapshot(snapshot)) => Some(links.events(snapshot, of_type, None)),
            // Between two snapshots events are rows of the log like any others, of all types.
            _ => preview
                .event_log
                .as_ref()
                .filter(|_| of_type.is_none())
                .map(|log| links.compare_rows(from, to, &log.name, Some(Change::Removed), None)),
        },
    };
    html! {
        div.comparison data-status=(changes::said(preview)) {
            @if titled {
                h2 #result-title tabindex="-1" data-focus {
                    "From " code { (side(from)) } " to " code { (side(to)) }
                }
            }
            div.pane {
                div.changes-col {
                    h3 { "What going from " (side(from)) " to " (side(to)) " changes" }
                    (changes::tables(preview, SAME, "rows-compare", |table| {
                        links.compare_rows(from, to, table, None, None)
                    }))
                }
                div.events-col { (changes::events(preview, "between the two", &events)) }
                div id=(events.place) {}
                (changes::remarks(preview))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use poem::http::Uri;
    use poem::{FromRequest, Request};

    use super::*;

    async fn points_of(query: &str) -> Result<(Point, Point)> {
        let uri: Uri = format!("/snapshots/compare?{query}").parse().expect("an address");
        let request = Request::builder().uri(uri).finish();
        points(&Fields::from_request_without_body(&request).await.expect("fields"))
    }

    #[tokio::test]
    async fn one_mark_is_compared_with_now_and_two_with_each_other() {
        let (from, to) = points_of("mark=periodic/a").await.expect("two points");
        assert_eq!((from.to_string(), to.to_string()), ("now".into(), "periodic/a".into()));
        let (from, to) = points_of("mark=rewind/b&mark=periodic/a").await.expect("two points");
        assert_eq!((from.to_string(), to.to_string()), ("rewind/b".into(), "periodic/a".into()));
        for wrong in ["", "from=now", "mark=a", "mark=periodic/a&mark=periodic/b&mark=periodic/c"] {
            let error = points_of(wrong).await.expect_err(wrong);
            assert!(!error.next_step().is_empty(), "{wrong}");
        }
    }
}
