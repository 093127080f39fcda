//! The changed rows of one table, as a person thinks of rows.
//!
//! Mostly that is [`super::diff`] as it stands. But where rows are kept by a hidden rowid and the
//! table declares a primary key, VACUUM may have given every row another rowid. There the rows that
//! differ are joined by their declared key in a temporary database, so that a row that only moved
//! is no difference, and one that moved and changed is one change.

use std::collections::HashMap;
use std::ops::ControlFlow;

use rusqlite::types::ValueRef;

use super::diff::{self, Counts, Difference, Differences, Side};
use super::facts::Change;
use super::pack::ChunkHash;
use super::redact;
use super::row::{self, Value};
use crate::database::{Scratch, Table, failure};
use crate::error::{Error, Result};

/// Counts the rows that differ.
pub(crate) fn count(table: &Table, before: Side<'_>, after: Side<'_>) -> Result<Counts> {
    if before.root.map(|root| root.hash) == after.root.map(|root| root.hash) {
        return Ok(Counts::default());
    }
    if table.declared_key_places().is_empty() {
        return diff::counts(table, before, after);
    }
    let mut counts = Counts::default();
    Joined::new(table, before, after)?.for_each(None, &mut |difference, _| {
        counts.count(difference.change, 1);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(counts)
}

/// What takes each changed row, with the place to go on from behind it.
pub(crate) type Each<'e> = dyn FnMut(Difference, &str) -> Result<ControlFlow<()>> + 'e;

/// Hands out the changed rows, in key order, behind the place `behind` where one is given.
pub(crate) fn for_each(
    table: &Table,
    before: Side<'_>,
    after: Side<'_>,
    behind: Option<&str>,
    each: &mut Each<'_>,
) -> Result<()> {
    if !table.declared_key_places().is_empty() {
        return Joined::new(table, before, after)?.for_each(behind, each);
    }
    let behind = behind.map(|place| identity_of(table, place)).transpose()?;
    let mut place = Vec::new();
    for difference in Differences::new(table, before, after, behind) {
        let difference = difference?;
        place.clear();
        row::write_row(&mut place, &difference.identity);
        if each(difference, &String::from_utf8_lossy(&place))?.is_break() {
            break;
        }
    }
    Ok(())
}

fn identity_of(table: &Table, place: &str) -> Result<Vec<Value>> {
    row::read_row(place.as_bytes())
        .ok()
        .filter(|identity| identity.len() == table.identity_places().len())
        .ok_or_else(|| {
            Error::invalid("this page of rows cannot be found")
                .on(&table.name)
                .hint("begin at the first page")
        })
}

/// Differing rows of both sides, joined by the declared key.
struct Joined<'t> {
    table: &'t Table,
    scratch: Scratch,
}

impl<'t> Joined<'t> {
    fn new(table: &'t Table, before: Side<'_>, after: Side<'_>) -> Result<Self> {
        let scratch = Scratch::temporary()?;
        scratch.run(
            "BEGIN; CREATE TABLE old(key TEXT PRIMARY KEY, line BLOB) WITHOUT ROWID; \
             CREATE TABLE new(key TEXT PRIMARY KEY, line BLOB) WITHOUT ROWID;",
        )?;
        let places = table.declared_key_places();
        {
            let prepare = |sql| scratch.connection().prepare(sql).map_err(failed);
            let mut old = prepare("INSERT INTO old VALUES(?1, ?2)")?;
            let mut new = prepare("INSERT INTO new VALUES(?1, ?2)")?;
            let mut line = Vec::new();
            let mut twins = [Twins::new(), Twins::new()];
            for difference in Differences::new(table, before, after, None) {
                let difference = difference?;
                let [of_old, of_new] = &mut twins;
                for (values, insert, twins) in
                    [(&difference.before, &mut old, of_old), (&difference.after, &mut new, of_new)]
                {
                    if !values.is_empty() {
                        line.clear();
                        row::write_row(&mut line, values);
                        insert.execute((key_of(values, &places, twins), &line)).map_err(failed)?;
                    }
                }
            }
        }
        Ok(Self { table, scratch })
    }

    fn for_each(&self, behind: Option<&str>, each: &mut Each<'_>) -> Result<()> {
        let sql = "SELECT coalesce(old.key, new.key) AS place, old.line, new.line \
                   FROM old FULL JOIN new ON new.key = old.key WHERE place > ?1 ORDER BY place";
        let mut statement = self.scratch.connection().prepare(sql).map_err(failed)?;
        let mut rows = statement.query([behind.unwrap_or_default()]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let place: String = row.get(0).map_err(failed)?;
            let values = |column| match row.get_ref(column).map_err(failed)? {
                ValueRef::Blob(line) => row::read_row(line).map_err(|error| {
                    Error::failed("a row cannot be read back").because(redact::without_text(&error))
                }),
                _ => Ok(Vec::new()),
            };
            let (before, after) = (values(1)?, values(2)?);
            let change = match (before.is_empty(), after.is_empty()) {
                (true, _) => Change::Added,
                (_, true) => Change::Removed,
                _ if before[1..] == after[1..] => continue,
                _ => Change::Changed,
            };
            let identity =
                if before.is_empty() { &after } else { &before }[..self.table.hidden()].to_vec();
            if each(Difference { change, identity, before, after }, &place)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// How many rows without a key of their own were seen, by their values.
type Twins = HashMap<ChunkHash, u64>;

/// The declared key as text. A key with a NULL in it tells no row apart and the rowid may have moved
/// to another row: there all values together are the key, with a number for each of their twins.
fn key_of(values: &[Value], places: &[usize], twins: &mut Twins) -> String {
    let mut key = Vec::new();
    if places.iter().any(|&place| matches!(values[place], Value::Null)) {
        row::write_row(&mut key, &values[1..]);
        let hash = ChunkHash::of(&key);
        let number = twins.entry(hash).or_default();
        *number += 1;
        return format!("#{hash} {number}");
    }
    row::write_row(&mut key, places.iter().map(|&place| &values[place]));
    String::from_utf8_lossy(&key).into_owned()
}

fn failed(error: rusqlite::Error) -> Error {
    failure("rows cannot be joined in a temporary database", error)
}
