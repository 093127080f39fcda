//! Where the chunks of a tree come from: the store, or the database that they were read from.

use std::cell::RefCell;
use std::collections::HashMap;

use rusqlite::ToSql;

use super::Progress;
use super::fingerprint::{Known, KnownChunk, Session};
use super::pack::{Chunk, ChunkHash, PackWriter, Packs};
use super::redact;
use super::row::{self, Value};
use super::tree::{self, ChunkSink, Finished, Node, TreeBuilder};
use crate::database::{Storage, Table, View};
use crate::error::{Error, Result};

/// Gives the chunks of tables' trees, verified.
pub(crate) trait ChunkSource {
    /// The chunk that `node` describes, in the tree of `table`.
    fn chunk(&self, table: &Table, node: &Node) -> Result<Chunk>;

    /// The chunks of neighbours, in their order.
    fn chunks(&self, table: &Table, nodes: &[Node]) -> Result<Vec<Chunk>> {
        nodes.iter().map(|node| self.chunk(table, node)).collect()
    }
}

/// Neighbours that are read together: about a megabyte.
const NEIGHBOURS: usize = 32;

impl ChunkSource for Packs {
    fn chunk(&self, table: &Table, node: &Node) -> Result<Chunk> {
        self.read(&node.hash, node.bytes).map_err(|error| of_table(error, table))
    }

    fn chunks(&self, table: &Table, nodes: &[Node]) -> Result<Vec<Chunk>> {
        let wanted: Vec<_> = nodes.iter().map(|node| (node.hash, node.bytes)).collect();
        self.read_many(&wanted).map_err(|error| of_table(error, table))
    }
}

fn of_table(error: Error, table: &Table) -> Error {
    if error.thing().is_empty() { error.on(format!("table {}", table.name)) } else { error }
}

/// Puts chunks into packs of the store, and remembers which they were.
pub(crate) struct IntoPacks {
    pub(crate) packs: Packs,
    pub(crate) writer: PackWriter,
    pub(crate) hashes: Vec<ChunkHash>,
}

impl IntoPacks {
    pub(crate) fn new(packs: &Packs) -> Result<Self> {
        Ok(Self { packs: packs.clone(), writer: packs.writer()?, hashes: Vec::new() })
    }
}

impl ChunkSink for IntoPacks {
    fn chunk(&mut self, hash: ChunkHash, height: u8, bytes: &mut Vec<u8>) -> Result<()> {
        if height > 0 {
            self.hashes.push(hash);
        }
        self.writer.put(hash, std::mem::take(bytes))
    }

    fn lacks(&self, hash: &ChunkHash) -> bool {
        !self.packs.contains(hash)
    }

    fn leaf(&mut self, leaf: &Finished) -> Result<()> {
        self.hashes.push(leaf.hash);
        Ok(())
    }
}

/// Drops chunks: for a preview, which writes nothing.
pub(crate) struct Nowhere;

impl ChunkSink for Nowhere {
    fn chunk(&mut self, _hash: ChunkHash, _height: u8, _bytes: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
}

/// A database seen as trees: index chunks are kept in memory, chunks of rows are read again, in the
/// same transaction, when they are wanted. So a preview writes nothing and holds no rows.
pub(crate) struct FromDatabase<'c> {
    view: View<'c>,
    progress: Progress,
    indexes: RefCell<HashMap<ChunkHash, Vec<u8>>>,
}

impl<'c> FromDatabase<'c> {
    /// The database as it is in the transaction of `view`.
    pub(crate) fn new(view: View<'c>, progress: Progress) -> Self {
        Self { view, progress, indexes: RefCell::default() }
    }

    /// Reads a whole table and gives the root of its tree; its chunks also go to `sink`. Chunks
    /// whose pages are what they were when `session` was left are not read.
    pub(crate) fn scan(
        &self,
        table: &Table,
        sink: &mut dyn ChunkSink,
        session: Option<&mut Session>,
    ) -> Result<Option<Node>> {
        let mut indexes = self.indexes.borrow_mut();
        let mut sink = KeepIndexes { indexes: &mut indexes, sink, session: None };
        let by_rowid = table.storage == Storage::Rowid;
        let mut known = None;
        if let Some(session) = session.filter(|_| by_rowid) {
            known = session.table(self.view, table)?;
            sink.session = Some(session);
        }
        let root = scan(self.view, table, &known.unwrap_or_default(), &mut sink, &self.progress)?;
        if let Some(session) = sink.session {
            session.end_table();
        }
        Ok(root)
    }
}

struct KeepIndexes<'i> {
    indexes: &'i mut HashMap<ChunkHash, Vec<u8>>,
    sink: &'i mut dyn ChunkSink,
    session: Option<&'i mut Session>,
}

