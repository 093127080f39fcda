//! The pages of a table: what changed can be told without reading a row, and rows can be read
//! without a statement.
//!
//! Pages are read through SQLite's `sqlite_dbpage` table, inside the caller's own transaction, and
//! never from the file. Their format is that of <https://www.sqlite.org/fileformat2.html>. Only
//! tables kept by rowid are followed ([`super::leaves`]): an interior page (type 5) names its children with the greatest
//! rowid that each may hold, a leaf (type 13) holds rows, and what of a row does not fit into its
//! leaf is in a chain of overflow pages, each of which begins with the number of the next.

use std::ops::Range;

use rusqlite::{CachedStatement, Connection, Statement};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::failure;
use super::leaves::{Leaf, LeafWalk};
use super::schema::quoted;
use crate::error::Result;

const TABLE_LEAF: u8 = 13;
/// What the header of a database says of text in UTF-8.
const UTF8: u32 = 1;

/// Reads pages in one transaction.
///
/// Hashes are XXH3 with a seed that is kept secret, of 64 bits: they are only ever compared with the
/// one hash that stood at the same place before.
pub(crate) struct Pages<'c> {
    reader: Reader<'c>,
    seed: u64,
    /// Bytes of each page that are SQLite's.
    usable: usize,
    is_utf8: bool,
    /// Bytes of the whole database: no record is longer, whatever a damaged page says.
    longest: usize,
    /// The page that was read last, if it was not a leaf.
    page: Vec<u8>,
    /// A record that was put together from overflow pages.
    record: Vec<u8>,
}

/// Two statements that read a page each: an overflow page is read while its leaf is looked at.
struct Reader<'c> {
    leaf: CachedStatement<'c>,
    link: CachedStatement<'c>,
}

/// What takes each row of a leaf as its rowid and its record; `None` when it cannot be read so.
pub(crate) type EachRecord<'e> = dyn FnMut(i64, &[u8]) -> Result<Option<()>> + 'e;

impl<'c> Pages<'c> {
    /// `None` where this build of SQLite does not show pages: then rows are read instead.
    pub(super) fn open(connection: &'c Connection, seed: u64) -> Result<Option<Self>> {
        let prepare =
            || connection.prepare_cached("SELECT data FROM sqlite_dbpage WHERE pgno = ?1");
        let (Ok(leaf), Ok(link)) = (prepare(), prepare()) else { return Ok(None) };
        let (reader, page, record) = (Reader { leaf, link }, Vec::new(), Vec::new());
        let mut pages = Self { reader, seed, usable: 0, is_utf8: false, longest: 0, page, record };
        if pages.read(1)?.is_none() {
            return Ok(None);
        }
        // The header's byte 20 tells how many bytes at each page's end are not SQLite's.
        let reserved = pages.page.get(20).copied().unwrap_or(0);
        pages.usable = pages.page.len().saturating_sub(reserved.into());
        pages.is_utf8 = number32(&pages.page, 56) == Some(UTF8);
        let count: u32 = connection
            .prepare_cached("PRAGMA main.page_count")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .map_err(|error| failure("the pages of the database cannot be counted", error))?;
        pages.longest =
            pages.page.len().saturating_mul(usize::try_from(count).unwrap_or(usize::MAX));
        Ok(Some(pages))
    }

    /// Whether text in the records is UTF-8.
    pub(crate) fn is_utf8(&self) -> bool {
        self.is_utf8
    }

    /// Begins to walk over the leaves of the table with this root page. `None` where it is none.
    pub(crate) fn leaves(&mut self, root: u32) -> Result<Option<LeafWalk>> {
        LeafWalk::begin(self, root, i64::MIN, i64::MAX)
    }

    /// Those of them that may hold rowids from `first` to `last`, at once.
    pub(crate) fn leaves_between(
        &mut self,
        root: u32,
        first: i64,
        last: i64,
    ) -> Result<Option<Vec<Leaf>>> {
        let Some(mut walk) = LeafWalk::begin(self, root, first, last)? else { return Ok(None) };
        let mut leaves = Vec::new();
        while let Some(leaf) = walk.next(self)? {
            leaves.push(leaf);
        }
        Ok(Some(leaves))
    }

