//! Facts as a person reads them in a terminal, and names as a person types them.

use std::fmt::Write as _;
use std::str::FromStr;

use snapback::snapshot::{
    Action, Entry, Format, HistoryPage, List, Point, Preview, Pruned, Restored, Scope, SnapshotRef,
    State, Verified,
};

use super::print::Side::{Left, Right};
use super::print::{
    Columns, count, grouped, grouped_or_dash, moment, printable, size, size_or_dash,
};

pub(super) fn parse_snapshot(text: &str) -> Result<SnapshotRef, String> {
    parse(text)
}

pub(super) fn parse_point(text: &str) -> Result<Point, String> {
    parse(text)
}

pub(super) fn parse_scope(text: &str) -> Result<Scope, String> {
    parse(text)
}

pub(super) fn parse_action(text: &str) -> Result<Action, String> {
    parse(text)
}

pub(super) fn parse_format(text: &str) -> Result<Format, String> {
    parse(text)
}

/// Parses with the error's next step in the message: bad usage is reported in one line.
fn parse<T: FromStr<Err = snapback::Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| format!("{}; {}", error.what(), error.next_step()))
}

/// The full name of a snapshot, alone on its line, so that a script can use it.
pub(super) fn name(entry: &Entry) -> String {
    format!("{}\n", entry.snapshot())
}

/// Every snapshot, a line each.
pub(super) fn list(list: &List) -> String {
    if list.snapshots.is_empty() {
        return "no snapshots yet; take the first with `snapback take`\n".to_owned();
    }
    let mut columns = Columns::new(&[
        ("SNAPSHOT", Left),
        ("TAKEN (UTC)", Left),
        ("EVENT", Right),
        ("BEHIND", Right),
        ("ROWS", Right),
        ("SIZE", Right),
        ("NEW", Right),
        ("STATE", Left),
        ("NOTE", Left),
    ]);
    for entry in &list.snapshots {
        columns.row(&[
            entry.snapshot().to_string(),
            moment(entry.created_at),
            grouped_or_dash(entry.last_event_id),
            grouped_or_dash(entry.event_delta),
            grouped_or_dash(entry.rows),
            size_or_dash(entry.file_size_bytes),
            size_or_dash(entry.new_bytes),
            state(entry.state).to_owned(),
            remarks(entry),
        ]);
    }
    let now = list.current_event_log_max_id.map_or_else(
        || "the database has no event log".to_owned(),
        |position| format!("the database is at event {}", grouped(position)),
    );
    format!("{columns}{}; {now}\n", count(list.snapshots.len() as u64, "snapshot"))
}

/// What was done, a line each.
pub(super) fn history(page: &HistoryPage) -> String {
    let mut columns = Columns::new(&[
        ("WHEN (UTC)", Left),
        ("WHAT", Left),
        ("SNAPSHOT", Left),
        ("BY", Left),
        ("TOOK", Right),
        ("OUTCOME", Left),
    ]);
    for one in &page.history {
        let failed = if one.ok { "" } else { "failed: " };
        let scope = one.scope.map(|scope| format!(" {scope}")).unwrap_or_default();
        columns.row(&[
            moment(one.at),
            format!("{}{scope}", one.action),
            one.snapshot.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
            one.by.clone(),
            one.took_ms.map_or_else(|| "-".to_owned(), |took| format!("{} ms", grouped(took))),
            format!("{failed}{}", one.outcome),
        ]);
    }
    let more = page.next.as_ref().map(|next| format!("earlier: --before {next}\n"));
    let more = more.unwrap_or_default();
    if page.history.is_empty() {
        return format!("nothing was done that matches\n{more}");
    }
    format!("{columns}{more}")
}

fn state(state: State) -> &'static str {
    match state {
        State::Intact => "intact",
        State::Damaged => "damaged",
    }
}

