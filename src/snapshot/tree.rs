//! A table as a tree over its chunks.
//!
//! A leaf chunk is a run of rows, one line each ([`super::row`]), each line ended by a line feed. An
//! index chunk is a run of lines that each describe one chunk below:
//!
//! ```text
//! ["<BLAKE3 of the chunk, hex>",<rows below>,<bytes of the chunk>,[first identity],[last identity]]
//! ```
//!
//! A chunk ends where a hash of the last row's identity says so, so that an insertion moves one
//! boundary and not all that follow, and equal rows give equal chunks wherever they come from: two
//! tables are equal exactly when their roots are. The model is the prolly tree of Noms and Dolt.
//!
//! The chance to end after a line grows with the line's length, so that rows of any size make chunks
//! of about 26 KiB; never below [`SMALLEST`] but at the table's end, never above [`LARGEST`] but for
//! a single larger row, which stands alone. The chance is small up to [`TURN`] and large beyond
//! (`FastCDC` calls this normalized chunking): sizes differ less, and a changed row, which hits a large
//! chunk more often than a small one, drags fewer bytes along.

use serde::{Deserialize, Serialize};

use super::pack::{Chunk, ChunkHash};
use super::row::Value;
use crate::error::Result;

/// The size in bytes below which a chunk is not ended, but by the table's end.
pub(crate) const SMALLEST: usize = 8 << 10;
/// The size in bytes from which a chunk is soon ended.
const TURN: usize = 20 << 10;
/// Bytes that follow on average, up to the turn and beyond it, before a chunk is ended.
const SELDOM: u64 = 96 << 10;
const SOON: u64 = 8 << 10;
/// The size in bytes that a chunk of several lines never exceeds.
pub(crate) const LARGEST: usize = 128 << 10;

/// A chunk as its parent describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Node {
    /// What the chunk is known by.
    pub(crate) hash: ChunkHash,
    /// Levels of index chunks from here down; 0 for a chunk of rows.
    pub(crate) height: u8,
    /// Rows below.
    pub(crate) rows: u64,
    /// Uncompressed bytes of the chunk itself.
    pub(crate) bytes: u64,
    /// The identity of the first row below.
    pub(crate) first: Vec<Value>,
    /// The identity of the last row below.
    pub(crate) last: Vec<Value>,
}

/// Takes each chunk of a tree as it is finished, children before their parents.
pub(crate) trait ChunkSink {
    /// Takes a chunk.
    fn chunk(&mut self, chunk: Chunk, height: u8) -> Result<()>;

    /// Whether a chunk must be made even where it is known to be what it was: because its bytes
    /// are not there yet.
    fn lacks(&self, _hash: &ChunkHash) -> bool {
        false
    }

    /// Is told of each chunk of rows, made or taken over, in order.
    fn leaf(&mut self, _leaf: &Finished) -> Result<()> {
        Ok(())
    }
}

/// Makes a tree from rows that come in identity order.
pub(crate) struct TreeBuilder<'s> {
    sink: &'s mut dyn ChunkSink,
    levels: Vec<Level>,
}

/// The chunk that is being filled at one height.
#[derive(Default)]
struct Level {
    lines: Vec<u8>,
    rows: u64,
    /// Identities in the row encoding: `[…]`.
    first: Vec<u8>,
    last: Vec<u8>,
    /// The chunk that was finished here last, and how many there were.
    finished: Option<Finished>,
    count: u64,
}

/// A finished chunk, its identities in the row encoding.
pub(crate) struct Finished {
    pub(crate) hash: ChunkHash,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) first: Vec<u8>,
    pub(crate) last: Vec<u8>,
}

impl<'s> TreeBuilder<'s> {
    /// A tree whose chunks go to `sink`.
    pub(crate) fn new(sink: &'s mut dyn ChunkSink) -> Self {
        Self { sink, levels: vec![Level::default()] }
    }

    /// Adds a row: its line without the line feed, and its identity in the row encoding.
    pub(crate) fn add(&mut self, line: &[u8], identity: &[u8]) -> Result<()> {
        self.push(0, line, 1, identity, identity)
    }

    /// Whether the last row ended its chunk.
    pub(crate) fn is_between_chunks(&self) -> bool {
        self.levels[0].lines.is_empty()
    }

    /// Whether a chunk that is known must be made all the same.
    pub(crate) fn lacks(&self, hash: &ChunkHash) -> bool {
        self.sink.lacks(hash)
    }

    /// Takes over a chunk of rows that the rows would make again. Only between chunks.
    pub(crate) fn take_over(&mut self, chunk: Finished) -> Result<()> {
        self.finished(0, chunk)
    }

