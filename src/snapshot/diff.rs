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
use super::source::{ChunkSource, children_of, values_of};
use super::tree::{self, Node};
use crate::database::Table;
use crate::error::{Error, Result};

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

/// Chunks of rows that are read together: about half a megabyte.
const READ_AHEAD: usize = 16;

impl Cursor<'_> {
    /// Replaces the chunk that the cursor stands before by what it holds.
    fn open(&mut self, table: &Table) -> Result<()> {
        let Some(Item::Node(node)) = self.ahead.pop() else { return Ok(()) };
        let chunk = match self.read.remove(&node.hash) {
            Some(chunk) => chunk,
            None => self.source.chunk(table, &node)?,
        };
        if node.height > 0 {
            self.ahead.extend(children_of(table, &node, &chunk)?.into_iter().rev().map(Item::Node));
            return Ok(());
        }
        let first = self.ahead.len();
        let chunk = Rc::new((node, chunk));
        let mut start = 0;
        for line in tree::lines_of(chunk.1.bytes()) {
            let line = start..start + line.len();
            start = line.end + 1;
            self.ahead.push(Item::Row(Row {
                chunk: Rc::clone(&chunk),
                line,
                read: OnceCell::new(),
            }));
        }
        self.ahead[first..].reverse();
        Ok(())
    }

    fn keep(&mut self, nodes: &[Node], chunks: Vec<Chunk>) {
        if !nodes.is_empty() {
            self.read = nodes.iter().map(|node| node.hash).zip(chunks).collect();
        }
    }

    /// Whether it stands before a chunk of rows that was not read yet.
    fn wants_rows(&self) -> bool {
        matches!(self.ahead.last(), Some(Item::Node(node)) if node.height == 0 && !self.read.contains_key(&node.hash))
    }

    /// The chunks of rows soon to come that the other side does not have too.
    fn soon(&self, other: &Self) -> Vec<Node> {
        let skipped: HashSet<ChunkHash> = other.nodes().map(|node| node.hash).collect();
        self.nodes()
            .take_while(|node| node.height == 0)
            .filter(|node| !skipped.contains(&node.hash))
            .take(READ_AHEAD)
            .cloned()
            .collect()
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
                    self.read_ahead(before, after)?;
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

    /// Reads the chunks of rows that are about to be opened, and their neighbours with them; on both
    /// sides at once, where one wants rows and the other has none left.
    fn read_ahead(&mut self, before: bool, after: bool) -> Result<()> {
        let wanted = before && self.before.wants_rows() || after && self.after.wants_rows();
        if !wanted {
            return Ok(());
        }
        let soon = |cursor: &Cursor<'_>, other| {
            let wants = cursor.read.is_empty() || cursor.wants_rows();
            if wants { cursor.soon(other) } else { Vec::new() }
        };
        let of_before = soon(&self.before, &self.after);
        let of_after = soon(&self.after, &self.before);
        let table = self.table;
        let read = |cursor: &Cursor<'_>, nodes: &[Node]| cursor.source.chunks(table, nodes);
        let (before, after) = match self.after.source.shared() {
            Some(source) if !of_before.is_empty() && !of_after.is_empty() => {
                std::thread::scope(|scope| {
                    let other = scope.spawn(|| source.chunks(table, &of_after));
                    let one = read(&self.before, &of_before);
                    let other = other.join().unwrap_or_else(|_| {
                        Err(Error::failed("a thread that read the store has stopped"))
                    });
                    (one, other)
                })
            }
            _ => (read(&self.before, &of_before), read(&self.after, &of_after)),
        };
        self.before.keep(&of_before, before?);
        self.after.keep(&of_after, after?);
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

#[cfg(test)]
mod tests;