/// What is to be said of a snapshot beyond its numbers.
fn remarks(entry: &Entry) -> String {
    let mut remarks = Vec::new();
    if entry.pinned {
        remarks.push("pinned".to_owned());
    }
    remarks.extend(entry.reason.clone());
    remarks.extend(entry.note.clone());
    if let Some(cause) = &entry.cause {
        remarks.push(format!("before restoring {} ({})", cause.restoring, cause.scope));
    }
    if let Some(copied) = entry.copied_at {
        remarks.push(format!("file written {}", moment(copied)));
    }
    remarks.join(" · ")
}

/// What restoring a snapshot would change.
pub(super) fn preview(preview: &Preview) -> String {
    let mut out = heading(preview);
    out.push_str(&tables(preview));
    events(&mut out, preview);
    sentences(&mut out, "the schemas differ:", &preview.schema_differences);
    sentences(&mut out, "notes:", &preview.notes);
    if let Some(plan) = &preview.plan {
        let _ = writeln!(out, "plan {plan}");
    }
    out
}

/// What a restore in one scope would change.
pub(super) fn plan(plan: &Preview, scope: Scope) -> String {
    let log = match scope {
        Scope::Tables => "the event log would be left alone",
        Scope::Rewind => "the event log would be put back too",
    };
    format!("{}{log}; nothing was changed\n", preview(plan))
}

fn heading(preview: &Preview) -> String {
    let mut parts = Vec::new();
    if let Some(taken) = preview.created_at {
        parts.push(format!("taken {} UTC", moment(taken)));
    }
    parts.extend(preview.file_size_bytes.map(size));
    if let (Some(position), Some(now)) = (preview.last_event_id, preview.current_event_log_max_id) {
        parts.push(format!("event {}, {} is at {}", grouped(position), preview.from, grouped(now)));
    }
    let to = match (preview.kind, &preview.snapshot_id) {
        (Some(kind), Some(id)) => format!("{kind}/{id}"),
        _ => "now".to_owned(),
    };
    format!("from {} to {to}\n{}\n\n", preview.from, parts.join(" · "))
}

fn tables(preview: &Preview) -> String {
    let mut columns = Columns::new(&[
        ("TABLE", Left),
        ("ADDED", Right),
        ("REMOVED", Right),
        ("CHANGED", Right),
        ("SAME", Right),
    ]);
    let mut same = Vec::new();
    let mut differ = false;
    for table in &preview.tables {
        if table.differing() == 0 {
            same.push(printable(&table.name));
            continue;
        }
        differ = true;
        columns.row(&[
            table.name.clone(),
            signed('+', table.added),
            signed('-', table.removed),
            signed('~', table.changed),
            grouped(table.unchanged),
        ]);
    }
    let mut out = String::new();
    if differ {
        let _ = writeln!(out, "{columns}");
    }
    if !same.is_empty() {
        let _ = writeln!(out, "the same: {}", same.join(", "));
    }
    let changed = count(preview.changed_tables().count() as u64, "table");
    let _ = writeln!(out, "{changed}, {} differ", count(preview.differing_rows(), "row"));
    if let Some(log) = preview.event_log.as_ref().filter(|log| log.differing() > 0) {
        // A comparison has no plan, and no scope to choose.
        let scope = if preview.plan.is_some() { ", only with --scope rewind" } else { "" };
        let (added, removed) = (signed('+', log.added), signed('-', log.removed));
        let changed = signed('~', log.changed);
        let _ =
            writeln!(out, "event log: {added} added, {removed} removed, {changed} changed{scope}");
    }
    out
}

/// A change's count with its sign; nothing to sign in a zero.
fn signed(sign: char, number: u64) -> String {
    if number == 0 { "0".to_owned() } else { format!("{sign}{}", grouped(number)) }
}

fn events(out: &mut String, preview: &Preview) {
    if preview.events_since.is_empty() {
        return;
    }
    let total = preview.events_since.iter().map(|of| i128::from(of.count)).sum::<i128>();
    let _ = writeln!(out, "{} since:", count(total, "event"));
    for of in &preview.events_since {
        let kind = if of.kind.is_empty() { "(no type)" } else { &of.kind };
        let _ = writeln!(out, "  {} × {}", printable(kind), grouped(of.count));
    }
}

