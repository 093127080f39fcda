//! Restoring: a safety copy first, then only the rows that differ, in one transaction.

use std::cell::Cell;
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::Instant;

use rusqlite::ToSql;

use super::Core;
use super::changes;
use super::compare::{Comparison, Opened, Readied};
use super::contents::{COMPARED, Contents, Counter};
use super::diff::{Counts, Difference};
use super::facts::{Cause, Change, Preview, RestoreRequest, Restored, Scope, TableDone};
use super::id::{Kind, Point, SnapshotRef};
use super::label::Label;
use super::preview;
use super::row::Value;
use super::source::each_row;
use super::take::Draft;
use crate::database::{
    ReadTransaction, Scratch, Spool, SpoolFiller, Table, Violation, Writer, failure,
};
use crate::error::{Error, ErrorKind, Result};
use crate::store::StoreLock;

/// A restore that was done, and the fingerprint of the plan that it followed.
pub(crate) struct Done {
    pub(crate) restored: Restored,
    pub(crate) plan: Option<String>,
}

/// What came of one attempt.
enum Attempt {
    Done(Box<Done>),
    /// Another connection wrote between reading and locking.
    Overtaken,
}

/// Restores; the database is exactly as before, or exactly as asked. The store's lock is held
/// throughout, so that no prune takes what is being read, and no lock is waited for while the
/// database's writers wait.
///
/// `locked` is set to the moment from which on the database's writers waited.
pub(crate) fn restore(
    core: &Core,
    request: &RestoreRequest,
    lock: &StoreLock,
    locked: &Cell<Option<Instant>>,
) -> Result<Done> {
    let target = Opened::snapshot(core, &request.snapshot)?;
    let writer = core.database.writer()?;
    let mut rewind = None;
    let mut run = || {
        let readers = core.database.readers();
        writer.begin()?;
        let turn = Turn { writer: &writer, beside: readers.follow(), locked };
        if let Attempt::Done(done) = attempt(core, turn, request, &target, lock, &mut rewind)? {
            return Ok(done);
        }
        // The safety copy would miss what came between: read again, with the writers waiting.
        writer.roll_back();
        let readers = core.database.readers();
        writer.begin_locked()?;
        locked.set(Some(Instant::now()));
        let turn = Turn { writer: &writer, beside: readers.follow(), locked };
        match attempt(core, turn, request, &target, lock, &mut rewind)? {
            Attempt::Done(done) => Ok(done),
            Attempt::Overtaken => {
                Err(Error::new(ErrorKind::Busy, "the database's write lock cannot be kept")
                    .on(core.database.path().display())
                    .hint("nothing was changed; try again"))
            }
        }
    };
    let outcome = run();
    if outcome.is_err() {
        writer.roll_back();
        if let Some(rewind) = rewind {
            // Nothing was restored, so this copy undoes nothing. Left behind it would do no harm.
            let _ = core.catalog.remove(&rewind);
        }
    }
    outcome.map(|done| *done)
}

/// The transaction of an attempt.
struct Turn<'w> {
    writer: &'w Writer,
    /// Readers of the same state.
    beside: Vec<ReadTransaction>,
    /// Since when it holds the write lock.
    locked: &'w Cell<Option<Instant>>,
}