    /// Ends the tree. `None` for a table without rows.
    pub(crate) fn finish(mut self) -> Result<Option<Node>> {
        for height in 0.. {
            if !self.levels[height].lines.is_empty() {
                self.cut(height)?;
            }
            let level = &mut self.levels[height];
            if level.count <= 1 {
                // The only chunk of its height is the root: nothing above it is needed.
                let root = level.finished.take();
                return root.map(|root| root.node(height)).transpose();
            }
        }
        Ok(None)
    }

    fn push(
        &mut self,
        height: usize,
        line: &[u8],
        rows: u64,
        first: &[u8],
        last: &[u8],
    ) -> Result<()> {
        if !self.levels[height].lines.is_empty()
            && self.levels[height].lines.len() + line.len() >= LARGEST
        {
            self.cut(height)?;
        }
        let level = &mut self.levels[height];
        if level.lines.is_empty() {
            level.first.clear();
            level.first.extend_from_slice(first);
        }
        level.lines.extend_from_slice(line);
        level.lines.push(b'\n');
        level.rows += rows;
        level.last.clear();
        level.last.extend_from_slice(last);
        let size = level.lines.len();
        if size >= LARGEST || (size >= SMALLEST && ends_chunk(last, height, size, line.len() + 1)) {
            self.cut(height)?;
        }
        Ok(())
    }

    /// Ends the chunk at `height`.
    fn cut(&mut self, height: usize) -> Result<()> {
        let level = &mut self.levels[height];
        let chunk = Chunk::of(std::mem::take(&mut level.lines));
        level.lines.reserve(TURN + SMALLEST);
        let finished = Finished {
            hash: chunk.hash(),
            rows: std::mem::take(&mut level.rows),
            bytes: chunk.bytes().len() as u64,
            first: level.first.clone(),
            last: level.last.clone(),
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "255 levels would hold more rows than exist"
        )]
        self.sink.chunk(chunk, height as u8)?;
        self.finished(height, finished)
    }

    /// Puts a finished chunk where it belongs. A first one waits: once a second one comes, both
    /// belong below an index chunk; else it is the root.
    fn finished(&mut self, height: usize, finished: Finished) -> Result<()> {
        if height == 0 {
            self.sink.leaf(&finished)?;
        }
        let level = &mut self.levels[height];
        level.count += 1;
        if level.count > 1 {
            if self.levels.len() == height + 1 {
                self.levels.push(Level::default());
            }
            if let Some(before) = self.levels[height].finished.take() {
                self.push_child(height + 1, &before)?;
            }
            self.push_child(height + 1, &finished)
        } else {
            level.finished = Some(finished);
            Ok(())
        }
    }

    fn push_child(&mut self, height: usize, child: &Finished) -> Result<()> {
        let mut line = format!("[\"{}\",{},{},", child.hash, child.rows, child.bytes).into_bytes();
        line.extend_from_slice(&child.first);
        line.push(b',');
        line.extend_from_slice(&child.last);
        line.push(b']');
        self.push(height, &line, child.rows, &child.first, &child.last)
    }
}

impl Finished {
    fn node(self, height: usize) -> Result<Node> {
        let identity = |bytes: &[u8]| {
            super::row::read_row(bytes).map_err(|error| {
                crate::Error::failed("an identity that was just written does not read back")
                    .because(error)
            })
        };
        Ok(Node {
            hash: self.hash,
            height: u8::try_from(height).unwrap_or(u8::MAX),
            rows: self.rows,
            bytes: self.bytes,
            first: identity(&self.first)?,
            last: identity(&self.last)?,
        })
    }
}

/// The children that an index chunk at `height` describes.
pub(crate) fn children(lines: &[u8], height: u8) -> Result<Vec<Node>, serde_json::Error> {
    type Line = (ChunkHash, u64, u64, Vec<Value>, Vec<Value>);
    let Some(below) = height.checked_sub(1) else {
        return Err(serde::de::Error::custom("a chunk of rows has no children"));
    };
    lines_of(lines)
        .map(|line| {
            let (hash, rows, bytes, first, last): Line = serde_json::from_slice(line)?;
            Ok(Node { hash, height: below, rows, bytes, first, last })
        })
        .collect()
}

/// The lines of a chunk, without their line feeds. No line of the row encoding holds one.
pub(crate) fn lines_of(chunk: &[u8]) -> impl Iterator<Item = &[u8]> {
    chunk.split(|&byte| byte == b'\n').filter(|line| !line.is_empty())
}

