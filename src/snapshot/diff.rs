//! What differs between two trees of one table.
//!
//! Both trees are walked side by side in identity order. Where both stand at chunks of the same
//! hash, both skip them unread; so the cost is that of the differing branches. A chunk whose range
//! lies wholly beside the other tree's next row is one-sided, and is counted without being read
//! where only counts are wanted.

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use super::facts::Change;
use super::pack::{Chunk, ChunkHash};
use super::row::Value;
use super::source::{ChunkSource, children_of, together, values_of};
use super::tree::{self, Node};
use crate::database::Table;
use crate::error::Result;

/// One side of a comparison: the source of its chunks, and the root of the table's tree.
#[derive(Clone, Copy)]
pub(crate) struct Side<'s> {
    /// Where the chunks come from.
    pub(crate) source: &'s dyn ChunkSource,
    /// The root; `None` for a table without rows.
    pub(crate) root: Option<&'s Node>,
}

/// A difference: what would happen to a row if `before` became `after`.
#[derive(Debug, PartialEq)]
pub(crate) struct Difference {
    /// What would happen.
    pub(crate) change: Change,
    /// The row's identity.
    pub(crate) identity: Vec<Value>,
    /// Its values before; empty when it was not there.
    pub(crate) before: Vec<Value>,
    /// Its values after; empty when it will not be there.
    pub(crate) after: Vec<Value>,
}

/// How many rows differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) added: u64,
    pub(crate) removed: u64,
    pub(crate) changed: u64,
}

impl Counts {
    /// Counts one more row.
    pub(crate) fn count(&mut self, change: Change, rows: u64) {
        match change {
            Change::Added => self.added += rows,
            Change::Removed => self.removed += rows,
            Change::Changed => self.changed += rows,
        }
    }
}

/// Counts the rows that differ.
pub(crate) fn counts(table: &Table, before: Side<'_>, after: Side<'_>) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut walk = Walk::new(table, before, after, None);
    walk.whole_chunks = true;
    while let Some(step) = walk.step()? {
        match step {
            Step::Chunk(change, rows) => counts.count(change, rows),
            Step::Row(difference) => counts.count(difference.change, 1),
        }
    }
    Ok(counts)
}

/// Walks the rows that differ, in identity order.
pub(crate) struct Differences<'s>(Walk<'s>);

impl<'s> Differences<'s> {
    /// All of them, or those whose identity comes behind `behind`.
    pub(crate) fn new(
        table: &'s Table,
        before: Side<'s>,
        after: Side<'s>,
        behind: Option<Vec<Value>>,
    ) -> Self {
        Self(Walk::new(table, before, after, behind))
    }
}

impl Iterator for Differences<'_> {
    type Item = Result<Difference>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.0.step() {
                Ok(Some(Step::Row(difference))) => return Some(Ok(difference)),
                // Only a walk that wants whole chunks makes these.
                Ok(Some(Step::Chunk(..))) => {}
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

enum Step {
    Row(Difference),
    Chunk(Change, u64),
}

struct Walk<'s> {
    table: &'s Table,
    places: Vec<usize>,
    before: Cursor<'s>,
    after: Cursor<'s>,
    behind: Option<Vec<Value>>,
    /// Whether a one-sided chunk is told by its number of rows, unread.
    whole_chunks: bool,
}

/// What a cursor stands before.
enum Item {
    Node(Node),
    Row(Row),
}

/// A row of an opened chunk. Most are the same on both sides, and their bytes tell: so a row is
/// only read as values where it differs.
struct Row {
    chunk: Rc<(Node, Chunk)>,
    line: Range<usize>,
    read: OnceCell<(Vec<Value>, Vec<Value>)>,
}

impl Row {
    fn line(&self) -> &[u8] {
        &self.chunk.1.bytes()[self.line.clone()]
    }