impl ChunkSink for KeepIndexes<'_> {
    fn chunk(&mut self, hash: ChunkHash, height: u8, bytes: &mut Vec<u8>) -> Result<()> {
        if height > 0 {
            self.indexes.insert(hash, bytes.clone());
        }
        self.sink.chunk(hash, height, bytes)
    }

    fn lacks(&self, hash: &ChunkHash) -> bool {
        self.sink.lacks(hash)
    }

    fn leaf(&mut self, leaf: &Finished) -> Result<()> {
        if let Some(session) = &mut self.session
            && let (Some(first), Some(last)) = (rowid(&leaf.first), rowid(&leaf.last))
        {
            let Finished { hash, rows, bytes, .. } = *leaf;
            session.keep(&KnownChunk { hash, rows, bytes, first, last });
        }
        self.sink.leaf(leaf)
    }
}

/// The rowid that an encoded identity of one integer is.
fn rowid(identity: &[u8]) -> Option<i64> {
    let digits = identity.strip_prefix(b"[")?.strip_suffix(b"]")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

impl ChunkSource for FromDatabase<'_> {
    fn chunk(&self, table: &Table, node: &Node) -> Result<Chunk> {
        if node.height > 0 {
            return match self.indexes.borrow().get(&node.hash) {
                Some(bytes) => Ok(Chunk::of(bytes.clone())),
                None => Err(Error::failed("an index chunk was not kept").on(&table.name)),
            };
        }
        let mut lines = Vec::with_capacity(usize::try_from(node.bytes).unwrap_or_default());
        let mut line = RowLine::new(table);
        let first: Vec<&dyn ToSql> = node.first.iter().map(|value| value as &dyn ToSql).collect();
        let last: Vec<&dyn ToSql> = node.last.iter().map(|value| value as &dyn ToSql).collect();
        self.view.scan(table, Some((&first, &last)), |row| {
            line.read(row)?;
            lines.extend_from_slice(&line.line);
            lines.push(b'\n');
            Ok::<_, Error>(())
        })?;
        let chunk = Chunk::of(lines);
        if chunk.hash() == node.hash {
            Ok(chunk)
        } else {
            Err(Error::failed(
                "the rows of a table did not read back as they were read in the same transaction",
            )
            .on(&table.name)
            .hint("run PRAGMA integrity_check on the database"))
        }
    }
}

/// Rows between two reports of progress.
const REPORTED: u64 = 1 << 10;

/// Reads a table, in identity order, as a tree whose chunks go to `sink`. Chunks that are known and
/// whose rows cannot have changed are taken over unread.
///
/// The tree is the same as if every row were read: a known chunk is only taken over where the chunk
/// before it has just ended, and where nothing changed from behind that one to the first row of the
/// next, which may have decided where it ends.
fn scan(
    view: View<'_>,
    table: &Table,
    known: &Known,
    sink: &mut dyn ChunkSink,
    progress: &Progress,
) -> Result<Option<Node>> {
    let mut scanner = Scanner {
        builder: TreeBuilder::new(sink),
        line: RowLine::new(table),
        unreported: 0,
        view,
        table,
        progress,
    };
    if known.chunks.is_empty() {
        scanner.read(None)?;
        return scanner.finish();
    }
    let mut dirty = known.dirty.as_slice();
    let mut after = None;
    for (place, chunk) in known.chunks.iter().enumerate() {
        let next = known.chunks.get(place + 1);
        let until = next.map_or(i64::MAX, |next| next.first);
        while dirty.first().is_some_and(|span| after.is_some_and(|after| span.last <= after)) {
            dirty = &dirty[1..];
        }
        let is_clean = dirty.first().is_none_or(|span| span.after >= until);
        if is_clean && scanner.builder.is_between_chunks() && !scanner.builder.lacks(&chunk.hash) {
            scanner.take_over(chunk)?;
        } else {
            let last = if next.is_some() { chunk.last } else { i64::MAX };
            scanner.read(Some((after, last)))?;
        }
        after = Some(chunk.last);
    }
    scanner.finish()
}

struct Scanner<'s> {
    builder: TreeBuilder<'s>,
    line: RowLine,
    unreported: u64,
    view: View<'s>,
    table: &'s Table,
    progress: &'s Progress,
}