fn sentences(out: &mut String, heading: &str, sentences: &[String]) {
    if sentences.is_empty() {
        return;
    }
    let _ = writeln!(out, "{heading}");
    for sentence in sentences {
        let _ = writeln!(out, "  {}", printable(sentence));
    }
}

/// What a restore did, and how to undo it.
pub(super) fn restored(restored: &Restored) -> String {
    let mut out = format!("restored {} ({})\n", restored.restored, restored.scope);
    for table in &restored.tables {
        let _ = writeln!(
            out,
            "  {}: {} added, {} removed, {} changed",
            printable(&table.name),
            grouped(table.added),
            grouped(table.removed),
            grouped(table.changed)
        );
    }
    if restored.tables.is_empty() {
        out.push_str("  no table differed\n");
    }
    sentences(&mut out, "notes:", &restored.notes);
    let _ = writeln!(out, "writers waited {} ms", grouped(restored.lock_ms));
    let rewind = &restored.rewind;
    let _ = writeln!(
        out,
        "undo, on the same database: snapback restore {rewind} --confirm {} --scope {}",
        rewind.id, restored.scope
    );
    out
}

/// What verifying found.
pub(super) fn verified(all: &[Verified]) -> String {
    let mut columns = Columns::new(&[
        ("SNAPSHOT", Left),
        ("STATE", Left),
        ("ROWS READ", Right),
        ("BYTES READ", Right),
    ]);
    let mut damage = String::new();
    for one in all {
        columns.row(&[
            one.snapshot.to_string(),
            state(one.state).to_owned(),
            grouped(one.rows),
            size(one.bytes),
        ]);
        sentences(&mut damage, &format!("{}:", one.snapshot), &one.damage);
        let dependents: Vec<_> = one.dependents.iter().map(ToString::to_string).collect();
        sentences(&mut damage, "  what is damaged is also needed by:", &dependents);
        sentences(&mut damage, &format!("{}, repaired:", one.snapshot), &one.repaired);
    }
    let damaged = all.iter().filter(|one| one.state == State::Damaged).count() as u64;
    let checked = count(all.len() as u64, "snapshot");
    let verdict = if damaged == 0 {
        format!("{checked} read back, all intact\n")
    } else {
        format!("{checked} read back, {} damaged\n", grouped(damaged))
    };
    if all.is_empty() { verdict } else { format!("{columns}{damage}{verdict}") }
}

/// What retention keeps and why, and what it let go.
pub(super) fn pruned(pruned: &Pruned) -> String {
    let mut columns = Columns::new(&[("SNAPSHOT", Left), ("VERDICT", Left), ("WHY", Left)]);
    for verdict in &pruned.snapshots {
        let fate = match (verdict.fate.keep, pruned.dry_run) {
            (true, _) if verdict.fate.next_to_go => "keep, next to go",
            (true, _) => "keep",
            (false, true) => "would go",
            (false, false) => "gone",
        };
        columns.row(&[verdict.snapshot.to_string(), fate.to_owned(), verdict.fate.why.clone()]);
    }
    let table = if pruned.snapshots.is_empty() { String::new() } else { columns.to_string() };
    if let Some(reason) = &pruned.held_back {
        let unchanged = if pruned.dry_run { "; nothing was changed" } else { "" };
        return format!("{table}no pack was looked at: {}{unchanged}\n", printable(reason));
    }
    let packs = count(pruned.packs_removed, "pack");
    let freed = size(pruned.bytes_freed);
    let sum = if pruned.dry_run {
        format!("{packs} would go, {freed} would be freed; nothing was changed\n")
    } else {
        format!("{packs} removed, {freed} freed\n")
    };
    table + &sum
}

#[cfg(test)]
mod tests;
