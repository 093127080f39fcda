//! What would change, table by table: shared by the preview of a restore and a comparison.

use maud::{Markup, html};

use super::dom;
use super::format::{count, number};
use crate::snapshot::{Preview, TableCounts};

/// The length of a meter for the table with the most changes.
const METER: u64 = 160;

/// How many types of events are listed.
const TYPES: usize = 12;

/// Counts for every table with changes, each opening its rows; and the tables without.
///
/// `same` says that there are none, `prefix` begins the ids of the places that rows open in, `link`
/// makes a table's address.
pub(crate) fn tables(
    preview: &Preview,
    same: &str,
    prefix: &str,
    link: impl Fn(&str) -> String,
) -> Markup {
    let most = preview.changed_tables().map(TableCounts::differing).max().unwrap_or(0);
    let unchanged: Vec<&str> = preview
        .tables
        .iter()
        .filter(|table| table.differing() == 0)
        .map(|table| table.name.as_str())
        .collect();
    html! {
        @if most == 0 {
            p { (same) }
        } @else {
            table.changes {
                thead {
                    tr {
                        th scope="col" { "Table" }
                        th.num scope="col" { "Added" }
                        th.num scope="col" { "Removed" }
                        th.num scope="col" { "Changed" }
                        th { span.vh { "Share" } }
                    }
                }
                tbody {
                    @for (place, table) in preview.changed_tables().enumerate() {
                        (row(table, most, &format!("{prefix}-{place}"), &link(&table.name)))
                    }
                }
            }
        }
        @if !unchanged.is_empty() {
            p.unchanged.soft {
                (count(unchanged.len() as u64, "table", "tables")) " unchanged: "
                (unchanged.join(", "))
            }
        }
    }
}

fn row(table: &TableCounts, most: u64, rows: &str, link: &str) -> Markup {
    html! {
        tr.change-table data-table=(table.name) {
            td {
                a href=(link) hx-get=(link) hx-target=(dom::selector(rows)) aria-controls=(rows) {
                    bdi { (table.name) }
                }
            }
            (counted("added", "+", table.added))
            (counted("removed", "−", table.removed))
            (counted("changed", "~", table.changed))
            td { (meter(table, most)) }
        }
        tr.rows-row { td colspan="5" { div id=(rows) {} } }
    }
}

/// A count with the sign of its change; nothing but a zero where there is none.
pub(crate) fn counted(change: &str, sign: &str, amount: u64) -> Markup {
    html! {
        @if amount == 0 {
            td.num.zero.(change) { "0" }
        } @else {
            td.num.(change) { (sign) (number(amount)) }
        }
    }
}

/// The three counts as lengths, to the same scale in every table.
fn meter(table: &TableCounts, most: u64) -> Markup {
    let parts = [("added", table.added), ("removed", table.removed), ("changed", table.changed)];
    let mut left = 0;
    let mut bars = Vec::new();
    for (change, amount) in parts.into_iter().filter(|(_, amount)| *amount > 0) {
        let width = length(amount, most);
        bars.push((change, left, width));
        left += width + 1;
    }
    html! {
        svg.meter viewBox=(format!("0 0 {} 8", METER + 12)) width=(METER + 12) height="8" aria-hidden="true" {
            @for (change, x, width) in bars {
                rect.(change) x=(x) y="0" width=(width) height="8" {}
            }
        }
    }
}

/// A length to scale, and never so short that it cannot be seen.
fn length(amount: u64, most: u64) -> u64 {
    let scaled = u128::from(amount) * u128::from(METER) / u128::from(most.max(1));
    u64::try_from(scaled).unwrap_or(METER).clamp(3, METER)
}

/// Where events open, and their addresses: all of them, or those of one type.
pub(crate) struct EventLinks<F> {
    /// The id of the place that they open in.
    pub(crate) place: String,
    /// Makes the address, for one type or all.
    pub(crate) link: F,
}

/// Events by type, the most recent type first, each opening its events.
pub(crate) fn events<F: Fn(Option<&str>) -> Option<String>>(
    preview: &Preview,
    heading: &str,
    links: &EventLinks<F>,
) -> Markup {
    let total: u64 = preview.events_since.iter().map(|event| event.count).sum();
    let open = |of_type: Option<&str>, words: &Markup| {
        let place = &links.place;
        html! {
            @match (links.link)(of_type) {
                Some(href) => a href=(href) hx-get=(href) hx-target=(dom::selector(place)) aria-controls=(place) { (words) },
                None => (words),
            }
        }
    };
    html! {
        h3 { (count(total, "event", "events")) " " (heading) }
        @if !preview.events_since.is_empty() {
            ul.events {
                @for event in preview.events_since.iter().take(TYPES) {
                    li {
                        code.position { (number(event.newest)) }
                        (open(Some(&event.kind), &html! {
                            bdi.type { @if event.kind.is_empty() { "event" } @else { (event.kind) } }
                        }))
                        span.count.soft { "×" (number(event.count)) }
                    }
                }
            }
            @if let Some(more) = preview.events_since.len().checked_sub(TYPES).filter(|more| *more > 0) {
                p.soft { "and " (count(more as u64, "more type", "more types")) }
            }
            p.all { (open(None, &html! { "All of them, newest first" })) }
        }
    }
}

/// Notes, and how the schemas differ.
pub(crate) fn remarks(preview: &Preview) -> Markup {
    html! {
        @if !preview.schema_differences.is_empty() {
            div.schema {
                h3 { "The schema is another now" }
                ul { @for line in &preview.schema_differences { li { (line) } } }
            }
        }
        @if !preview.notes.is_empty() {
            ul.notes { @for note in &preview.notes { li { (note) } } }
        }
    }
}

/// The changes in a few words, to be spoken: `3 tables, 147 rows differ`.
pub(crate) fn said(preview: &Preview) -> String {
    let tables = preview.changed_tables().count() as u64;
    let rows = preview.differing_rows();
    match rows {
        0 => "No rows differ".to_owned(),
        1 => "1 table, 1 row differs".to_owned(),
        _ => format!("{}, {} rows differ", count(tables, "table", "tables"), number(rows)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_never_leaves_its_scale() {
        assert_eq!(length(1, u64::MAX), 3);
        assert_eq!(length(u64::MAX, u64::MAX), METER);
        assert_eq!(length(5, 0), METER);
        assert_eq!(length(50, 100), METER / 2);
    }

    #[test]
    fn a_count_says_its_change_by_sign() {
        assert_eq!(counted("removed", "−", 4).into_string(), r#"<td class="num removed">−4</td>"#);
        assert_eq!(
            counted("removed", "−", 0).into_string(),
            r#"<td class="num zero removed">0</td>"#
        );
    }
}
