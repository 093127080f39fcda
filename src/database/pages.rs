//! The pages of a database, hashed: what changed can be told without reading a row.
//!
//! Pages are read through SQLite's `sqlite_dbpage` table, inside the caller's own transaction, and
//! never from the file. Their format is that of <https://www.sqlite.org/fileformat2.html>. Only
//! tables kept by rowid are followed: an interior page (type 5) names its children with the greatest
//! rowid that each may hold, a leaf (type 13) holds rows, and what of a row does not fit into its
//! leaf is in a chain of overflow pages, each of which begins with the number of the next.

use std::collections::HashMap;

use rusqlite::Connection;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::failure;
use super::schema::quoted;
use crate::error::Result;

const INDEX_INTERIOR: u8 = 2;
const TABLE_INTERIOR: u8 = 5;
const INDEX_LEAF: u8 = 10;
const TABLE_LEAF: u8 = 13;
/// No tree of 2^32 pages is deeper.
const DEEPEST: usize = 40;

/// Every page of a database in one state: a hash of each, and how tables hang together.
///
/// Hashes are XXH3 with a seed that is kept secret, of 64 bits: they are only ever compared with the
/// one hash that stood at the same place before.
pub(crate) struct Pages {
    /// Hash of each page, the first page first.
    hashes: Vec<u64>,
    /// The first four bytes of each page: on an overflow page the number of the next one.
    links: Vec<u32>,
    /// The type of each page that reads as a page of a table's tree.
    kinds: Vec<u8>,
    /// For each interior page its children, each with the greatest rowid that it may hold.
    interiors: HashMap<u32, Vec<(u32, i64)>>,
    /// Leaves whose rows go on elsewhere, each with the first overflow page; in page order.
    overflows: Vec<(u32, u32)>,
}

/// A leaf of a table: its rows are those with a rowid up to `last`, behind the leaf before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// Hash of the page and of the overflow pages that its rows go on in.
    pub(crate) hash: u64,
    /// The greatest rowid that may stand here; `i64::MAX` on the last leaf.
    pub(crate) last: i64,
}