    /// Its identity and its values.
    fn read(&self, table: &Table, places: &[usize]) -> Result<&(Vec<Value>, Vec<Value>)> {
        if let Some(read) = self.read.get() {
            return Ok(read);
        }
        let values = values_of(table, &self.chunk.0, self.line())?;
        let identity = places.iter().map(|&place| values[place].clone()).collect();
        Ok(self.read.get_or_init(|| (identity, values)))
    }
}

/// The place in one tree: what is still to come, the next last.
struct Cursor<'s> {
    source: &'s dyn ChunkSource,
    ahead: Vec<Item>,
    /// Chunks that were read ahead.
    read: HashMap<ChunkHash, Chunk>,
}

/// Chunks of rows that are read together, at most.
const READ_AHEAD: usize = 64;

impl Cursor<'_> {
    /// Replaces the chunk that the cursor stands before by what it holds.
    fn open(&mut self, table: &Table) -> Result<()> {
        let Some((node, chunk)) = self.take(table)? else { return Ok(()) };
        if node.height > 0 {
            self.ahead.extend(children_of(table, &node, &chunk)?.into_iter().rev().map(Item::Node));
        } else {
            let whole = 0..chunk.bytes().len();
            self.put_rows(node, chunk, whole);
        }
        Ok(())
    }

    /// Takes the chunk that the cursor stands before.
    fn take(&mut self, table: &Table) -> Result<Option<(Node, Chunk)>> {
        let Some(Item::Node(node)) = self.ahead.pop() else { return Ok(None) };
        let chunk = match self.read.remove(&node.hash) {
            Some(chunk) => chunk,
            None => self.source.chunk(table, &node)?,
        };
        Ok(Some((node, chunk)))
    }

    /// Puts the rows of a chunk ahead: those in a range of its bytes.
    fn put_rows(&mut self, node: Node, chunk: Chunk, range: Range<usize>) {
        let first = self.ahead.len();
        let chunk = Rc::new((node, chunk));
        let mut start = range.start;
        for line in tree::lines_of(&chunk.1.bytes()[range]) {
            let line = start..start + line.len();
            start = line.end + 1;
            self.ahead.push(Item::Row(Row {
                chunk: Rc::clone(&chunk),
                line,
                read: OnceCell::new(),
            }));
        }
        self.ahead[first..].reverse();
    }

    /// Whether it stands before a chunk of rows.
    fn is_before_rows(&self) -> bool {
        matches!(self.ahead.last(), Some(Item::Node(node)) if node.height == 0)
    }

    /// Reads the chunk of rows that the cursor stands before, and those soon to come that the other
    /// side does not have too, so that neighbours in the store are read at once.
    fn read_ahead(&mut self, table: &Table, other: &Self) -> Result<()> {
        if !matches!(self.ahead.last(), Some(Item::Node(node)) if node.height == 0 && !self.read.contains_key(&node.hash))
        {
            return Ok(());
        }
        let skipped: HashSet<ChunkHash> = other.nodes().map(|node| node.hash).collect();
        let mut wanted: Vec<Node> = self
            .nodes()
            .take_while(|node| node.height == 0)
            .filter(|node| !skipped.contains(&node.hash))
            .take(READ_AHEAD)
            .cloned()
            .collect();
        wanted.truncate(together(wanted.iter().map(|node| node.bytes), READ_AHEAD));
        let chunks = self.source.chunks(table, &wanted)?;
        self.read = wanted.iter().map(|node| node.hash).zip(chunks).collect();
        Ok(())
    }

    /// The chunks that are ahead, the next first.
    fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.ahead.iter().rev().filter_map(|item| match item {
            Item::Node(node) => Some(node),
            Item::Row(_) => None,
        })
    }
}

/// What the two cursors stand before decides the next move.
enum Move {
    End,
    SkipBoth,
    Open { before: bool, after: bool },
    Take { before: bool, after: bool },
}

