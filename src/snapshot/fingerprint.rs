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
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;
    use rusqlite::Connection;

    use super::*;
    use crate::database::{Database, EventOptions};
    use crate::snapshot::contents::Contents;
    use crate::snapshot::progress::Progress;
    use crate::snapshot::source::Nowhere;

    /// Roots of all tables, read by their pages where these are the same, and read by rows.
    fn roots(database: &Database, folder: &Path) -> [Vec<(String, Option<ChunkHash>)>; 2] {
        let readers = database.readers();
        let transaction = database.read().expect("a transaction");
        let beside = readers.follow();
        let view = transaction.view();
        let schema = view.schema().expect("a schema");
        let mut session = Session::begin(folder, view, beside, true).expect("pages");
        assert!(session.is_some(), "this build shows pages");
        let progress = Progress::default();
        let read = |session: Option<&mut Session<'_>>| {
            let contents =
                Contents::of_database(view, &schema.tables, &mut Nowhere, &progress, session, None)
                    .expect("contents");
            contents
                .roots()
                .map(|(name, root)| (name.to_owned(), root.map(|root| root.hash)))
                .collect()
        };
        let roots = [read(session.as_mut()), read(None)];
        if let Some(session) = session {
            session.finish(folder);
        }
        roots
    }

    fn application(folder: &Path, sql: &str) -> (PathBuf, Connection) {
        let path = folder.join("app.db");
        let connection = Connection::open(&path).expect("a database");
        connection.execute_batch(sql).expect("a schema");
        (path, connection)
    }

    fn open(path: &Path) -> Database {
        let none = EventOptions { table: Some("none".into()), ..EventOptions::default() };
        Database::open(path, &none).expect("opened")
    }

    const SCHEMA: &str =
        "PRAGMA page_size = 1024; PRAGMA auto_vacuum = incremental; PRAGMA journal_mode = wal;
        CREATE TABLE a(id INTEGER PRIMARY KEY, x TEXT);
        CREATE TABLE b(key TEXT PRIMARY KEY, x BLOB);
        CREATE TABLE c(k TEXT PRIMARY KEY, x) WITHOUT ROWID;
        CREATE TABLE d(r REAL, t TEXT, any, n NUMERIC);
        CREATE TABLE e(id INTEGER PRIMARY KEY, x, twice AS (x || x), kept AS (hex(x)) STORED);
        CREATE INDEX ax ON a(x);";

    /// Something that an application does: SQL with places for random numbers.
    fn mutation() -> impl Strategy<Value = String> {
        let n = 0..400_i64;
        let few = 1..40_i64;
        prop_oneof![
            (n.clone(), few.clone()).prop_map(|(at, rows)| format!(
                "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
                 INSERT OR REPLACE INTO a(id, x) SELECT {at} * 7 + i, hex(randomblob(abs(random()) % 900)) FROM n"
            )),
            few.clone().prop_map(|rows| format!(
                "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
                 INSERT INTO b SELECT hex(randomblob(8)), randomblob(abs(random()) % 9000) FROM n"
            )),
            few.clone().prop_map(|rows| format!(
                "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
                 INSERT INTO c SELECT hex(randomblob(8)), randomblob(abs(random()) % 900) FROM n"
            )),
            // Every storage class and length of a value, in columns of every affinity.
            (n.clone(), few.clone()).prop_map(|(at, rows)| format!(
                "WITH RECURSIVE n(i) AS (SELECT {at} UNION ALL SELECT i + 1 FROM n WHERE i < {at} + {rows}),
                 v(i, x) AS (SELECT i, CASE i % 13 WHEN 0 THEN NULL WHEN 1 THEN 0 WHEN 2 THEN 1
                    WHEN 3 THEN -128 WHEN 4 THEN 32767 WHEN 5 THEN -8388608 WHEN 6 THEN 140737488355327
                    WHEN 7 THEN -9223372036854775808 WHEN 8 THEN -0.0 WHEN 9 THEN 9e999 WHEN 10 THEN 2.5
                    WHEN 11 THEN CAST(x'66ff' AS TEXT) ELSE zeroblob(i) END FROM n)
                 INSERT INTO d(r, t, any, n) SELECT x, x, x, x FROM v"
            )),
            (n.clone(), few.clone()).prop_map(|(at, rows)| format!(
                "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
                 INSERT OR REPLACE INTO e(id, x) SELECT {at} + i, i FROM n"
            )),
            (n.clone(), 0..9_i64).prop_map(|(at, length)| format!(
                "UPDATE a SET x = hex(randomblob({length}00)) WHERE id % 97 = {at} % 97"
            )),
            // The end of an overflow chain, rewritten in place.
            n.clone().prop_map(|at| format!(
                "UPDATE b SET x = CAST(substr(x, 1, max(length(x) - 1, 0)) || 'z' AS BLOB) WHERE rowid % 13 = {at} % 13"
            )),
            (n.clone(), few).prop_map(|(at, rows)| format!("DELETE FROM a WHERE id BETWEEN {at} * 7 AND {at} * 7 + {rows} * 7")),
            n.clone().prop_map(|at| format!("DELETE FROM b WHERE rowid % 5 = {at} % 5")),
            n.prop_map(|at| format!("INSERT OR IGNORE INTO a(id, x) VALUES(-9223372036854775808 + {at} % 2, 'first'), (9223372036854775807, 'last')")),
            Just("VACUUM".to_owned()),
            Just("PRAGMA incremental_vacuum".to_owned()),
            Just("PRAGMA wal_checkpoint(truncate)".to_owned()),
            Just("DROP TABLE b; CREATE TABLE b(key TEXT PRIMARY KEY, x BLOB); INSERT INTO b VALUES('k', 'v')".to_owned()),
            Just("ALTER TABLE a ADD COLUMN later DEFAULT 'd'".to_owned()),
            Just("ALTER TABLE d ADD COLUMN later DEFAULT 2.0".to_owned()),
            Just("REINDEX".to_owned()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_reading_by_pages_gives_what_a_reading_by_rows_gives(
            steps in proptest::collection::vec(
                proptest::collection::vec((mutation(), any::<bool>()), 1..4), 1..12)
        ) {
            let folder = tempfile::tempdir().expect("a folder");
            let (path, connection) = application(folder.path(), SCHEMA);
            let database = open(&path);
            let attached = Connection::open_in_memory().expect("a database");
            attached
                .execute("ATTACH ?1 AS app", [path.to_str().expect("UTF-8")])
                .expect("attached");
            for step in steps {
                for (sql, is_attached) in step {
                    let rows_only = !sql.contains("VACUUM") && !sql.starts_with("PRAGMA");
                    let writer =
                        if is_attached && rows_only && !sql.contains("DROP") && !sql.contains("REINDEX") { &attached } else { &connection };
                    // A column is added once; the second time is an error that changes nothing.
                    let done = writer.execute_batch(&sql);
                    prop_assert!(done.is_ok() || sql.starts_with("ALTER"), "{sql}: {done:?}");
                }
                let [by_pages, by_rows] = roots(&database, folder.path());
                prop_assert_eq!(by_pages, by_rows);
            }
        }
    }

    #[test]
    fn a_cache_that_is_cut_short_while_it_is_read_costs_time_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, connection) = application(folder.path(), SCHEMA);
        connection
            .execute_batch(
                "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)
                 INSERT INTO a SELECT i, hex(randomblob(400)) FROM n",
            )
            .expect("rows");
        let database = open(&path);
        let [by_pages, _] = roots(&database, folder.path());
        let cache = std::fs::OpenOptions::new().write(true).open(folder.path().join(FILE));
        let cache = cache.expect("a cache");
        let transaction = database.read().expect("a transaction");
        let view = transaction.view();
        let schema = view.schema().expect("a schema");
        let mut session =
            Session::begin(folder.path(), view, Vec::new(), false).expect("pages").expect("shown");
        // Its checksum was right, and a part of it is in memory already.
        let length = cache.metadata().expect("a cache").len();
        assert!(length > 2 << 16, "{length}");
        cache.set_len(length - 1000).expect("cut");
        let progress = Progress::default();
        let contents = Contents::of_database(
            view,
            &schema.tables,
            &mut Nowhere,
            &progress,
            Some(&mut session),
            None,
        );
        assert!(!session.memory.can_tell(), "it was cut where it is read");
        let roots: Vec<(String, Option<ChunkHash>)> = contents
            .expect("contents")
            .roots()
            .map(|(name, root)| (name.to_owned(), root.map(|root| root.hash)))
            .collect();
        assert_eq!(roots, by_pages);
    }

    #[test]
    fn a_damaged_cache_costs_time_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, connection) = application(folder.path(), SCHEMA);
        connection
            .execute_batch(
                "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
                 INSERT INTO a SELECT i, hex(randomblob(50)) FROM n",
            )
            .expect("rows");
        let database = open(&path);
        roots(&database, folder.path());
        let cache = folder.path().join(FILE);
        let sound = std::fs::read(&cache).expect("a cache");
        for at in (0..sound.len()).step_by(sound.len() / 40) {
            let mut damaged = sound.clone();
            damaged[at] ^= 4;
            std::fs::write(&cache, &damaged).expect("written");
            assert!(Before::open(&cache).is_err(), "byte {at}");
            std::fs::write(&cache, &damaged[..at]).expect("written");
            let [by_pages, by_rows] = roots(&database, folder.path());
            assert_eq!(by_pages, by_rows);
        }
    }
}
