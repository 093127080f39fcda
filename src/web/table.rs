//! The changed rows of one table, cell by cell, in pages.

use maud::{Markup, html};
use poem::web::Path;
use poem::{Response, handler};

use super::cell;
use super::console::{Console, Wanted};
use super::fields::Fields;
use crate::error::{Error, Result};
use crate::snapshot::{Change, Page, Point, RowChange, TableRows, Value};

#[handler]
pub(crate) async fn show(
    console: Console,
    Path((id, table)): Path<(String, String)>,
    fields: Fields,
) -> poem::Result<Response> {
    let snapshot = fields.snapshot(&id)?;
    let page = page(&fields)?;
    let (change, later) = (page.change, page.after.is_some());
    let to = Point::Snapshot(snapshot.clone());
    let facts =
        console.blocking(move |snapshots| snapshots.rows(&Point::Now, &to, &table, &page)).await?;
    let links = console.links();
    let title = format!("{} in {snapshot}", facts.table);
    let markup = || {
        rows(&facts, change, later && console.wanted() == Wanted::Fragment, |change, after| {
            links.rows(&snapshot, &facts.table, change, after)
        })
    };
    Ok(console.answer(&facts, &title, markup).await?)
}

/// Which page the fields ask for.
pub(crate) fn page(fields: &Fields) -> Result<Page> {
    Ok(Page {
        after: fields.filled("after")?.map(str::to_owned),
        change: fields.read("change")?,
        limit: limit(fields)?,
    })
}

/// How many rows a page shall have; 0 when the fields do not say.
pub(crate) fn limit(fields: &Fields) -> Result<usize> {
    let Some(text) = fields.filled("limit")? else { return Ok(0) };
    text.parse().ok().filter(|limit| (1..=1000).contains(limit)).ok_or_else(|| {
        Error::invalid("the number of rows is not from 1 to 1000")
            .on("limit")
            .hint("send limit=50, or leave it out")
    })
}

/// The rows as a table; with `later`, only what a later page adds to it.
///
/// `link` makes the address of the same table with another filter, or after a row.
pub(crate) fn rows(
    facts: &TableRows,
    change: Option<Change>,
    later: bool,
    link: impl Fn(Option<Change>, Option<&str>) -> String,
) -> Markup {
    let next = facts.next.as_deref().map(|after| link(change, Some(after)));
    // The key has its own column; what is in it is not shown twice.
    let shown: Vec<usize> =
        (0..facts.columns.len()).filter(|&at| !facts.key.contains(&facts.columns[at])).collect();
    if later {
        return body(facts, &shown, next.as_deref(), true);
    }
    html! {
        div.table-rows data-status=(said(facts)) {
            p.filters {
                (filter("all", None, change, &link))
                @for (name, one) in
                    [("added", Change::Added), ("removed", Change::Removed), ("changed", Change::Changed)]
                {
                    (filter(name, Some(one), change, &link))
                }
            }
            @if facts.rows.is_empty() {
                p { "No rows differ." }
            } @else {
                table.rows tabindex="0" aria-label=(format!("Changed rows of {}", facts.table)) {
                    thead {
                        tr {
                            th scope="col" { span.vh { "Change" } }
                            th.key scope="col" { bdi { (facts.key.join(", ")) } }
                            @for &at in &shown { th scope="col" { bdi { (facts.columns[at]) } } }
                        }
                    }
                    tbody { (body(facts, &shown, next.as_deref(), false)) }
                }
            }
        }
    }
}

fn said(facts: &TableRows) -> String {
    let more = if facts.next.is_some() { ", and more" } else { "" };
    let rows = super::format::count(facts.rows.len() as u64, "changed row", "changed rows");
    format!("{rows} of {}{more}", facts.table)
}

fn filter(
    name: &str,
    one: Option<Change>,
    chosen: Option<Change>,
    link: &impl Fn(Option<Change>, Option<&str>) -> String,
) -> Markup {
    let href = link(one, None);
    let current = (one == chosen).then_some("true");
    html! {
        a href=(href) hx-get=(href) hx-target="closest .table-rows" hx-swap="outerHTML"
            aria-current=[current]
        { (name) }
    }
}

fn body(facts: &TableRows, shown: &[usize], next: Option<&str>, focus: bool) -> Markup {
    html! {
        @for (place, row) in facts.rows.iter().enumerate() {
            (changed_row(row, shown, focus && place == 0))
        }
        @if let Some(next) = next {
            tr.more-row {
                td colspan=(shown.len() + 2) {
                    a.more href=(next) hx-get=(next) hx-target="closest tr" hx-swap="outerHTML" {
                        "More rows"
                    }
                }
            }
        }
    }
}

fn changed_row(row: &RowChange, shown: &[usize], focus: bool) -> Markup {
    let (sign, words) = match row.change {
        Change::Added => ("+", "would come back"),
        Change::Removed => ("−", "would go"),
        Change::Changed => ("~", "would change"),
    };
    html! {
        tr.(row.change.name()) {
            td.sign title=(words) { (sign) span.vh { " " (words) } }
            th.key scope="row" tabindex=[focus.then_some("-1")] data-focus[focus] {
                @for (place, value) in row.key.iter().enumerate() {
                    @if place > 0 { ", " }
                    (cell::brief(value))
                }
            }
            @for &at in shown { td { (cell_of(row, at)) } }
        }
    }
}

fn cell_of(row: &RowChange, at: usize) -> Markup {
    let side =
        |values: &'_ Option<Vec<Value>>| values.as_ref().and_then(|row| row.get(at)).cloned();
    match (side(&row.before), side(&row.after)) {
        (Some(before), Some(after)) if before == after => {
            html! { span.soft { (cell::brief(&after)) } }
        }
        (Some(before), Some(after)) => cell::change(&before, &after),
        (Some(only), None) | (None, Some(only)) => cell::value(&only),
        (None, None) => html! {},
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(next: Option<&str>) -> TableRows {
        TableRows {
            table: "chats".to_owned(),
            key: vec!["id".to_owned()],
            columns: vec!["id".to_owned(), "name".to_owned()],
            rows: vec![RowChange {
                change: Change::Changed,
                key: vec![Value::Integer(7)],
                before: Some(vec![Value::Integer(7), Value::Text("<script>".to_owned())]),
                after: Some(vec![Value::Integer(7), Value::Null]),
            }],
            next: next.map(str::to_owned),
        }
    }

    #[test]
    fn a_changed_row_shows_before_and_after_and_its_key_once() {
        let markup = rows(&facts(None), None, false, |_, _| String::new()).into_string();
        assert!(markup.contains(r#"<tr class="changed">"#), "{markup}");
        assert!(markup.contains("&lt;script&gt;") && !markup.contains("<script"), "{markup}");
        assert_eq!(markup.matches(">7<").count(), 1, "{markup}");
        assert!(!markup.contains("More rows"), "{markup}");
    }

    #[test]
    fn a_later_page_is_rows_alone_and_ends_with_the_way_on() {
        let link =
            |_: Option<Change>, after: Option<&str>| format!("/t?after={}", after.unwrap_or(""));
        let markup = rows(&facts(Some("9")), None, true, link).into_string();
        assert!(markup.starts_with("<tr"), "{markup}");
        assert!(markup.contains(r#"hx-get="/t?after=9" hx-target="closest tr""#), "{markup}");
    }
}
