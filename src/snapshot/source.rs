//! Where the chunks of a tree come from: the store, or the database that they were read from.

use std::cell::{OnceCell, RefCell};

use super::Progress;
use super::fingerprint::{KnownChunk, Memory, Session};
use super::hashes::Gathering;
use super::kept::Kept;
use super::leaves::Leaves;
use super::lines::{EachLine, RowLine, RowReader};
use super::pack::{Chunk, ChunkHash, PackWriter, Packs};
use super::redact;
use super::row::{self, Value};
use super::tree::{self, ChunkSink, Finished, Node, TreeBuilder};
use crate::database::{Pages, Storage, Table, View};
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

/// Neighbours that are read together: about a megabyte of usual ones.
const NEIGHBOURS: usize = 32;

/// What chunks that are read together may take, in bytes: a large row makes a large chunk.
const TOGETHER: u64 = 2 << 20;

/// How many of these, from the first on, are read together: `most`, or fewer where they are large.
pub(crate) fn together(bytes: impl IntoIterator<Item = u64>, most: usize) -> usize {
    let sums = bytes.into_iter().scan(0_u64, |sum, bytes| {
        *sum = sum.saturating_add(bytes);
        Some(*sum)
    });
    sums.take(most).take_while(|sum| *sum <= TOGETHER).count().max(1)
}

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
    pub(crate) hashes: Gathering,
}

impl IntoPacks {
    pub(crate) fn new(packs: &Packs) -> Result<Self> {
        Ok(Self { packs: packs.clone(), writer: packs.writer()?, hashes: Gathering::new() })
    }
}

impl ChunkSink for IntoPacks {
    fn chunk(&mut self, chunk: Chunk, height: u8) -> Result<()> {
        if height > 0 {
            self.hashes.add(chunk.hash())?;
        }
        self.writer.put(chunk)
    }

    fn lacks(&self, hash: &ChunkHash) -> bool {
        !self.packs.contains(hash)
    }

    fn leaf(&mut self, leaf: &Finished) -> Result<()> {
        self.hashes.add(leaf.hash)
    }
}

/// Drops chunks: for a preview, which writes nothing.
pub(crate) struct Nowhere;

impl ChunkSink for Nowhere {
    fn chunk(&mut self, _chunk: Chunk, _height: u8) -> Result<()> {
        Ok(())
    }
}

/// A database seen as trees: index chunks are kept, chunks of rows are read again, in the
/// same transaction, when they are wanted. So a preview writes nothing and holds few rows.
pub(crate) struct FromDatabase<'c> {
    view: View<'c>,
    progress: Progress,
    kept: RefCell<Kept>,
    /// Reads leaves again, where this build shows pages; opened when first wanted.
    pages: OnceCell<Option<RefCell<Pages<'c>>>>,
}

impl<'c> FromDatabase<'c> {
    /// The database as it is in the transaction of `view`. Up to `room` bytes of rows that are read
    /// stay in memory, for whoever soon wants them again; with `None` nothing can be read again.
    pub(crate) fn new(view: View<'c>, progress: Progress, room: Option<usize>) -> Self {
        Self { view, progress, kept: RefCell::new(Kept::new(room)), pages: OnceCell::new() }
    }

    /// Reads a whole table and gives the root of its tree; its chunks also go to `sink`. Chunks
    /// whose pages are what they were when `session` was left are not read.
    pub(crate) fn scan(
        &self,
        table: &Table,
        sink: &mut dyn ChunkSink,
        session: Option<&mut Session<'_>>,
    ) -> Result<Option<Node>> {
        let mut kept = self.kept.borrow_mut();
        let mut rows = RowReader::new(self.view, table);
        if let Some(session) = session.filter(|_| table.storage == Storage::Rowid) {
            let root = std::thread::scope(|scope| {
                let leaves = Leaves::begin(scope, session, self.view, table)?;
                let Some(mut leaves) = leaves else { return Ok(None) };
                let memory = Some(leaves.memory());
                let mut sink = Keeping { kept: &mut kept, sink: &mut *sink, memory };
                let mut scanner = Scanner::new(&mut sink, &self.progress);
                scanner.follow(&mut rows, &mut leaves)?;
                let root = scanner.finish()?;
                leaves.finish()?;
                Ok::<_, Error>(Some(root))
            })?;
            if let Some(root) = root {
                return Ok(root);
            }
        }
        let mut sink = Keeping { kept: &mut kept, sink, memory: None };
        let mut scanner = Scanner::new(&mut sink, &self.progress);
        rows.read(None, i64::MAX, &mut |line| scanner.add(line))?;
        scanner.finish()
    }

