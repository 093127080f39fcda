//! The leaves of a table, one after the other: found from its root down, never all in memory.

use std::vec::IntoIter;

use super::pages::{Pages, number16, number32, varint};
use crate::error::Result;

const TABLE_INTERIOR: u8 = 5;
const TABLE_LEAF: u8 = 13;
/// No tree of 2^32 pages is deeper.
const DEEPEST: usize = 40;

/// A leaf of a table: its rows are those with a rowid up to `last`, behind the leaf before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaf {
    /// Hash of the page and of the overflow pages that its rows go on in; 0 until it was read.
    pub(crate) hash: u64,
    /// The greatest rowid that may stand here; `i64::MAX` on the last leaf.
    pub(crate) last: i64,
    /// The number of the page.
    pub(super) page: u32,
}

/// A page and the greatest rowid that may stand in it or below it.
type Child = (u32, i64);

/// A walk over the leaves of one table, in rowid order. It holds the interior pages on its way alone.
pub(crate) struct LeafWalk {
    /// The pages of each level that are still to come, from the root's down.
    path: Vec<IntoIter<Child>>,
    /// How many levels lie above the leaves.
    depth: usize,
    first: i64,
    last: i64,
    /// The greatest rowid of the leaf that was handed out last.
    before: Option<i64>,
    has_ended: bool,
}

impl LeafWalk {
    /// Begins before the leaf that may hold the rowid `first`; the leaf that may hold `last` is the
    /// last one. `None` where the pages do not hang together as the format says.
    pub(super) fn begin(
        pages: &mut Pages<'_>,
        root: u32,
        first: i64,
        last: i64,
    ) -> Result<Option<Self>> {
        let (mut depth, mut number) = (0, root);
        // All leaves are equally deep: the way to the first one tells how deep.
        loop {
            let Some(page) = pages.read(number)? else { return Ok(None) };
            match page.first() {
                _ if depth > DEEPEST => return Ok(None),
                Some(&TABLE_LEAF) => break,
                _ => match interior(page).and_then(|mut children| children.next()) {
                    Some((child, _)) => number = child,
                    None => return Ok(None),
                },
            }
            depth += 1;
        }
        let path = vec![vec![(root, i64::MAX)].into_iter()];
        Ok(Some(Self { path, depth, first, last, before: None, has_ended: false }))
    }

    /// The next leaf, not yet read. Where the pages turn out not to hang together, the last one is
    /// a leaf of no page, which may hold all rowids that are left.
    pub(crate) fn next(&mut self, pages: &mut Pages<'_>) -> Result<Option<Leaf>> {
        while !self.has_ended {
            let level = self.path.len();
            let Some(level_left) = self.path.last_mut() else { break };
            let Some((number, greatest)) = level_left.next() else {
                self.path.pop();
                continue;
            };
            if level > self.depth {
                if self.before.is_some_and(|before| before >= greatest) {
                    return Ok(Some(self.give_up()));
                }
                self.before = Some(greatest);
                self.has_ended = greatest >= self.last;
                return Ok(Some(Leaf { hash: 0, last: greatest, page: number }));
            }
            let Some(children) = pages.read(number)?.and_then(interior) else {
                return Ok(Some(self.give_up()));
            };
            let first = self.first;
            let below: Vec<Child> = children
                .skip_while(|&(_, greatest)| greatest < first)
                .map(|(child, below)| (child, below.min(greatest)))
                .collect();
            self.path.push(below.into_iter());
        }
        Ok(None)
    }

    fn give_up(&mut self) -> Leaf {
        self.has_ended = true;
        Leaf { hash: 0, last: i64::MAX, page: 0 }
    }
}

/// The children of an interior page: in each cell a page and the greatest rowid below it, and the
/// right-most page in the header, which may hold any greater rowid.
fn interior(page: &[u8]) -> Option<IntoIter<Child>> {
    if page.first() != Some(&TABLE_INTERIOR) {
        return None;
    }
    let cells = number16(page, 3)?;
    let mut children = Vec::with_capacity(cells + 1);
    for cell in 0..cells {
        let at = number16(page, 12 + 2 * cell)?;
        let (greatest, _) = varint(page, at + 4)?;
        children.push((number32(page, at)?, greatest.cast_signed()));
    }
    children.push((number32(page, 8)?, i64::MAX));
    Some(children.into_iter())
}
