//! What the database's pages looked like when it was read last, and which chunks they made: so that
//! the next reading takes over every chunk whose pages are the same.
//!
//! This is a cache: one file, local, written anew by each whole reading, and disposable. Without it,
//! or with one that is damaged or of another schema, every row is read. What it tells is never
//! trusted beyond what the pages say now: a chunk is taken over only where the leaves that hold its
//! rows have the hashes they had, in the same transaction in which all else is read.
//!
//! ```text
//! "SNAPPGS3", seed: u64
//! for each table kept by rowid, in name order:
//!     1: u8, name and SQL: u32 length and bytes each
//!     its chunks and its leaves, each of both in order:
//!         2: u8, BLAKE3: 32 bytes, rows: u64, bytes: u64, first and last rowid: i64
//!         3: u8, u32 count, for each hash: u64, last rowid: i64
//!     0: u8
//! 0: u8, BLAKE3 of all before
//! ```
//!
//! All numbers are little-endian. Chunks and leaves are written as the reading comes to them, and read
//! again in the same order, so that few of either are in memory, however large the table is.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::pack::ChunkHash;
use crate::database::{Leaf, Pages, ReadTransaction, Table, View};
use crate::error::Result;

const MAGIC: &[u8; 8] = b"SNAPPGS3";
/// Names and SQL beyond this are no table's.
const LONGEST_TEXT: u32 = 16 << 20;

/// A chunk of rows as it was made before, of a table kept by rowid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownChunk {
    pub(crate) hash: ChunkHash,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) first: i64,
    pub(crate) last: i64,
}

/// One reading of the database by its pages.
pub(crate) struct Session<'c> {
    pub(crate) pages: Pages<'c>,
    /// Other readers of the same state.
    pub(crate) beside: Vec<ReadTransaction>,
    pub(crate) memory: Memory,
}

/// What the reading before left, and what this one leaves. Whoever makes chunks and whoever walks
/// over leaves share it.
pub(crate) struct Memory {
    before: RefCell<Option<Before>>,
    next: RefCell<Option<Next>>,
}

struct Before {
    file: BufReader<File>,
    /// Chunks and leaves of the table that was begun last which were read and not yet asked for.
    chunks: VecDeque<KnownChunk>,
    leaves: VecDeque<(u64, i64)>,
    is_in_table: bool,
}

struct Next {
    file: BufWriter<NamedTempFile>,
    hasher: blake3::Hasher,
}

impl<'c> Session<'c> {
    /// Makes ready to read in the transaction of `view`, and in those of `beside`. `None` where this
    /// build of SQLite does not show pages. With `whole`, what this reading leaves is kept for the
    /// next.
    pub(crate) fn begin(
        folder: &Path,
        view: View<'c>,
        beside: Vec<ReadTransaction>,
        whole: bool,
    ) -> Result<Option<Self>> {
        let before = Before::open(&folder.join(FILE)).ok();
        let (before, seed) = match before {
            Some((before, seed)) => (Some(before), seed),
            None => (None, fresh_seed()),
        };
        let Some(pages) = view.pages(seed)? else { return Ok(None) };
        // A cache that cannot be written costs time only.
        let next = if whole { Next::create(folder, seed).ok() } else { None };
        Ok(Some(Self {
            pages,
            beside,
            memory: Memory { before: RefCell::new(before), next: RefCell::new(next) },
        }))
    }

    /// Leaves what was kept for the next reading. A failure costs that one time only.
    pub(crate) fn finish(self, folder: &Path) {
        if let Some(next) = self.memory.next.into_inner()
            && let Err(error) = next.finish(&folder.join(FILE))
        {
            tracing::debug!(%error, "the page cache cannot be written");
        }
    }
}

impl Memory {
    /// Begins a table. Whether anything is known of it.
    pub(crate) fn begin(&self, table: &Table) -> bool {
        self.write(|next| next.table(table));
        self.ask(|before| before.begin(table)).unwrap_or(false)
    }

