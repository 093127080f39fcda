//! The leaves of one table in one transaction, as a window that moves on over them: each is held
//! against the leaf that stood there when the database was read last.

use std::thread::Scope;

use super::fingerprint::{KnownChunk, Memory, Session};
use super::lines::{EachLine, RowReader};
use crate::database::{Hashing, Leaf, LeafWalk, Pages, SHARE, Table, View};
use crate::error::Result;

/// The leaves of one table.
pub(crate) struct Leaves<'scope, 'env, 'c> {
    pages: &'env mut Pages<'c>,
    /// `None` where whoever reads the rows out of the leaves hashes them by the way.
    hashing: Option<Hashing<'scope, 'env>>,
    memory: &'env Memory,
    walk: LeafWalk,
    window: Vec<Leaf>,
    /// Whether each leaf in the window is the one that it was, between the same boundaries.
    same: Vec<bool>,
    /// How many leaves in the window, from its beginning, are done with.
    passed: usize,
    is_known: bool,
    /// Whether rows can be read out of the leaves.
    tell_rows: bool,
    before: Before,
}

/// Where in the leaves before the comparison stands. Both rows of leaves cover all rowids.
struct Before {
    /// The hash and the greatest rowid of one that reaches beyond the leaf that was compared last.
    next: Option<(u64, i64)>,
    /// Whether the leaf that was compared last ended where one before did.
    is_aligned: bool,
}

impl<'scope, 'env, 'c> Leaves<'scope, 'env, 'c> {
    /// The leaves of a table in the transaction of `view`, which is that of the session. `None` where
    /// its pages do not show. Threads that hash live in `scope`.
    pub(crate) fn begin(
        scope: &'scope Scope<'scope, 'env>,
        session: &'env mut Session<'c>,
        view: View<'_>,
        table: &Table,
    ) -> Result<Option<Self>> {
        let Some(root) = view.root_page(table)? else { return Ok(None) };
        let Session { pages, beside, memory } = session;
        let Some(walk) = pages.leaves(root)? else { return Ok(None) };
        let is_known = memory.begin(table);
        let tell_rows = RowReader::can_read(table, pages);
        let ahead = is_known || !tell_rows;
        let hashing = ahead.then(|| Hashing::new(scope, beside, pages.seed()));
        Ok(Some(Self {
            is_known,
            tell_rows,
            pages,
            hashing,
            memory,
            walk,
            window: Vec::new(),
            same: Vec::new(),
            passed: 0,
            before: Before { next: None, is_aligned: true },
        }))
    }