fn attempt(
    core: &Core,
    turn: Turn<'_>,
    request: &RestoreRequest,
    target: &Opened,
    lock: &StoreLock,
    rewind: &mut Option<SnapshotRef>,
) -> Result<Attempt> {
    let Turn { writer, beside, locked } = turn;
    core.progress.expect(core.expected_rows());
    let view = writer.view();
    let layout = core.schema(view)?;
    let log = core.database.event_log();
    let scratch = Scratch::temporary()?;
    // Half of it: the safety copy's chunks are in memory as well, on their way into the store.
    let (draft, contents) = Draft::of_live(core, view, beside, &layout, Some(COMPARED / 2))?;
    let before = Readied {
        contents,
        position: log.map(|log| view.position(log)).transpose()?,
        differences: Vec::new(),
        notes: Vec::new(),
    };
    let after = target.ready(core, view, Vec::new(), &layout, None, &scratch)?;
    let event_table = log.map(|log| log.table.clone());
    let comparison = Comparison::new(&layout, before, after, view, event_table);
    let selected = selected(&comparison, request)?;

    // Everything is read and decoded before the lock is taken.
    let mut spools = Vec::new();
    for (number, table) in selected.iter().enumerate() {
        let mut spool = writer.spool(table, number)?;
        gather(&comparison, &mut spool)?;
        spools.push(spool);
    }
    let plan = check(core, &comparison, request, target)?;
    core.database.check_room(writer.gathered_bytes()?)?;
    let durable = draft.finish(&core.packs)?;
    if locked.get().is_none() {
        let Some(table) =
            layout.tables.iter().find(|table| table.storage != crate::database::Storage::Virtual)
        else {
            return Err(Error::conflict("the database has no table to restore")
                .on(core.database.path().display())
                .hint("check the path: the tables that the snapshot holds are not in it"));
        };
        if !writer.lock(table)? {
            return Ok(Attempt::Overtaken);
        }
        locked.set(Some(Instant::now()));
    }
    core.progress.commit()?;
    let cause = Cause { restoring: request.snapshot.clone(), scope: request.scope };
    let copy = durable
        .publish(core, lock, Kind::Rewind, Some(cause), &Label::default())?
        .ok_or_else(|| {
            Error::conflict("chunks of the safety copy were removed while it was taken")
                .on(core.store.location())
                .hint("nothing was changed; let no prune run beside it and try again")
        })?;
    *rewind = Some(copy.clone());
    apply(writer, &comparison, &spools)?;
    check_foreign_keys(core, writer, &comparison, &selected)?;
    // From here on the copy stays: a commit that failed may still turn out to have been made, when
    // the disk does not say what it has written.
    *rewind = None;
    writer.commit()?;
    let waited = locked.get().map(|since| since.elapsed().as_millis()).unwrap_or_default();
    let lock_ms = u64::try_from(waited).unwrap_or(u64::MAX);
    writer.checkpoint();
    let fingerprint = plan.plan.clone();
    let restored = answer(request, copy, &comparison, &spools, plan, lock_ms);
    Ok(Attempt::Done(Box::new(Done { restored, plan: fingerprint })))
}

/// Refuses a plan that no longer holds, and a schema that differs unasked.
fn check(
    core: &Core,
    comparison: &Comparison<'_>,
    request: &RestoreRequest,
    target: &Opened,
) -> Result<Preview> {
    let mut plan = preview::facts(core, comparison, &Point::Now, target.listed())?;
    let now = preview::fingerprint(comparison, &request.snapshot, &plan)?;
    plan.plan = Some(now.clone());
    if let Some(shown) = &request.plan
        && !preview::holds(shown, &now, request.moving)
    {
        return Err(moved_on(core, comparison, request, shown, plan)?);
    }
    if !plan.schema_differences.is_empty() && !request.accept_schema {
        return Err(Error::conflict("the schema of the snapshot differs from the database's")
            .on(&request.snapshot)
            .hint("accept the differences (accept_schema=1, --accept-schema) to match columns by name")
            .details(plan.schema_differences));
    }
    Ok(plan)
}

/// The database has moved on: what is new since the plan that was shown.
fn moved_on(
    core: &Core,
    comparison: &Comparison<'_>,
    request: &RestoreRequest,
    shown: &str,
    plan: Preview,
) -> Result<Error> {
    let mut news = Vec::new();
    if let (Some(log), Some(position)) = (core.database.event_log(), preview::position_of(shown)) {
        for (kind, count, _) in comparison.view.event_types_after(log, position)? {
            let kind = if kind.is_empty() { "event".to_owned() } else { kind };
            news.push(format!("{kind} ×{count} since the plan was shown"));
        }
    }
    if news.is_empty() {
        news.push("rows or the schema changed without a new event".to_owned());
    }
    Ok(Error::new(ErrorKind::PlanMoved, "the database has moved on since this plan was shown")
        .on(&request.snapshot)
        .hint("look at the new plan and confirm it, or accept what arrives meanwhile (moving=1, --moving)")
        .details(news)
        .plan(plan))
}