impl Scanner<'_> {
    /// Reads rows: all, or those behind a rowid, where there is one, and up to another.
    fn read(&mut self, span: Option<(Option<i64>, i64)>) -> Result<()> {
        let Self { builder, line, unreported, progress, .. } = self;
        let each = |row: &rusqlite::Row<'_>| {
            line.read(row)?;
            *unreported += 1;
            if *unreported == REPORTED {
                progress.step(std::mem::take(unreported))?;
            }
            builder.add(&line.line, &line.identity)
        };
        let Some((after, last)) = span else { return self.view.scan(self.table, None, each) };
        let first = match after.map(|after| after.checked_add(1)) {
            None => i64::MIN,
            Some(Some(first)) => first,
            Some(None) => return Ok(()),
        };
        self.view.scan(self.table, Some((&[&first], &[&last])), each)
    }

    fn take_over(&mut self, chunk: &KnownChunk) -> Result<()> {
        let KnownChunk { hash, rows, bytes, first, last } = *chunk;
        let identity = |rowid: i64| format!("[{rowid}]").into_bytes();
        let chunk = Finished { hash, rows, bytes, first: identity(first), last: identity(last) };
        self.builder.take_over(chunk)?;
        self.progress.step(rows)
    }

    fn finish(self) -> Result<Option<Node>> {
        self.progress.step(self.unreported)?;
        self.builder.finish()
    }
}

/// One row in the row encoding, with its identity; the buffers are used again for every row.
struct RowLine {
    line: Vec<u8>,
    identity: Vec<u8>,
    width: usize,
    places: Vec<usize>,
    spans: Vec<(usize, usize)>,
}

impl RowLine {
    fn new(table: &Table) -> Self {
        Self {
            line: Vec::new(),
            identity: Vec::new(),
            width: table.width(),
            places: table.identity_places(),
            spans: vec![(0, 0); table.width()],
        }
    }

    fn read(&mut self, row: &rusqlite::Row<'_>) -> Result<()> {
        self.line.clear();
        for place in 0..self.width {
            self.line.push(if place == 0 { b'[' } else { b',' });
            let value = row
                .get_ref(place)
                .map_err(|error| Error::failed("a value cannot be read").because(error))?;
            let start = self.line.len();
            row::write_value(&mut self.line, value);
            self.spans[place] = (start, self.line.len());
        }
        self.line.push(b']');
        self.identity.clear();
        for (n, &place) in self.places.iter().enumerate() {
            let (start, end) = self.spans[place];
            self.identity.push(if n == 0 { b'[' } else { b',' });
            self.identity.extend_from_slice(&self.line[start..end]);
        }
        self.identity.push(b']');
        Ok(())
    }
}

/// What takes the rows of a table, each as its values.
pub(crate) type EachRow<'e> = dyn FnMut(Vec<Value>) -> Result<()> + 'e;

/// Hands out the rows below `node`, in order.
pub(crate) fn each_row(
    source: &dyn ChunkSource,
    table: &Table,
    node: &Node,
    each: &mut EachRow<'_>,
) -> Result<()> {
    each_row_of(source, table, node, &source.chunk(table, node)?, each)
}

fn each_row_of(
    source: &dyn ChunkSource,
    table: &Table,
    node: &Node,
    chunk: &Chunk,
    each: &mut EachRow<'_>,
) -> Result<()> {
    if node.height == 0 {
        return tree::lines_of(chunk.bytes())
            .try_for_each(|line| each(values_of(table, node, line)?));
    }
    for nodes in children_of(table, node, chunk)?.chunks(NEIGHBOURS) {
        for (node, chunk) in nodes.iter().zip(source.chunks(table, nodes)?) {
            each_row_of(source, table, node, &chunk, each)?;
        }
    }
    Ok(())
}

/// The chunks that an index chunk describes.
pub(crate) fn children_of(table: &Table, node: &Node, chunk: &Chunk) -> Result<Vec<Node>> {
    let children = tree::children(chunk.bytes(), node.height)
        .map_err(|error| malformed(table, node).because(redact::without_text(&error)))?;
    let rows = children.iter().try_fold(0_u64, |sum, child| sum.checked_add(child.rows));
    if children.is_empty() || rows != Some(node.rows) {
        return Err(malformed(table, node));
    }
    Ok(children)
}

/// The values of one line, as many as the table has.
pub(crate) fn values_of(table: &Table, node: &Node, line: &[u8]) -> Result<Vec<Value>> {
    let values = row::read_row(line)
        .map_err(|error| malformed(table, node).because(redact::without_text(&error)))?;
    if values.len() == table.width() { Ok(values) } else { Err(malformed(table, node)) }
}

/// The error of a chunk that is what its hash says and not what a chunk of this table can be.
pub(crate) fn malformed(table: &Table, node: &Node) -> Error {
    Error::damaged(format!(
        "the chunk {} does not hold what a chunk of this table holds",
        node.hash
    ))
    .on(format!("table {}", table.name))
    .hint("verify the snapshot; restore another one")
}