impl<'s> Walk<'s> {
    fn new(
        table: &'s Table,
        before: Side<'s>,
        after: Side<'s>,
        behind: Option<Vec<Value>>,
    ) -> Self {
        let cursor = |side: Side<'s>| Cursor {
            source: side.source,
            ahead: side.root.cloned().map(Item::Node).into_iter().collect(),
            read: HashMap::new(),
        };
        let (before, after) = (cursor(before), cursor(after));
        Self { table, places: table.identity_places(), before, after, behind, whole_chunks: false }
    }

    /// The next difference; `None` at the end.
    fn step(&mut self) -> Result<Option<Step>> {
        loop {
            self.skip_to_the_start()?;
            match self.next_move()? {
                Move::End => return Ok(None),
                Move::SkipBoth => {
                    self.before.ahead.pop();
                    self.after.ahead.pop();
                }
                Move::Open { before, after } => {
                    if before {
                        self.before.read_ahead(self.table, &self.after)?;
                    }
                    if after {
                        self.after.read_ahead(self.table, &self.before)?;
                    }
                    let both = before && after;
                    if both && self.before.is_before_rows() && self.after.is_before_rows() {
                        self.open_rows()?;
                        continue;
                    }
                    if before {
                        self.before.open(self.table)?;
                    }
                    if after {
                        self.after.open(self.table)?;
                    }
                }
                Move::Take { before, after } => {
                    let taken = before.then(|| self.before.ahead.pop()).flatten();
                    let (change, item, other) = match taken {
                        Some(item) if after => {
                            (Change::Changed, Some(item), self.after.ahead.pop())
                        }
                        Some(item) => (Change::Removed, Some(item), None),
                        None => (Change::Added, self.after.ahead.pop(), None),
                    };
                    if let Some(step) = self.step_of(change, item, other)? {
                        return Ok(Some(step));
                    }
                }
            }
        }
    }

    /// Opens a chunk of rows on both sides. Rows that both have at their beginning and at their end
    /// are left out: both sides would come to them together.
    fn open_rows(&mut self) -> Result<()> {
        let before = self.before.take(self.table)?;
        let after = self.after.take(self.table)?;
        let (Some((old, before)), Some((new, after))) = (before, after) else { return Ok(()) };
        let (head, tail) = same_lines(before.bytes(), after.bytes());
        let (old_end, new_end) = (before.bytes().len() - tail, after.bytes().len() - tail);
        self.before.put_rows(old, before, head..old_end);
        self.after.put_rows(new, after, head..new_end);
        Ok(())
    }

    /// Drops what is not behind the wanted start.
    fn skip_to_the_start(&mut self) -> Result<()> {
        let Some(behind) = &self.behind else { return Ok(()) };
        for cursor in [&mut self.before, &mut self.after] {
            loop {
                match cursor.ahead.last() {
                    Some(Item::Node(node)) if node.last <= *behind => {
                        cursor.ahead.pop();
                    }
                    Some(Item::Node(node)) if node.first <= *behind => {
                        cursor.open(self.table)?;
                    }
                    Some(Item::Row(row)) if row.read(self.table, &self.places)?.0 <= *behind => {
                        cursor.ahead.pop();
                    }
                    _ => break,
                }
            }
        }
        self.behind = None;
        Ok(())
    }

    fn next_move(&self) -> Result<Move> {
        let take = |before, after| Move::Take { before, after };
        let open = |before, after| Move::Open { before, after };
        Ok(match (self.before.ahead.last(), self.after.ahead.last()) {
            (None, None) => Move::End,
            (Some(item), None) => self.one_sided(item, true),
            (None, Some(item)) => self.one_sided(item, false),
            (Some(Item::Node(before)), Some(Item::Node(after))) => {
                if before.hash == after.hash && before.height == after.height {
                    Move::SkipBoth
                } else if before.last < after.first {
                    self.one_sided_node(true)
                } else if after.last < before.first {
                    self.one_sided_node(false)
                } else {
                    match before.height.cmp(&after.height) {
                        Ordering::Greater => open(true, false),
                        Ordering::Less => open(false, true),
                        Ordering::Equal => open(true, true),
                    }
                }
            }
            (Some(Item::Row(row)), Some(Item::Node(after))) => {
                let (identity, _) = row.read(self.table, &self.places)?;
                if *identity < after.first {
                    take(true, false)
                } else {
                    self.node_beside(after, identity, false)
                }
            }
            (Some(Item::Node(before)), Some(Item::Row(row))) => {
                let (identity, _) = row.read(self.table, &self.places)?;
                if *identity < before.first {
                    take(false, true)
                } else {
                    self.node_beside(before, identity, true)
                }
            }
            (Some(Item::Row(before)), Some(Item::Row(after))) => {
                if before.line() == after.line() {
                    return Ok(Move::SkipBoth);
                }
                let (before, _) = before.read(self.table, &self.places)?;
                let (after, _) = after.read(self.table, &self.places)?;
                match before.cmp(after) {
                    Ordering::Less => take(true, false),
                    Ordering::Greater => take(false, true),
                    Ordering::Equal => take(true, true),
                }
            }
        })
    }

    /// A chunk that begins before the other side's next row: whole, if it also ends before it.
    fn node_beside(&self, node: &Node, row: &Vec<Value>, is_before: bool) -> Move {
        if node.last < *row {
            self.one_sided_node(is_before)
        } else {
            Move::Open { before: is_before, after: !is_before }
        }
    }

    fn one_sided(&self, item: &Item, is_before: bool) -> Move {
        match item {
            Item::Node(_) => self.one_sided_node(is_before),
            Item::Row(_) => Move::Take { before: is_before, after: !is_before },
        }
    }

    fn one_sided_node(&self, is_before: bool) -> Move {
        if self.whole_chunks {
            Move::Take { before: is_before, after: !is_before }
        } else {
            Move::Open { before: is_before, after: !is_before }
        }
    }

    fn step_of(
        &self,
        change: Change,
        item: Option<Item>,
        other: Option<Item>,
    ) -> Result<Option<Step>> {
        let row = match item {
            None => return Ok(None),
            Some(Item::Node(node)) => return Ok(Some(Step::Chunk(change, node.rows))),
            Some(Item::Row(row)) => row,
        };
        let (identity, values) = row.read(self.table, &self.places)?.clone();
        let (before, after) = match (change, other) {
            (Change::Added, _) => (Vec::new(), values),
            (_, Some(Item::Row(after))) => {
                (values, after.read(self.table, &self.places)?.1.clone())
            }
            _ => (values, Vec::new()),
        };
        Ok(Some(Step::Row(Difference { change, identity, before, after })))
    }
}

/// How many bytes two chunks share at their beginning and, of the rest, at their end: whole lines.
fn same_lines(a: &[u8], b: &[u8]) -> (usize, usize) {
    const BLOCK: usize = 64;
    let blocks = a.chunks_exact(BLOCK).zip(b.chunks_exact(BLOCK));
    let mut head = BLOCK * blocks.take_while(|(a, b)| a == b).count();
    head += a[head..].iter().zip(&b[head..]).take_while(|(a, b)| a == b).count();
    head = a[..head].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let (a, b) = (&a[head..], &b[head..]);
    let blocks = a.rchunks_exact(BLOCK).zip(b.rchunks_exact(BLOCK));
    let mut tail = BLOCK * blocks.take_while(|(a, b)| a == b).count();
    let rest = |bytes: &[u8]| bytes.len() - tail;
    let (a_rest, b_rest) = (&a[..rest(a)], &b[..rest(b)]);
    tail += a_rest.iter().rev().zip(b_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    // The first line of the common end may have begun differently.
    let end = &a[a.len() - tail..];
    let tail = end.iter().position(|&byte| byte == b'\n').map_or(0, |first| tail - first - 1);
    (head, tail)
}

#[cfg(test)]
mod tests;