impl Pages {
    /// Reads every page. `None` where this build of SQLite does not show pages, or a page is not
    /// what the format says: then rows are read instead.
    pub(super) fn read(connection: &Connection, seed: u64) -> Result<Option<Self>> {
        let Ok(mut statement) =
            connection.prepare_cached("SELECT data FROM sqlite_dbpage WHERE schema = 'main'")
        else {
            return Ok(None);
        };
        let failed = |error| failure("the pages of the database cannot be read", error);
        let mut pages = Self {
            hashes: Vec::new(),
            links: Vec::new(),
            kinds: Vec::new(),
            interiors: HashMap::new(),
            overflows: Vec::new(),
        };
        let mut usable = 0;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let Ok(page) = row.get_ref(0).map_err(failed)?.as_blob() else { return Ok(None) };
            if pages.hashes.is_empty() {
                // The header's byte 20 tells how many bytes at each page's end are not SQLite's.
                usable = page.len().saturating_sub(page.get(20).copied().unwrap_or(0).into());
            }
            if pages.add(page, usable, seed).is_none() {
                return Ok(None);
            }
        }
        Ok(Some(pages))
    }

    fn add(&mut self, page: &[u8], usable: usize, seed: u64) -> Option<()> {
        let number = u32::try_from(self.hashes.len()).ok()?.checked_add(1)?;
        let link = u32::from_be_bytes(page.get(..4)?.try_into().ok()?);
        self.links.push(link);
        // On an overflow page the first byte is the highest of a page's number, so small databases
        // never show one of these there.
        let kind = if number == 1 || self.links.len() > (1 << 24) { 0 } else { page[0] };
        if matches!(kind, INDEX_INTERIOR | INDEX_LEAF) {
            self.hashes.push(0);
            self.kinds.push(0);
            return Some(());
        }
        self.hashes.push(xxh3_64_with_seed(page, seed));
        // What does not read as a page of a tree may be an overflow page that begins like one. A
        // table that needs such a page as its own is read by rows.
        let sound = match page[0] {
            TABLE_INTERIOR => interior(page).map(|children| {
                self.interiors.insert(number, children);
            }),
            TABLE_LEAF => {
                let overflows = &mut self.overflows;
                each_overflow(page, usable, |first| overflows.push((number, first)))
            }
            _ => None,
        };
        self.kinds.push(if sound.is_some() { page[0] } else { 0 });
        Some(())
    }

    /// The leaves of the table with this root page, in rowid order. `None` where the pages do not
    /// hang together as the format says.
    pub(crate) fn leaves(&self, root: u32) -> Option<Vec<Leaf>> {
        let mut leaves = Vec::new();
        self.collect(root, i64::MAX, 0, &mut leaves)?;
        Some(leaves)
    }

    fn collect(&self, page: u32, last: i64, depth: usize, leaves: &mut Vec<Leaf>) -> Option<()> {
        if depth > DEEPEST || leaves.len() > self.hashes.len() {
            return None;
        }
        match *self.kinds.get((page as usize).checked_sub(1)?)? {
            TABLE_LEAF => leaves.push(Leaf { hash: self.leaf_hash(page)?, last }),
            TABLE_INTERIOR => {
                for &(child, greatest) in self.interiors.get(&page)? {
                    self.collect(child, greatest.min(last), depth + 1, leaves)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn leaf_hash(&self, page: u32) -> Option<u64> {
        let mut hash = *self.hash(page)?;
        let from = self.overflows.partition_point(|&(leaf, _)| leaf < page);
        for &(_, first) in self.overflows[from..].iter().take_while(|&&(leaf, _)| leaf == page) {
            let (mut next, mut length) = (first, 0);
            while next != 0 {
                hash = hash.rotate_left(5).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.hash(next)?;
                next = self.links[next as usize - 1];
                length += 1;
                if length > self.hashes.len() {
                    return None;
                }
            }
        }
        Some(hash)
    }

    fn hash(&self, page: u32) -> Option<&u64> {
        self.hashes.get((page as usize).checked_sub(1)?)
    }
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

fn number16(page: &[u8], at: usize) -> Option<usize> {
    Some(u16::from_be_bytes(page.get(at..at + 2)?.try_into().ok()?).into())
}

fn number32(page: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(page.get(at..at + 4)?.try_into().ok()?))
}

/// A variable-length integer and its length in bytes.
fn varint(page: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0;
    for place in 0..8 {
        let byte = *page.get(at + place)?;
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((value, place + 1));
        }
    }
    Some(((value << 8) | u64::from(*page.get(at + 8)?), 9))
}

/// The children of an interior page: in each cell a page and the greatest rowid below it, and the
/// right-most page in the header.
fn interior(page: &[u8]) -> Option<Vec<(u32, i64)>> {
    let cells = number16(page, 3)?;
    let mut children = Vec::with_capacity(cells + 1);
    for cell in 0..cells {
        let at = number16(page, 12 + 2 * cell)?;
        let (greatest, _) = varint(page, at + 4)?;
        children.push((number32(page, at)?, greatest.cast_signed()));
    }
    children.push((number32(page, 8)?, i64::MAX));
    children.is_sorted_by_key(|&(_, greatest)| greatest).then_some(children)
}

/// Hands out the first overflow page of each row of a leaf that has one.
fn each_overflow(page: &[u8], usable: usize, mut each: impl FnMut(u32)) -> Option<()> {
    let cells = number16(page, 3)?;
    let whole = usable.checked_sub(35)?;
    for cell in 0..cells {
        let at = number16(page, 8 + 2 * cell)?;
        let (payload, length) = varint(page, at)?;
        let payload = usize::try_from(payload).ok()?;
        if payload <= whole {
            continue;
        }
        let (_, rowid_length) = varint(page, at + length)?;
        let least = (usable - 12) * 32 / 255 - 23;
        let most = least + (payload - least) % (usable - 4);
        let local = if most <= whole { most } else { least };
        each(number32(page, at + length + rowid_length + local)?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(connection: &Connection, table: &str) -> Vec<Leaf> {
        let pages = Pages::read(connection, 7).expect("read").expect("pages are shown");
        let root = root_page(connection, table).expect("read").expect("a root");
        pages.leaves(root).expect("a tree")
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
        assert!(before.len() > 50 && before.is_sorted_by_key(|leaf| leaf.last));
        connection.execute_batch("UPDATE t SET x = 'row 0000000x' WHERE id = 10000").expect("done");
        let after = leaves(&connection, "t");
        let changed: Vec<usize> = (0..before.len()).filter(|&n| before[n] != after[n]).collect();
        assert_eq!((before.len(), changed.len()), (after.len(), 1));
        let leaf = changed[0];
        assert!(before[leaf - 1].last < 10_000 && 10_000 <= before[leaf].last);
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
}