/// Whether a chunk of `size` bytes, at least [`SMALLEST`], ends after the line with this identity.
fn ends_chunk(identity: &[u8], height: usize, size: usize, line: usize) -> bool {
    let bytes = if size < TURN { SELDOM } else { SOON };
    let chance = ((line as u64) << 32) / bytes;
    hash(identity, height) >> 32 < chance
}

/// FNV-1a over the identity, then the finalizer of `SplitMix64`, whose high bits are well mixed. The
/// height takes part: a boundary below must not be a boundary above.
fn hash(identity: &[u8], height: usize) -> u64 {
    let fnv = identity.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut z = fnv.wrapping_add((height as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Keeps every chunk.
    #[derive(Default)]
    struct Kept(HashMap<ChunkHash, (u8, Vec<u8>)>);

    impl ChunkSink for Kept {
        fn chunk(&mut self, chunk: Chunk, height: u8) -> Result<()> {
            self.0.insert(chunk.hash(), (height, chunk.bytes().to_vec()));
            Ok(())
        }
    }

    fn tree(rows: impl IntoIterator<Item = (i64, usize)>) -> (Option<Node>, Kept) {
        let mut kept = Kept::default();
        let mut builder = TreeBuilder::new(&mut kept);
        for (id, length) in rows {
            let line = format!("[{id},\"{}\"]", "x".repeat(length));
            builder.add(line.as_bytes(), format!("[{id}]").as_bytes()).expect("added");
        }
        let root = builder.finish().expect("finished");
        (root, kept)
    }

    #[test]
    fn a_table_without_rows_has_no_root() {
        assert_eq!(tree([]).0, None);
    }

    #[test]
    fn one_chunk_is_its_own_root() {
        let (root, kept) = tree([(1, 10), (2, 10)]);
        let root = root.expect("a root");
        assert_eq!((root.height, root.rows, kept.0.len()), (0, 2, 1));
        assert_eq!((root.first, root.last), (vec![Value::Integer(1)], vec![Value::Integer(2)]));
    }

    #[test]
    fn chunks_keep_to_their_sizes() {
        let (root, kept) = tree((0..60_000).map(|id| (id, 150)));
        assert!(root.expect("a root").height >= 1);
        let leaves: Vec<usize> = kept
            .0
            .values()
            .filter(|(height, _)| *height == 0)
            .map(|(_, bytes)| bytes.len())
            .collect();
        let mean = leaves.iter().sum::<usize>() / leaves.len();
        assert!((23 << 10..29 << 10).contains(&mean), "{mean}");
        assert!(leaves.iter().all(|&size| size <= LARGEST));
        assert!(leaves.iter().filter(|&&size| size < SMALLEST).count() <= 1);
    }

    #[test]
    fn a_row_larger_than_a_chunk_stands_alone() {
        let (_, kept) = tree([(1, 10), (2, LARGEST * 2), (3, 10)]);
        let mut sizes: Vec<usize> = kept
            .0
            .values()
            .filter(|(height, _)| *height == 0)
            .map(|(_, bytes)| bytes.len())
            .collect();
        sizes.sort_unstable();
        assert_eq!(sizes.len(), 3);
        assert!(sizes[1] < 100 && sizes[2] > LARGEST * 2);
    }

    #[test]
    fn the_children_of_a_tree_hold_all_its_rows_in_order() {
        let (root, kept) = tree((0..200_000).map(|id| (id, 60)));
        let mut nodes = vec![root.expect("a root")];
        assert!(nodes[0].height >= 2, "several levels");
        assert_eq!(nodes[0].rows, 200_000);
        while nodes[0].height > 0 {
            nodes = nodes
                .iter()
                .flat_map(|node| children(&kept.0[&node.hash].1, node.height).expect("children"))
                .collect();
        }
        assert_eq!(nodes.iter().map(|node| node.rows).sum::<u64>(), 200_000);
        assert!(nodes.windows(2).all(|pair| pair[0].last < pair[1].first));
    }

    #[test]
    fn an_inserted_row_leaves_all_but_a_few_chunks_alone() {
        let (_, before) = tree((0..60_000).map(|id| (id * 2, 150)));
        let (_, after) = tree((0..60_000).map(|id| (id * 2, 150)).chain([]).flat_map(|row| {
            let inserted = (row.0 == 60_000).then_some((60_001, 150));
            std::iter::once(row).chain(inserted)
        }));
        let new = after.0.keys().filter(|hash| !before.0.contains_key(hash)).count();
        assert!(new <= 4, "{new} new chunks of {}", after.0.len());
    }
}
