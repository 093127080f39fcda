//! What restoring would change, and the pages of changed rows: a comparison as facts.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::Core;
use super::catalog::{self, Listed};
use super::changes;
use super::compare::{Comparison, Opened, compare};
use super::diff::Difference;
use super::facts::{
    Change, Event, EventCount, EventPage, Events, Page, Preview, RowChange, TableRows,
};
use super::id::{Point, SnapshotRef};
use super::pack::ChunkHash;
use super::redact;
use super::row::Value;
use crate::database::{EventRange, Identity, Table};
use crate::error::{Error, ErrorKind, Result};

/// Rows of a page when the caller does not say.
const PAGE: usize = 50;
/// Rows of a page at most.
const LARGEST_PAGE: usize = 1000;

/// What restoring a snapshot would change against now.
pub(crate) fn preview(core: &Core, snapshot: &SnapshotRef) -> Result<Preview> {
    let target = Opened::snapshot(core, snapshot)?;
    compare(core, &Opened::Now, &target, None, |comparison| {
        let mut preview = facts(core, comparison, &Point::Now, target.listed())?;
        preview.plan = Some(fingerprint(comparison, snapshot, &preview)?);
        Ok(preview)
    })
}

/// What would change if the state were `from` and `to` were restored.
pub(crate) fn between(core: &Core, from: &Point, to: &Point) -> Result<Preview> {
    let (before, after) = (Opened::new(core, from)?, Opened::new(core, to)?);
    compare(core, &before, &after, None, |comparison| facts(core, comparison, from, after.listed()))
}

/// A comparison as facts, without a plan.
pub(crate) fn facts(
    core: &Core,
    comparison: &Comparison<'_>,
    from: &Point,
    to: Option<&Listed>,
) -> Result<Preview> {
    let mut tables = Vec::new();
    let mut event_log = None;
    for table in &comparison.layout.tables {
        if let Some(counts) = comparison.counts(table)? {
            if comparison.event_table.as_ref() == Some(&table.name) {
                event_log = Some(counts);
            } else {
                tables.push(counts);
            }
        }
    }
    let (before, after) = (&comparison.before, &comparison.after);
    let mut notes: Vec<String> = comparison
        .layout
        .left_out
        .iter()
        .map(|left_out| format!("table {} {}", left_out.name, left_out.reason))
        .collect();
    notes.extend(before.notes.iter().chain(&after.notes).cloned());
    let differences = before.differences.iter().chain(&after.differences).cloned().collect();
    Ok(Preview {
        snapshot_id: to.map(|listed| listed.snapshot.id.clone()),
        kind: to.map(|listed| listed.snapshot.kind),
        filename: to.map(|listed| format!("{}.json", listed.snapshot.id)),
        from: from.to_string(),
        created_at: to.map(Listed::created_at),
        file_size_bytes: to
            .and_then(|listed| listed.entry(super::label::Label::default(), None).file_size_bytes),
        last_event_id: after.position,
        current_event_log_max_id: before.position,
        event_delta: catalog::behind(before.position, after.position),
        event_log_rows_in_snapshot: comparison
            .event_table
            .as_ref()
            .and_then(|log| after.contents.rows(log)),
        tables,
        event_log,
        events_since: core.redact_types(events_since(core, comparison, from)?),
        schema_differences: differences,
        notes,
        plan: None,
    })
}