    /// Whether nothing has failed to be read so far.
    pub(crate) fn can_tell(&self) -> bool {
        self.before.borrow().is_some()
    }

    /// The chunk of the table that came next before.
    pub(crate) fn next_chunk(&self) -> Option<KnownChunk> {
        self.ask(Before::next_chunk).flatten()
    }

    /// The hash and the greatest rowid of the leaf that came next before.
    pub(crate) fn next_leaf(&self) -> Option<(u64, i64)> {
        self.ask(Before::next_leaf).flatten()
    }

    /// Keeps a chunk of the table that was begun last.
    pub(crate) fn keep(&self, chunk: &KnownChunk) {
        self.write(|next| next.chunk(chunk));
    }

    /// Keeps leaves of the table that was begun last, once they are hashed.
    pub(crate) fn keep_leaves(&self, leaves: &[Leaf]) {
        if !leaves.is_empty() {
            self.write(|next| next.leaves(leaves));
        }
    }

    /// Ends the table that was begun last.
    pub(crate) fn end(&self) {
        self.write(|next| next.write(&[END]));
    }

    /// What cannot be read is not known.
    fn ask<T>(&self, ask: impl FnOnce(&mut Before) -> io::Result<T>) -> Option<T> {
        let mut before = self.before.borrow_mut();
        let answer = ask(before.as_mut()?);
        if answer.is_err() {
            *before = None;
        }
        answer.ok()
    }

    /// What cannot be written is not kept.
    fn write(&self, write: impl FnOnce(&mut Next) -> io::Result<()>) {
        let mut next = self.next.borrow_mut();
        if next.as_mut().is_some_and(|next| write(next).is_err()) {
            *next = None;
        }
    }
}

/// What comes next in the file.
const END: u8 = 0;
const TABLE: u8 = 1;
const CHUNK: u8 = 2;
const LEAVES: u8 = 3;

const FILE: &str = "pages";

fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(std::process::id())
}

impl Before {
    /// Opens the file after its checksum was held against all of it.
    fn open(path: &Path) -> io::Result<(Self, u64)> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let Some(body) = length.checked_sub(32) else { return Err(malformed()) };
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader((&mut file).take(body))?;
        let mut checksum = [0; 32];
        file.read_exact(&mut checksum)?;
        if *hasher.finalize().as_bytes() != checksum {
            return Err(malformed());
        }
        file.seek(SeekFrom::Start(0))?;
        let mut file = BufReader::with_capacity(1 << 16, file);
        let mut magic = [0; 8];
        file.read_exact(&mut magic)?;
        if &magic != MAGIC {
            return Err(malformed());
        }
        let seed = u64::from_le_bytes(array(&mut file)?);
        let (chunks, leaves) = (VecDeque::new(), VecDeque::new());
        Ok((Self { file, chunks, leaves, is_in_table: false }, seed))
    }

    /// Goes to a table. Tables are asked for in name order, as they lie in the file.
    fn begin(&mut self, table: &Table) -> io::Result<bool> {
        loop {
            self.skip()?;
            let start = self.file.stream_position()?;
            if byte(&mut self.file)? == END {
                self.file.seek_relative(-1)?;
                return Ok(false);
            }
            let (name, sql) = (text(&mut self.file)?, text(&mut self.file)?);
            if name.as_slice() > table.name.as_bytes() {
                self.file.seek(SeekFrom::Start(start))?;
                return Ok(false);
            }
            self.is_in_table = true;
            if name == table.name.as_bytes() {
                // Of another declaration, rows may read differently from the same pages.
                return Ok(sql == table.sql.as_bytes());
            }
        }
    }

    /// Goes to where the table ends.
    fn skip(&mut self) -> io::Result<()> {
        while self.more()? {
            self.chunks.clear();
            self.leaves.clear();
        }
        self.chunks.clear();
        self.leaves.clear();
        Ok(())
    }

    fn next_chunk(&mut self) -> io::Result<Option<KnownChunk>> {
        while self.chunks.is_empty() && self.more()? {}
        Ok(self.chunks.pop_front())
    }

    fn next_leaf(&mut self) -> io::Result<Option<(u64, i64)>> {
        while self.leaves.is_empty() && self.more()? {}
        Ok(self.leaves.pop_front())
    }

    /// Reads on in the table; whether there was more of it.
    fn more(&mut self) -> io::Result<bool> {
        if !self.is_in_table {
            return Ok(false);
        }
        match byte(&mut self.file)? {
            END => self.is_in_table = false,
            CHUNK => self.chunks.push_back(chunk(&mut self.file)?),
            LEAVES => {
                for _ in 0..u32::from_le_bytes(array(&mut self.file)?) {
                    let hash = u64::from_le_bytes(array(&mut self.file)?);
                    self.leaves.push_back((hash, i64::from_le_bytes(array(&mut self.file)?)));
                }
            }
            _ => return Err(malformed()),
        }
        Ok(self.is_in_table)
    }
}