    /// What keeps the chunks that are made of the table.
    pub(crate) fn memory(&self) -> &'env Memory {
        self.memory
    }

    /// The chunk of the table that came next before.
    pub(crate) fn next_chunk(&self) -> Option<KnownChunk> {
        if self.is_known { self.memory.next_chunk() } else { None }
    }

    /// Whether no page that holds rowids behind `after` and up to `until` changed, appeared or
    /// went. Asked in rising order.
    pub(crate) fn is_clean(&mut self, after: Option<i64>, until: i64) -> Result<bool> {
        self.pass(after);
        let mut same = 0;
        // Once what was known cannot be read on, chunks may lie here that were not told of.
        while self.memory.can_tell() {
            let at = self.passed + same;
            match self.window.get(at).copied() {
                Some(_) if !self.same[at] => return Ok(false),
                Some(leaf) if leaf.last >= until => return Ok(true),
                Some(_) => same += 1,
                None if self.fill()? => {}
                None => break,
            }
        }
        Ok(false)
    }

    /// Reads rows behind `after` and up to `last`, in rising order.
    pub(crate) fn read(
        &mut self,
        rows: &mut RowReader<'_>,
        mut after: Option<i64>,
        last: i64,
        each: &mut EachLine<'_>,
    ) -> Result<()> {
        if !self.tell_rows {
            return rows.read(after, last, each);
        }
        loop {
            self.pass(after);
            if self.passed == self.window.len() && !self.fill()? {
                return Ok(());
            }
            let leaves = &mut self.window[self.passed..];
            let end = leaves.last().map_or(last, |leaf| leaf.last.min(last));
            rows.read_leaves(self.pages, leaves, after, end, each)?;
            if end == last {
                return Ok(());
            }
            after = Some(end);
        }
    }

    /// Keeps all leaves for the next reading.
    pub(crate) fn finish(mut self) -> Result<()> {
        loop {
            self.passed = self.window.len();
            if !self.fill()? {
                self.memory.end();
                return Ok(());
            }
        }
    }

    /// Is done with the leaves that hold no rowid behind `after`.
    fn pass(&mut self, after: Option<i64>) {
        let Some(after) = after else { return };
        let done = self.window[self.passed..].iter().take_while(|leaf| leaf.last <= after);
        self.passed += done.count();
    }

    /// Takes further leaves into the window; whether there were any.
    fn fill(&mut self) -> Result<bool> {
        self.memory.keep_leaves(&self.window[..self.passed]);
        self.window.drain(..self.passed);
        self.same.drain(..self.passed);
        self.passed = 0;
        let Self { pages, walk, .. } = self;
        let mut walk_on = |pages: &mut Pages<'_>| {
            let mut leaves = Vec::new();
            while leaves.len() < SHARE
                && let Some(leaf) = walk.next(pages)?
            {
                leaves.push(leaf);
            }
            Ok(leaves)
        };
        let new = match &mut self.hashing {
            Some(hashing) => hashing.next(pages, &mut walk_on)?,
            None => walk_on(pages)?,
        };
        for leaf in &new {
            let same = self.is_known
                && self.before.is_same((leaf.hash, leaf.last), || self.memory.next_leaf());
            self.same.push(same);
        }
        self.window.extend_from_slice(&new);
        Ok(!new.is_empty())
    }
}

impl Before {
    /// Whether a leaf is the one that it was: `leaf` and those `before` are each a hash and the greatest
    /// rowid. Wherever both rows of leaves have a boundary at the same rowid, what lies between two
    /// such boundaries is the same or it is not.
    fn is_same(
        &mut self,
        leaf: (u64, i64),
        mut before: impl FnMut() -> Option<(u64, i64)>,
    ) -> bool {
        let was_aligned = std::mem::replace(&mut self.is_aligned, false);
        let mut old = self.next.take().or_else(&mut before);
        let same = was_aligned && old == Some(leaf);
        while old.is_some_and(|(_, last)| last < leaf.1) {
            old = before();
        }
        self.is_aligned = old.is_some_and(|(_, last)| last == leaf.1);
        self.next = old.filter(|_| !self.is_aligned);
        same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: i64 = i64::MAX;

    /// Where the leaves end that are not what they were.
    fn changed(before: &[(u64, i64)], now: &[(u64, i64)]) -> Vec<i64> {
        let mut old = before.iter().copied();
        let mut before = Before { next: None, is_aligned: true };
        let changed = now.iter().filter(|leaf| !before.is_same(**leaf, || old.next()));
        changed.map(|leaf| leaf.1).collect()
    }

    #[test]
    fn what_lies_between_common_boundaries_is_the_same_or_not() {
        let before = [(1, 10), (2, 20), (3, 30), (4, END)];
        assert!(changed(&before, &before).is_empty());
        assert_eq!(changed(&before, &[(1, 10), (9, 20), (3, 30), (4, END)]), [20]);
        // Split.
        assert_eq!(changed(&before, &[(1, 10), (8, 15), (2, 20), (3, 30), (4, END)]), [15, 20]);
        // Merged.
        assert_eq!(changed(&before, &[(2, 20), (3, 30), (4, END)]), [20]);
        // Appended, and neighbours joined.
        assert_eq!(
            changed(&before, &[(1, 10), (2, 20), (3, 25), (4, 40), (5, END)]),
            [25, 40, END]
        );
        assert_eq!(changed(&[(1, END)], &[(2, END)]), [END]);
    }

    #[test]
    fn leaves_beyond_those_that_are_known_are_not_what_they_were() {
        assert_eq!(changed(&[], &[(1, 10), (2, END)]), [10, END]);
        assert_eq!(changed(&[(1, 10)], &[(1, 10), (2, 20), (3, END)]), [20, END]);
    }
}