/// Events that the state before has and the state after has not, by type.
fn events_since(core: &Core, comparison: &Comparison<'_>, from: &Point) -> Result<Vec<EventCount>> {
    let Some(log) = core.database.event_log() else { return Ok(Vec::new()) };
    if *from == Point::Now {
        let Some(position) = comparison.after.position else { return Ok(Vec::new()) };
        let types = comparison.view.event_types_after(log, position)?;
        return Ok(types
            .into_iter()
            .map(|(kind, count, newest)| EventCount { kind, count, newest })
            .collect());
    }
    let Some(table) = comparison.layout.table(&log.table) else { return Ok(Vec::new()) };
    let Some((before, after)) = comparison.sides(&log.table) else { return Ok(Vec::new()) };
    let names = table.value_names();
    let place = |column: Option<&str>| names.iter().position(|name| Some(*name) == column);
    let (kind, position) = (place(log.type_column.as_deref()), place(Some(&log.position)));
    let mut types: BTreeMap<String, (u64, i64)> = BTreeMap::new();
    changes::for_each(table, before, after, None, &mut |difference, _| {
        if difference.change == Change::Removed {
            let kind = match kind.map(|place| &difference.before[place]) {
                Some(Value::Text(text)) => text.clone(),
                _ => String::new(),
            };
            let position = match position.map(|place| &difference.before[place]) {
                Some(Value::Integer(position)) => *position,
                _ => 0,
            };
            let of_kind = types.entry(kind).or_default();
            *of_kind = (of_kind.0 + 1, of_kind.1.max(position));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let mut counts: Vec<EventCount> = types
        .into_iter()
        .map(|(kind, (count, newest))| EventCount { kind, count, newest })
        .collect();
    counts.sort_by_key(|count| std::cmp::Reverse(count.newest));
    Ok(counts)
}

/// The fingerprint of a plan: `<position>-<frame>-<changes>`. The frame covers the snapshot and both
/// schemas, the changes everything that would be done.
pub(crate) fn fingerprint(
    comparison: &Comparison<'_>,
    snapshot: &SnapshotRef,
    preview: &Preview,
) -> Result<String> {
    let digest = |bytes: &[u8]| ChunkHash::of(bytes).to_string()[..12].to_owned();
    let failed =
        |error: serde_json::Error| Error::failed("the plan cannot be written").because(error);
    let schema = serde_json::to_vec(comparison.layout).map_err(failed)?;
    let roots: Vec<String> = comparison
        .after
        .contents
        .roots()
        .map(|(name, root)| {
            format!("{name} {}", root.map_or_else(String::new, |root| root.hash.to_string()))
        })
        .collect();
    let frame =
        format!("{snapshot}\n{}\n{}", roots.join("\n"), preview.schema_differences.join("\n"));
    let changes = serde_json::to_vec(&(&preview.tables, &preview.event_log)).map_err(failed)?;
    let position = preview
        .current_event_log_max_id
        .map_or_else(|| "none".to_owned(), |position| position.to_string());
    Ok(format!(
        "{position}-{}-{}",
        digest(&[schema.as_slice(), frame.as_bytes()].concat()),
        digest(&changes)
    ))
}

/// Whether a plan that was shown still holds. A `moving` one holds for every later position, as
/// long as snapshot and schema are the same.
pub(crate) fn holds(shown: &str, now: &str, moving: bool) -> bool {
    let parts = |plan: &str| -> Option<(Option<i64>, String)> {
        let mut parts = plan.splitn(3, '-');
        let position = parts.next()?.parse().ok();
        Some((position, parts.next()?.to_owned()))
    };
    if shown == now {
        return true;
    }
    match (parts(shown), parts(now)) {
        (Some((then, frame)), Some((present, same))) => moving && frame == same && then <= present,
        _ => false,
    }
}

/// The position that a plan was made at.
pub(crate) fn position_of(plan: &str) -> Option<i64> {
    plan.split('-').next()?.parse().ok()
}

/// A page of the changed rows of one table.
pub(crate) fn rows(
    core: &Core,
    from: &Point,
    to: &Point,
    name: &str,
    page: &Page,
) -> Result<TableRows> {
    let (before, after) = (Opened::new(core, from)?, Opened::new(core, to)?);
    compare(core, &before, &after, Some(name), |comparison| {
        let (Some(table), Some((before, after))) =
            (comparison.layout.table(name), comparison.sides(name))
        else {
            return Err(Error::not_found("there is no such table to compare")
                .on(name.escape_debug())
                .hint("choose one of the tables that the preview lists"));
        };
        let limit = if page.limit == 0 { PAGE } else { page.limit.min(LARGEST_PAGE) };
        let hidden = core.hidden(table);
        // The place of a row tells its key, so where anything is hidden pages are told by number.
        let counted = hidden.contains(&true);
        let behind = page.after.as_deref();
        let skipped = if counted { skipped(table, behind)? } else { 0 };
        let mut rows = Vec::new();
        let mut last = String::new();
        let mut next = None;
        let mut met = 0_u64;
        changes::for_each(
            table,
            before,
            after,
            behind.filter(|_| !counted),
            &mut |difference, place| {
                met += 1;
                if met <= skipped {
                    return Ok(ControlFlow::Continue(()));
                }
                if page.change.is_some_and(|wanted| wanted != difference.change) {
                    return Ok(ControlFlow::Continue(()));
                }
                if rows.len() == limit {
                    let place = std::mem::take(&mut last);
                    next = Some(if counted { (met - 1).to_string() } else { place });
                    return Ok(ControlFlow::Break(()));
                }
                place.clone_into(&mut last);
                rows.push(row_change(table, difference, &hidden));
                Ok(ControlFlow::Continue(()))
            },
        )?;
        Ok(TableRows {
            table: name.to_owned(),
            key: key_places(table)
                .into_iter()
                .map(|place| table.value_names()[place].to_owned())
                .collect(),
            columns: table.columns.iter().map(|column| column.name.clone()).collect(),
            rows,
            next,
        })
    })
}

/// How many changed rows the pages before held, by the place that the last of them gave.
fn skipped(table: &Table, place: Option<&str>) -> Result<u64> {
    place.map_or(Ok(0), str::parse).map_err(|_| {
        Error::invalid("this page of rows cannot be found")
            .on(&table.name)
            .hint("begin at the first page")
    })
}

/// The places of what a person tells rows apart by: a declared key before a hidden rowid.
fn key_places(table: &Table) -> Vec<usize> {
    let declared = table.declared_key_places();
    if declared.is_empty() { table.identity_places() } else { declared }
}

fn row_change(table: &Table, difference: Difference, hidden: &[bool]) -> RowChange {
    let Difference { change, mut before, mut after, .. } = difference;
    for values in [&mut before, &mut after] {
        for (value, _) in values.iter_mut().zip(hidden).filter(|(_, hidden)| **hidden) {
            *value = redact::marker();
        }
    }
    let known = if after.is_empty() { &before } else { &after };
    let key = key_places(table).into_iter().map(|place| known[place].clone()).collect();
    let shown = |values: Vec<Value>| {
        let values: Vec<Value> = values.into_iter().skip(table.hidden()).collect();
        (!values.is_empty()).then_some(values)
    };
    RowChange { change, key, before: shown(before), after: shown(after) }
}

/// A page of the events after a snapshot, newest first.
pub(crate) fn events(core: &Core, snapshot: &SnapshotRef, page: &EventPage) -> Result<Events> {
    let listed = core.catalog.sound(snapshot)?;
    let position = listed.entry(super::label::Label::default(), None).last_event_id;
    // Without a log, or with a snapshot that knows no position, there is no event after it.
    let (Some(log), Some(position)) = (core.database.event_log(), position) else {
        return Ok(Events { columns: Vec::new(), events: Vec::new(), next: None });
    };
    if page.kind.is_some() && core.hides_types(log) {
        return Err(Error::new(ErrorKind::Forbidden, "the types of events are hidden here")
            .on("type")
            .hint("ask for all events"));
    }
    let transaction = core.database.read()?;
    let limit = if page.limit == 0 { PAGE } else { page.limit.min(LARGEST_PAGE) };
    let wanted = EventRange { after: position, before: page.before, kind: page.kind.as_deref() };
    let mut events = Vec::new();
    // One more than the page holds tells whether there is another page.
    transaction.view().events(log, wanted, limit + 1, |position, columns| {
        let shown = |name: &str, value| {
            if core.hides(&log.table, name) { redact::marker() } else { Value::of(value) }
        };
        let values: Vec<(String, Value)> =
            columns.iter().map(|(name, value)| (name.clone(), shown(name, *value))).collect();
        let kind = log
            .type_column
            .as_ref()
            .and_then(|column| values.iter().find(|(name, _)| name == column))
            .map(|(_, value)| type_name(value))
            .unwrap_or_default();
        events.push(Event { position, kind, values });
    })?;
    let more = events.len() > limit;
    events.truncate(limit);
    let next = events.last().filter(|_| more).map(|event| event.position);
    let told = |name: &String| *name == log.position || Some(name) == log.type_column.as_ref();
    let names = events.first().into_iter().flat_map(|event| &event.values).map(|(name, _)| name);
    let columns = names.filter(|name| !told(name)).cloned().collect();
    Ok(Events { columns, events, next })
}

/// An event's type as the counts by type name it.
fn type_name(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::RawText(bytes) | Value::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Null | Value::Real(_) => String::new(),
    }
}

/// Whether the identity of a table is its hidden rowid.
pub(crate) fn hides_rowid(table: &Table) -> bool {
    matches!(table.identity, Identity::Rowid(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_holds_while_nothing_moved_and_a_moving_one_for_later_positions() {
        assert!(holds("7-a-b", "7-a-b", false));
        assert!(!holds("7-a-b", "8-a-c", false));
        assert!(holds("7-a-b", "8-a-c", true));
        assert!(!holds("7-a-b", "6-a-c", true), "an earlier position");
        assert!(!holds("7-a-b", "8-x-c", true), "another schema or snapshot");
        assert!(!holds("", "8-x-c", true));
        assert_eq!(position_of("7-a-b"), Some(7));
    }
}