    /// Hashes leaves.
    pub(super) fn hash(&mut self, leaves: &mut [Leaf]) -> Result<()> {
        leaves.iter_mut().try_for_each(|leaf| self.visit(leaf, None).map(drop))
    }

    /// What the hashes begin with.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Reads a leaf: hashes it and hands out its rows, in order. `false` where it is not what the
    /// format says, or a row was not read: then the leaf is taken for one that was never seen.
    pub(crate) fn visit(
        &mut self,
        leaf: &mut Leaf,
        each: Option<&mut EachRecord<'_>>,
    ) -> Result<bool> {
        let Self { reader: Reader { leaf: statement, link }, record, .. } = self;
        let (seed, usable, longest) = (self.seed, self.usable, self.longest);
        let mut visit = Visit { seed, usable, longest, record, each, link };
        let hash = with_page(statement, leaf.page, |page| visit.leaf(page))?.transpose()?.flatten();
        leaf.hash = hash.unwrap_or_else(never_seen);
        Ok(hash.is_some())
    }

    /// Reads a page; `None` where there is none of this number.
    pub(super) fn read(&mut self, number: u32) -> Result<Option<&[u8]>> {
        let page = &mut self.page;
        let read = with_page(&mut self.reader.leaf, number, |bytes| {
            page.clear();
            page.extend_from_slice(bytes);
        })?;
        Ok(read.map(|()| self.page.as_slice()))
    }
}

/// A look at one leaf.
struct Visit<'v, 'c, 'e> {
    seed: u64,
    usable: usize,
    longest: usize,
    record: &'v mut Vec<u8>,
    each: Option<&'v mut EachRecord<'e>>,
    link: &'v mut CachedStatement<'c>,
}

impl Visit<'_, '_, '_> {
    /// The hash of the leaf.
    fn leaf(&mut self, page: &[u8]) -> Result<Option<u64>> {
        let Some(cells) = number16(page, 3).filter(|_| page.first() == Some(&TABLE_LEAF)) else {
            return Ok(None);
        };
        let mut hash = xxh3_64_with_seed(page, self.seed);
        for number in 0..cells {
            if self.each.is_none() && Cell::is_short(page, number) {
                continue;
            }
            let Some(cell) = Cell::read(page, self.usable, number) else { return Ok(None) };
            let Some(local) = page.get(cell.local.clone()) else { return Ok(None) };
            let read = if cell.overflow == 0 {
                match &mut self.each {
                    Some(each) => each(cell.rowid, local)?,
                    None => Some(()),
                }
            } else {
                self.overflow(&cell, local, &mut hash)?
            };
            if read.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(hash))
    }

    /// Follows a row through its overflow pages.
    fn overflow(&mut self, cell: &Cell, local: &[u8], hash: &mut u64) -> Result<Option<()>> {
        let Self { seed, usable, longest, record, each, link } = self;
        // A chain that leads back to itself would be followed for as long as the record is said to be.
        if cell.payload > *longest {
            return Ok(None);
        }
        record.clear();
        record.extend_from_slice(local);
        let (mut next, mut left) = (cell.overflow, cell.payload - local.len());
        while left > 0 {
            let here = left.min(*usable - 4);
            let number = with_page(link, next, |page| {
                *hash = hash.rotate_left(5).wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    ^ xxh3_64_with_seed(page, *seed);
                if each.is_some() {
                    record.extend_from_slice(page.get(4..4 + here)?);
                }
                number32(page, 0)
            })?;
            let Some(number) = number.flatten() else { return Ok(None) };
            (next, left) = (number, left - here);
        }
        match each {
            Some(each) => each(cell.rowid, record),
            None => Ok(Some(())),
        }
    }
}

/// A hash that no page had before.
fn never_seen() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}

