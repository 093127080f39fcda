//! Rows of a database as lines: read out of the leaves of their table where these tell all, by a
//! statement where they do not.

use rusqlite::ToSql;
use rusqlite::types::ValueRef;

use super::row::{self, Value};
use crate::database::{Leaf, Pages, RecordLayout, Table, View};
use crate::error::{Error, Result};

/// What takes each row, in identity order.
pub(crate) type EachLine<'e> = dyn FnMut(&RowLine) -> Result<()> + 'e;

/// Reads rows of one table in one transaction.
pub(crate) struct RowReader<'s> {
    view: View<'s>,
    table: &'s Table,
    line: RowLine,
    /// `None` where only statements read the rows.
    layout: Option<RecordLayout>,
}

impl<'s> RowReader<'s> {
    /// Whether rows of a table can be read out of leaves at all.
    pub(crate) fn can_read(table: &Table, pages: &Pages<'_>) -> bool {
        pages.is_utf8() && RecordLayout::of(table).is_some()
    }

    /// Reads in the transaction of `view`.
    pub(crate) fn new(view: View<'s>, table: &'s Table) -> Self {
        Self { view, table, line: RowLine::new(table), layout: RecordLayout::of(table) }
    }

    /// Reads rows by a statement. Of a table kept by rowid those behind a rowid, where one is
    /// given, and up to another; without bounds, those of any table.
    pub(crate) fn read(
        &mut self,
        after: Option<i64>,
        last: i64,
        each: &mut EachLine<'_>,
    ) -> Result<()> {
        by_rowid(self.view, self.table, &mut self.line, after, last, each)
    }

    /// Reads the same rows out of leaves, which hold them all and lie in the transaction of the view,
    /// and hashes these by the way.
    pub(crate) fn read_leaves(
        &mut self,
        pages: &mut Pages<'_>,
        leaves: &mut [Leaf],
        mut after: Option<i64>,
        last: i64,
        each: &mut EachLine<'_>,
    ) -> Result<()> {
        let Self { view, table, line, layout: Some(layout) } = self else {
            return self.read(after, last, each);
        };
        let begin = after;
        let from = leaves.partition_point(|leaf| begin.is_some_and(|begin| leaf.last <= begin));
        for leaf in &mut leaves[from..] {
            let mut before = None;
            let whole = pages.visit(
                leaf,
                Some(&mut |rowid, record| {
                    if before.replace(rowid).is_some_and(|before| rowid <= before) {
                        return Ok(None);
                    }
                    if rowid > last || begin.is_some_and(|begin| rowid <= begin) {
                        return Ok(Some(()));
                    }
                    line.begin();
                    if layout.read(rowid, record, |value| line.push(value)).is_none() {
                        return Ok(None);
                    }
                    line.end();
                    each(line)?;
                    after = Some(rowid);
                    Ok(Some(()))
                }),
            )?;
            let end = leaf.last.min(last);
            if !whole {
                // SQLite can make more of it, or tells what is wrong.
                by_rowid(*view, table, line, after, end, each)?;
            }
            after = Some(end);
            if end == last {
                break;
            }
        }
        Ok(())
    }

    /// Reads the rows between two identities, both included, by a statement.
    pub(crate) fn read_between(
        &mut self,
        first: &[Value],
        last: &[Value],
        each: &mut EachLine<'_>,
    ) -> Result<()> {
        fn bound(identity: &[Value]) -> Vec<&dyn ToSql> {
            identity.iter().map(|value| value as &dyn ToSql).collect()
        }
        let (first, last) = (bound(first), bound(last));
        by_statement(self.view, self.table, &mut self.line, Some((&first, &last)), each)
    }
}

fn by_rowid(
    view: View<'_>,
    table: &Table,
    line: &mut RowLine,
    after: Option<i64>,
    last: i64,
    each: &mut EachLine<'_>,
) -> Result<()> {
    if after.is_none() && last == i64::MAX {
        return by_statement(view, table, line, None, each);
    }
    let first = match after.map(|after| after.checked_add(1)) {
        None => i64::MIN,
        Some(Some(first)) => first,
        Some(None) => return Ok(()),
    };
    by_statement(view, table, line, Some((&[&first], &[&last])), each)
}

fn by_statement(
    view: View<'_>,
    table: &Table,
    line: &mut RowLine,
    range: Option<crate::database::Range<'_>>,
    each: &mut EachLine<'_>,
) -> Result<()> {
    view.scan(table, range, |row| {
        line.read(row)?;
        each(line)
    })
}

/// One row in the row encoding, with its identity; the buffers are used again for every row.
pub(crate) struct RowLine {
    line: Vec<u8>,
    identity: Vec<u8>,
    places: Vec<usize>,
    /// Where each value lies in the line.
    spans: Vec<(usize, usize)>,
    width: usize,
}

impl RowLine {
    fn new(table: &Table) -> Self {
        Self {
            line: Vec::new(),
            identity: Vec::new(),
            places: table.identity_places(),
            spans: Vec::with_capacity(table.width()),
            width: table.width(),
        }
    }

    /// The row, without a line feed.
    pub(crate) fn line(&self) -> &[u8] {
        &self.line
    }

    /// Its identity, as an array of its own.
    pub(crate) fn identity(&self) -> &[u8] {
        &self.identity
    }

    fn read(&mut self, row: &rusqlite::Row<'_>) -> Result<()> {
        self.begin();
        for place in 0..self.width {
            let value = row
                .get_ref(place)
                .map_err(|error| Error::failed("a value cannot be read").because(error))?;
            self.push(value);
        }
        self.end();
        Ok(())
    }

    fn begin(&mut self) {
        self.line.clear();
        self.spans.clear();
    }

    fn push(&mut self, value: ValueRef<'_>) {
        self.line.push(if self.spans.is_empty() { b'[' } else { b',' });
        let start = self.line.len();
        row::write_value(&mut self.line, value);
        self.spans.push((start, self.line.len()));
    }

    fn end(&mut self) {
        self.line.push(b']');
        self.identity.clear();
        for (n, &place) in self.places.iter().enumerate() {
            let (start, end) = self.spans[place];
            self.identity.push(if n == 0 { b'[' } else { b',' });
            self.identity.extend_from_slice(&self.line[start..end]);
        }
        self.identity.push(b']');
    }
}