/// The tables that are to be restored, in name order.
fn selected<'l>(comparison: &Comparison<'l>, request: &RestoreRequest) -> Result<Vec<&'l Table>> {
    for name in &request.tables {
        let known = comparison.layout.table(name).is_some() && comparison.sides(name).is_some();
        if !known {
            return Err(Error::invalid(
                "the table is not both in the snapshot and in the database",
            )
            .on(name.escape_debug())
            .hint("choose tables that the preview lists"));
        }
        if request.scope == Scope::Tables && comparison.event_table.as_ref() == Some(name) {
            return Err(Error::invalid("the event log is only restored with scope=rewind")
                .on(name)
                .hint("state scope=rewind, or leave this table out"));
        }
    }
    let wanted = |table: &&Table| {
        let is_log = comparison.event_table.as_ref() == Some(&table.name);
        comparison.sides(&table.name).is_some()
            && (request.scope == Scope::Rewind || !is_log)
            && (request.tables.is_empty() || request.tables.contains(&table.name))
    };
    Ok(comparison.layout.tables.iter().filter(wanted).collect())
}

/// Puts the changes of one table into its spool.
fn gather(comparison: &Comparison<'_>, spool: &mut Spool<'_>) -> Result<()> {
    let table = spool.table();
    let Some((before, after)) = comparison.sides(&table.name) else { return Ok(()) };
    let mut filler = spool.filler()?;
    changes::for_each(table, before, after, None, &mut |difference, _| {
        write(&mut filler, table, &difference)?;
        Ok(ControlFlow::Continue(()))
    })?;
    drop(filler);
    let [removed, added, changed] = spool.counts();
    comparison.counted(table, Counts { added, removed, changed });
    Ok(())
}

fn write(filler: &mut SpoolFiller<'_>, table: &Table, difference: &Difference) -> Result<()> {
    fn bound(values: &[Value]) -> Vec<&dyn ToSql> {
        values.iter().map(|value| value as &dyn ToSql).collect()
    }
    match difference.change {
        Change::Removed => filler.delete(&bound(&difference.before)),
        Change::Added => filler.insert(&bound(&difference.after)),
        Change::Changed => {
            // A row that VACUUM moved keeps the rowid that it has now.
            let mut values = bound(&difference.after);
            if preview::hides_rowid(table) {
                values[0] = &difference.identity[0];
            }
            filler.update(&values)
        }
    }
}

/// Does all changes, then what follows from them.
fn apply(writer: &Writer, comparison: &Comparison<'_>, spools: &[Spool<'_>]) -> Result<()> {
    for spool in spools {
        spool.apply()?;
        if let Counter::Known(sequence) = comparison.after.contents.sequence(&spool.table().name) {
            writer.set_sequence(spool.table(), sequence)?;
        }
    }
    let touched: HashSet<&str> = spools
        .iter()
        .filter(|spool| spool.counts() != [0; 3])
        .map(|spool| spool.table().name.as_str())
        .collect();
    let views = comparison.layout.objects.iter().filter(|object| object.kind == "view");
    let views: Vec<&str> = views.map(|view| view.name.as_str()).collect();
    // What a view shows may come from any table.
    let follows = |content: &str| {
        touched.iter().any(|table| table.eq_ignore_ascii_case(content))
            || !touched.is_empty() && views.iter().any(|view| view.eq_ignore_ascii_case(content))
    };
    for index in &comparison.layout.left_out {
        if index.content.as_deref().is_some_and(follows) {
            writer.rebuild(&index.name)?;
        }
    }
    Ok(())
}