/// Hands a page to `look`; `None` where there is none of this number.
fn with_page<T>(
    statement: &mut Statement<'_>,
    number: u32,
    look: impl FnOnce(&[u8]) -> T,
) -> Result<Option<T>> {
    let failed = |error| failure("the pages of the database cannot be read", error);
    let mut rows = statement.query([number]).map_err(failed)?;
    let Some(row) = rows.next().map_err(failed)? else { return Ok(None) };
    Ok(row.get_ref(0).map_err(failed)?.as_blob().ok().map(look))
}

/// The root page of a table.
pub(super) fn root_page(connection: &Connection, table: &str) -> Result<Option<u32>> {
    connection
        .prepare_cached(
            "SELECT rootpage FROM main.sqlite_schema WHERE type = 'table' AND name = ?1",
        )
        .and_then(|mut statement| statement.query_row([table], |row| row.get(0)))
        .map_err(|error| failure("the schema cannot be read", error).on(quoted(table)))
}

pub(super) fn number16(page: &[u8], at: usize) -> Option<usize> {
    Some(u16::from_be_bytes(page.get(at..at + 2)?.try_into().ok()?).into())
}

pub(super) fn number32(page: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(page.get(at..at + 4)?.try_into().ok()?))
}

/// A variable-length integer and its length in bytes.
#[inline]
pub(super) fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let bytes = bytes.get(at..)?;
    let first = *bytes.first()?;
    if first < 0x80 {
        return Some((first.into(), 1));
    }
    let mut value = u64::from(first & 0x7f);
    for place in 1..8 {
        let byte = *bytes.get(place)?;
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((value, place + 1));
        }
    }
    Some(((value << 8) | u64::from(*bytes.get(8)?), 9))
}

/// A row as it lies in a leaf.
struct Cell {
    rowid: i64,
    /// Bytes of the record.
    payload: usize,
    /// Where in the page its beginning lies.
    local: Range<usize>,
    /// The page on which it goes on; 0 where it lies here whole.
    overflow: u32,
}

impl Cell {
    /// Whether the row's record is so short that it lies in its leaf whole: a length of one byte.
    fn is_short(page: &[u8], number: usize) -> bool {
        let length = number16(page, 8 + 2 * number).and_then(|at| page.get(at));
        length.is_some_and(|length| *length < 0x80)
    }