impl Next {
    fn create(folder: &Path, seed: u64) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let file = BufWriter::with_capacity(1 << 16, NamedTempFile::new_in(folder)?);
        let mut next = Self { file, hasher: blake3::Hasher::new() };
        next.write(MAGIC)?;
        next.write(&seed.to_le_bytes())?;
        Ok(next)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.file.write_all(bytes)
    }

    fn table(&mut self, table: &Table) -> io::Result<()> {
        self.write(&[TABLE])?;
        for text in [&table.name, &table.sql] {
            let length = u32::try_from(text.len()).map_err(|_| malformed())?;
            self.write(&length.to_le_bytes())?;
            self.write(text.as_bytes())?;
        }
        Ok(())
    }

    fn leaves(&mut self, leaves: &[Leaf]) -> io::Result<()> {
        let count = u32::try_from(leaves.len()).map_err(|_| malformed())?;
        let mut bytes = Vec::with_capacity(5 + 16 * leaves.len());
        bytes.push(LEAVES);
        bytes.extend_from_slice(&count.to_le_bytes());
        for leaf in leaves {
            bytes.extend_from_slice(&leaf.hash.to_le_bytes());
            bytes.extend_from_slice(&leaf.last.to_le_bytes());
        }
        self.write(&bytes)
    }

    fn chunk(&mut self, chunk: &KnownChunk) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(65);
        bytes.push(CHUNK);
        bytes.extend_from_slice(chunk.hash.as_bytes());
        bytes.extend_from_slice(&chunk.rows.to_le_bytes());
        bytes.extend_from_slice(&chunk.bytes.to_le_bytes());
        bytes.extend_from_slice(&chunk.first.to_le_bytes());
        bytes.extend_from_slice(&chunk.last.to_le_bytes());
        self.write(&bytes)
    }

    fn finish(mut self, path: &Path) -> io::Result<()> {
        self.write(&[END])?;
        let checksum = self.hasher.finalize();
        self.file.write_all(checksum.as_bytes())?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.persist(path)?;
        Ok(())
    }
}

fn malformed() -> io::Error {
    io::Error::from(io::ErrorKind::InvalidData)
}

fn array<const N: usize>(file: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn byte(file: &mut impl Read) -> io::Result<u8> {
    array::<1>(file).map(|[byte]| byte)
}

fn text(file: &mut impl Read) -> io::Result<Vec<u8>> {
    let length = u32::from_le_bytes(array(file)?);
    if length > LONGEST_TEXT {
        return Err(malformed());
    }
    let mut bytes = vec![0; length as usize];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn chunk(file: &mut impl Read) -> io::Result<KnownChunk> {
    Ok(KnownChunk {
        hash: ChunkHash::from_bytes(array(file)?),
        rows: u64::from_le_bytes(array(file)?),
        bytes: u64::from_le_bytes(array(file)?),
        first: i64::from_le_bytes(array(file)?),
        last: i64::from_le_bytes(array(file)?),
    })
}

#[cfg(test)]
mod tests;