    /// The rows of a chunk, read out of the leaves again. `None` where they do not give it.
    fn read_leaves(&self, table: &Table, node: &Node) -> Result<Option<Chunk>> {
        let (&[Value::Integer(first)], &[Value::Integer(last)]) =
            (node.first.as_slice(), node.last.as_slice())
        else {
            return Ok(None);
        };
        if table.storage != Storage::Rowid {
            return Ok(None);
        }
        if self.pages.get().is_none() {
            let pages = self.view.pages(0)?;
            self.pages.get_or_init(|| pages.map(RefCell::new));
        }
        let Some(Some(pages)) = self.pages.get() else { return Ok(None) };
        let mut pages = pages.borrow_mut();
        let Some(root) = self.view.root_page(table)? else { return Ok(None) };
        if !RowReader::can_read(table, &pages) {
            return Ok(None);
        }
        let Some(mut leaves) = pages.leaves_between(root, first, last)? else { return Ok(None) };
        let mut rows = RowReader::new(self.view, table);
        let chunk = lines(node, |each| {
            rows.read_leaves(&mut pages, &mut leaves, first.checked_sub(1), last, each)
        })?;
        Ok((chunk.hash() == node.hash).then_some(chunk))
    }
}

/// The chunk of all rows that `read` hands out.
fn lines(node: &Node, read: impl FnOnce(&mut EachLine<'_>) -> Result<()>) -> Result<Chunk> {
    let mut lines = Vec::with_capacity(usize::try_from(node.bytes).unwrap_or_default());
    read(&mut |line| {
        lines.extend_from_slice(line.line());
        lines.push(b'\n');
        Ok(())
    })?;
    Ok(Chunk::of(lines))
}

/// Passes chunks on, and keeps those that may be wanted again.
struct Keeping<'i> {
    kept: &'i mut Kept,
    sink: &'i mut dyn ChunkSink,
    memory: Option<&'i Memory>,
}

impl ChunkSink for Keeping<'_> {
    fn chunk(&mut self, chunk: Chunk, height: u8) -> Result<()> {
        self.kept.keep(&chunk, height)?;
        self.sink.chunk(chunk, height)
    }

    fn lacks(&self, hash: &ChunkHash) -> bool {
        self.sink.lacks(hash)
    }

    fn leaf(&mut self, leaf: &Finished) -> Result<()> {
        if let Some(memory) = self.memory
            && let (Some(first), Some(last)) = (rowid(&leaf.first), rowid(&leaf.last))
        {
            let Finished { hash, rows, bytes, .. } = *leaf;
            memory.keep(&KnownChunk { hash, rows, bytes, first, last });
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
            let chunk = self.kept.borrow_mut().index(&node.hash)?;
            return chunk
                .ok_or_else(|| Error::failed("an index chunk was not kept").on(&table.name));
        }
        // Rows are wanted once by most; who wants them again reads them again.
        if let Some(chunk) = self.kept.borrow_mut().take_rows(&node.hash) {
            return Ok(chunk);
        }
        if let Some(chunk) = self.read_leaves(table, node)? {
            return Ok(chunk);
        }
        let mut rows = RowReader::new(self.view, table);
        let chunk = lines(node, |each| rows.read_between(&node.first, &node.last, each))?;
        if chunk.hash() == node.hash {
            return Ok(chunk);
        }
        Err(Error::failed(
            "the rows of a table did not read back as they were read in the same transaction",
        )
        .on(&table.name)
        .hint("run PRAGMA integrity_check on the database"))
    }
}

/// Rows between two reports of progress.
const REPORTED: u64 = 1 << 10;

/// Makes the tree of a table whose rows are read in identity order.
struct Scanner<'s> {
    builder: TreeBuilder<'s>,
    unreported: u64,
    progress: &'s Progress,
}

impl<'s> Scanner<'s> {
    fn new(sink: &'s mut dyn ChunkSink, progress: &'s Progress) -> Self {
        Self { builder: TreeBuilder::new(sink), unreported: 0, progress }
    }

    /// Reads a table kept by rowid. Chunks that were made before and whose rows cannot have changed
    /// are taken over unread.
    ///
    /// The tree is the same as if every row were read: a known chunk is only taken over where the
    /// chunk before it has just ended, and where nothing changed from behind that one to the first
    /// row of the next, which may have decided where it ends.
    fn follow(&mut self, rows: &mut RowReader<'_>, leaves: &mut Leaves<'_, '_, '_>) -> Result<()> {
        let mut after = None;
        let mut known = leaves.next_chunk();
        if known.is_none() {
            return leaves.read(rows, None, i64::MAX, &mut |line| self.add(line));
        }
        while let Some(chunk) = known {
            known = leaves.next_chunk();
            let until = known.map_or(i64::MAX, |next| next.first);
            if self.builder.is_between_chunks()
                && !self.builder.lacks(&chunk.hash)
                && leaves.is_clean(after, until)?
            {
                self.take_over(&chunk)?;
            } else {
                let last = if known.is_some() { chunk.last } else { i64::MAX };
                leaves.read(rows, after, last, &mut |line| self.add(line))?;
            }
            after = Some(chunk.last);
        }
        Ok(())
    }

    fn add(&mut self, line: &RowLine) -> Result<()> {
        self.unreported += 1;
        if self.unreported == REPORTED {
            self.progress.step(std::mem::take(&mut self.unreported))?;
        }
        self.builder.add(line.line(), line.identity())
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
    let children = children_of(table, node, chunk)?;
    let mut left = children.as_slice();
    while !left.is_empty() {
        let (nodes, later) =
            left.split_at(together(left.iter().map(|node| node.bytes), NEIGHBOURS));
        left = later;
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