    fn read(page: &[u8], usable: usize, number: usize) -> Option<Self> {
        let at = number16(page, 8 + 2 * number)?;
        let (payload, length) = varint(page, at)?;
        let payload = usize::try_from(payload).ok()?;
        let (rowid, rowid_length) = varint(page, at + length)?;
        let begin = at + length + rowid_length;
        let whole = usable.checked_sub(35)?;
        let rowid = rowid.cast_signed();
        if payload <= whole {
            return Some(Self { rowid, payload, local: begin..begin + payload, overflow: 0 });
        }
        let least = (usable - 12) * 32 / 255 - 23;
        let most = least + (payload - least) % (usable - 4);
        let end = begin + if most <= whole { most } else { least };
        let overflow = number32(page, end)?;
        // Page 0 does not exist; a chain that begins there ends before its row does.
        (overflow != 0).then_some(Self { rowid, payload, local: begin..end, overflow })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(connection: &Connection, table: &str) -> Vec<(u64, i64)> {
        let mut pages = Pages::open(connection, 7).expect("read").expect("pages are shown");
        let root = root_page(connection, table).expect("read").expect("a root");
        let mut leaves =
            pages.leaves_between(root, i64::MIN, i64::MAX).expect("read").expect("a tree");
        pages.hash(&mut leaves).expect("hashed");
        leaves.iter().map(|leaf| (leaf.hash, leaf.last)).collect()
    }

    #[test]
    fn a_change_of_a_row_changes_the_hash_of_its_leaf_alone() {
        let connection = Connection::open_in_memory().expect("a database");
        connection
            .execute_batch(
                "CREATE TABLE t(id INTEGER PRIMARY KEY, x);
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
                 INSERT INTO t SELECT i, printf('row %08d', i) FROM n;",
            )
            .expect("rows");
        let before = leaves(&connection, "t");
        assert!(before.len() > 50 && before.is_sorted_by_key(|leaf| leaf.1));
        connection.execute_batch("UPDATE t SET x = 'row 0000000x' WHERE id = 10000").expect("done");
        let after = leaves(&connection, "t");
        let changed: Vec<usize> = (0..before.len()).filter(|&n| before[n] != after[n]).collect();
        assert_eq!((before.len(), changed.len()), (after.len(), 1));
        let leaf = changed[0];
        assert!(before[leaf - 1].1 < 10_000 && 10_000 <= before[leaf].1);
    }

    #[test]
    fn a_change_deep_in_an_overflow_chain_changes_the_hash_of_the_leaf() {
        let connection = Connection::open_in_memory().expect("a database");
        connection
            .execute_batch(
                "CREATE TABLE t(id INTEGER PRIMARY KEY, x);
                 INSERT INTO t VALUES(1, zeroblob(100000)), (2, 'small'), (3, zeroblob(50000));",
            )
            .expect("rows");
        let before = leaves(&connection, "t");
        connection
            .execute_batch("UPDATE t SET x = CAST(zeroblob(99000) || 'x' || zeroblob(999) AS BLOB) WHERE id = 1")
            .expect("done");
        assert_ne!(leaves(&connection, "t"), before);
    }

    #[test]
    fn an_overflow_chain_without_end_is_not_followed() {
        let connection = Connection::open_in_memory().expect("a database");
        connection
            .execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES(zeroblob(5000));")
            .expect("a row");
        let root = root_page(&connection, "t").expect("read").expect("a root");
        let mut pages = Pages::open(&connection, 7).expect("read").expect("pages are shown");
        let usable = pages.usable;
        let mut leaf = pages.read(root).expect("read").expect("a page").to_vec();
        let overflow = Cell::read(&leaf, usable, 0).expect("a cell").overflow;
        // The same row, said to be longer than any disk, and the page that it goes on in leads to itself.
        let least = (usable - 12) * 32 / 255 - 23;
        let mut payload = least + (usable - 4) * (1 << 40);
        let mut cell = [1; 10];
        cell[8] = payload.to_le_bytes()[0];
        payload >>= 8;
        for byte in cell[..8].iter_mut().rev() {
            *byte = payload.to_le_bytes()[0] | 0x80;
            payload >>= 7;
        }
        leaf[8..10].copy_from_slice(&100_u16.to_be_bytes());
        leaf[100..110].copy_from_slice(&cell);
        leaf[110 + least..114 + least].copy_from_slice(&overflow.to_be_bytes());
        let mut link = pages.read(overflow).expect("read").expect("a page").to_vec();
        link[..4].copy_from_slice(&overflow.to_be_bytes());
        drop(pages);
        for (number, page) in [(root, leaf), (overflow, link)] {
            let write = "UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1";
            connection.execute(write, (number, page)).expect("written");
        }
        let mut pages = Pages::open(&connection, 7).expect("read").expect("pages are shown");
        let mut leaf = Leaf { hash: 0, last: i64::MAX, page: root };
        assert!(!pages.visit(&mut leaf, None).expect("read"));
    }

    #[test]
    fn a_leaf_that_is_none_is_never_taken_for_one_that_was_seen() {
        let connection = Connection::open_in_memory().expect("a database");
        connection.execute_batch("CREATE TABLE t(x); CREATE INDEX i ON t(x);").expect("a table");
        let mut pages = Pages::open(&connection, 7).expect("read").expect("pages are shown");
        // Page 3 is the index's.
        let mut seen = [Leaf { hash: 0, last: 9, page: 3 }; 2];
        for leaf in &mut seen {
            assert!(!pages.visit(leaf, None).expect("read"));
        }
        assert_ne!(seen[0].hash, seen[1].hash);
    }
}