/// Refuses to leave foreign-key violations that the snapshot itself did not have. They can only
/// arise between a table that was restored and one that was not.
fn check_foreign_keys(
    core: &Core,
    writer: &Writer,
    comparison: &Comparison<'_>,
    restored: &[&Table],
) -> Result<()> {
    let is_restored =
        |name: &str| restored.iter().any(|table| table.name.eq_ignore_ascii_case(name));
    let carried_over = !comparison.after.differences.is_empty();
    // Excluded tables have foreign keys too.
    for child in &writer.view().schema()?.tables {
        let crosses =
            child.parents.iter().any(|parent| is_restored(parent) != is_restored(&child.name));
        let is_carried_over = carried_over && is_restored(&child.name);
        if !crosses && !is_carried_over {
            continue;
        }
        let violations = writer.view().foreign_key_violations(&child.name)?;
        if violations.is_empty() {
            continue;
        }
        let known: HashSet<_> = baseline(core, comparison, child)?.into_iter().collect();
        let new: Vec<_> =
            violations.into_iter().filter(|violation| !known.contains(violation)).collect();
        if let Some((rowid, parent, _)) = new.first() {
            // The rowid may be a column's value.
            let row = rowid
                .filter(|_| !core.hidden(child).contains(&true))
                .map_or_else(String::new, |rowid| format!(", the first at rowid {rowid}"));
            return Err(Error::conflict(format!(
                "{} rows would refer to rows of {parent} that are not there{row}",
                new.len()
            ))
            .on(&child.name)
            .hint("nothing was changed; restore with scope=rewind, or together with the tables it refers to"));
        }
    }
    Ok(())
}

/// The violations that the snapshot itself has in one table: told by SQLite, in a temporary
/// database that holds the table and its parents as they would be. For a table that the snapshot
/// does not hold, the violations that it has now.
fn baseline(core: &Core, comparison: &Comparison<'_>, child: &Table) -> Result<Vec<Violation>> {
    let contents = &comparison.after.contents;
    if contents.side(&child.name).is_none() {
        // Another connection still sees the database as it was before the restore.
        return core.database.read()?.view().foreign_key_violations(&child.name);
    }
    let scratch = Scratch::temporary()?;
    let family = comparison.layout.tables.iter().filter(|table| {
        table.name == child.name
            || child.parents.iter().any(|parent| parent.eq_ignore_ascii_case(&table.name))
    });
    for table in family {
        fill(core, &scratch, contents, table)?;
    }
    // A foreign key may refer to columns that only a UNIQUE index makes a key.
    for object in comparison.layout.objects.iter().filter(|object| object.kind == "index") {
        if child.parents.iter().any(|parent| parent.eq_ignore_ascii_case(&object.table)) {
            scratch.create_object(object)?;
        }
    }
    scratch.view().foreign_key_violations(&child.name)
}

/// Writes one table's rows into a database of our own.
pub(crate) fn fill(
    core: &Core,
    scratch: &Scratch,
    contents: &Contents<'_>,
    table: &Table,
) -> Result<()> {
    scratch.create_tables(std::slice::from_ref(table))?;
    let Some(side) = contents.side(&table.name) else { return Ok(()) };
    let Some(root) = side.root else { return Ok(()) };
    let failed = |error| failure("a row cannot be copied", error).on(&table.name);
    let mut insert = scratch.connection().prepare(&Scratch::insert_sql(table)).map_err(failed)?;
    each_row(side.source, table, root, &mut |values| {
        core.progress.step(1)?;
        insert.execute(rusqlite::params_from_iter(&values)).map(drop).map_err(failed)
    })
}

fn answer(
    request: &RestoreRequest,
    rewind: SnapshotRef,
    comparison: &Comparison<'_>,
    spools: &[Spool<'_>],
    plan: Preview,
    lock_ms: u64,
) -> Restored {
    let (mut tables, mut events_removed, mut events_added) = (Vec::new(), 0, 0);
    for spool in spools {
        let [removed, added, changed] = spool.counts();
        let name = spool.table().name.clone();
        if comparison.event_table.as_ref() == Some(&name) {
            (events_removed, events_added) = (removed, added);
        }
        if removed + added + changed > 0 {
            tables.push(TableDone { name, added, removed, changed });
        }
    }
    let mut notes = plan.schema_differences;
    notes.extend(plan.notes);
    Restored {
        restored: request.snapshot.clone(),
        scope: request.scope,
        rewind,
        tables,
        events_removed,
        events_added,
        lock_ms,
        notes,
    }
}
