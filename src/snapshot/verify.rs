//! Verifying: every chunk that a snapshot needs is read back and held against its hash.

use std::collections::HashSet;

use super::Core;
use super::catalog::{Catalog, Found, Listed};
use super::compare::stored_schema;
use super::facts::{State, Verified};
use super::foreign;
use super::id::SnapshotRef;
use super::manifest::{Manifest, TableRoot};
use super::pack::{ChunkHash, Packs};
use super::parallel;
use super::source::{ChunkSource as _, children_of, malformed, values_of};
use super::tree::{self, Node};
use crate::database::{Schema, Table};
use crate::error::{Error, ErrorKind, Result};

/// More damage than this is not listed one by one.
const MOST_DAMAGE: usize = 20;

/// Chunks of rows that are read back side by side, and those that are worth a thread of their own.
const TOGETHER: usize = 256;
const SHARE: usize = 8;

/// Chunks that were already found sound: snapshots share most of theirs.
pub(crate) type Sound = HashSet<ChunkHash>;

/// What was found of one snapshot.
pub(crate) struct Checked {
    /// In words and numbers.
    pub(crate) verified: Verified,
    /// The chunks that are missing or damaged.
    pub(crate) lost: Vec<Lost>,
}

/// A chunk that is missing or damaged.
pub(crate) struct Lost {
    pub(crate) hash: ChunkHash,
    /// The table that it belongs to; `None` for the schema.
    pub(crate) table: Option<String>,
    /// What it holds, in words.
    pub(crate) what: String,
}

/// Reads back snapshots, and tells which others need what is damaged.
pub(crate) fn all(core: &Core, listed: &[Listed]) -> Result<Vec<Checked>> {
    let mut sound = Sound::new();
    let checked: Result<Vec<Checked>> =
        listed.iter().map(|listed| check(core, listed, &mut sound)).collect();
    let mut checked = checked?;
    for checked in checked.iter_mut().filter(|checked| !checked.lost.is_empty()) {
        checked.verified.dependents = dependents(core, checked)?;
    }
    Ok(checked)
}

/// Reads back one snapshot.
fn check(core: &Core, listed: &Listed, sound: &mut Sound) -> Result<Checked> {
    let mut checked = Checked {
        verified: Verified {
            snapshot: listed.snapshot.clone(),
            state: State::Intact,
            rows: 0,
            bytes: 0,
            damage: Vec::new(),
            dependents: Vec::new(),
            repaired: Vec::new(),
        },
        lost: Vec::new(),
    };
    let verified = &mut checked.verified;
    match &listed.found {
        Found::Damaged(reason) => verified.damage.push(reason.clone()),
        Found::Foreign(_) => {
            // Read as it is now, not as it was when it was listed first.
            let file = core.store.reader(&Catalog::key(&listed.snapshot))?;
            match foreign::read(file, &mut |_, _| Ok(())) {
                Ok(foreign) => (verified.rows, verified.bytes) = (foreign.rows(), listed.size),
                Err(error) => verified.damage.push(foreign::reason(&error, listed.size)),
            }
        }
        Found::Stored(manifest) => {
            core.progress.expect(manifest.rows());
            let packs = core.packs.past_the_cache();
            Check { core, packs, sound, checked: &mut checked }
                .stored(&listed.snapshot, manifest)?;
        }
    }
    let verified = &mut checked.verified;
    if !verified.damage.is_empty() {
        verified.state = State::Damaged;
        if matches!(listed.found, Found::Stored(_)) {
            // A chunk may be missing because the index of its pack cannot be read.
            let packs = core.packs.damaged().into_iter();
            let named = packs.map(|(name, reason)| format!("packs/{name}.pack: {reason}"));
            verified.damage.extend(named);
        }
    }
    Ok(checked)
}

/// One snapshot being read back.
struct Check<'c> {
    core: &'c Core,
    /// Every byte comes from the store itself.
    packs: Packs,
    sound: &'c mut Sound,
    checked: &'c mut Checked,
}

impl Check<'_> {
    fn stored(&mut self, snapshot: &SnapshotRef, manifest: &Manifest) -> Result<()> {
        match stored_schema(&self.packs, snapshot, manifest) {
            Ok(schema) => {
                for held in &manifest.tables {
                    self.table(&schema, held)?;
                }
            }
            Err(error) => self.lose(manifest.schema.hash, None, "the schema".to_owned(), &error),
        }
        Ok(())
    }

    fn table(&mut self, schema: &Schema, held: &TableRoot) -> Result<()> {
        match (schema.table(&held.name), &held.root) {
            (Some(table), Some(root)) => self.node(table, root)?,
            (None, _) => {
                self.checked.verified.damage.push(not_in_schema(held));
            }
            (Some(_), None) => {}
        }
        Ok(())
    }

    fn node(&mut self, table: &Table, node: &Node) -> Result<()> {
        if node.height == 0 {
            return self.rows(table, std::slice::from_ref(node));
        }
        let chunk = self.packs.chunk(table, node);
        match chunk.and_then(|chunk| children_of(table, node, &chunk)) {
            Ok(children) if node.height == 1 => self.rows(table, &children),
            Ok(children) => children.iter().try_for_each(|child| self.node(table, child)),
            Err(error) => {
                self.lose_node(table, node, &error);
                Ok(())
            }
        }
    }

    /// Reads chunks of rows back, those that no snapshot before had too.
    fn rows(&mut self, table: &Table, nodes: &[Node]) -> Result<()> {
        for nodes in nodes.chunks(TOGETHER) {
            let unread: Vec<&Node> =
                nodes.iter().filter(|node| !self.sound.contains(&node.hash)).collect();
            let read = parallel::map(&unread, SHARE, |node| read_rows(&self.packs, table, node));
            for (node, read) in unread.into_iter().zip(read) {
                match read.unwrap_or_else(|| Err(stopped())) {
                    Ok(()) => drop(self.sound.insert(node.hash)),
                    Err(error) => self.lose_node(table, node, &error),
                }
            }
            for node in nodes.iter().filter(|node| self.sound.contains(&node.hash)) {
                self.checked.verified.rows += node.rows;
                self.checked.verified.bytes += node.bytes;
                self.core.progress.step(node.rows)?;
            }
        }
        Ok(())
    }

    fn lose_node(&mut self, table: &Table, node: &Node, error: &Error) {
        let what = format!("table {}, {} rows", table.name, node.rows);
        self.lose(node.hash, Some(table.name.clone()), what, error);
    }

    fn lose(&mut self, hash: ChunkHash, table: Option<String>, what: String, error: &Error) {
        if self.checked.verified.damage.len() < MOST_DAMAGE {
            self.checked.verified.damage.push(format!("{what}: {error}"));
        }
        // What could not be read for another reason may be there all the same.
        if error.kind() == ErrorKind::Damaged {
            self.checked.lost.push(Lost { hash, table, what });
        }
    }
}

/// Reads a chunk of rows, and each row in it.
fn read_rows(packs: &Packs, table: &Table, node: &Node) -> Result<()> {
    let chunk = packs.chunk(table, node)?;
    let mut rows = 0;
    for line in tree::lines_of(chunk.bytes()) {
        values_of(table, node, line)?;
        rows += 1;
    }
    if rows == node.rows { Ok(()) } else { Err(malformed(table, node)) }
}

fn stopped() -> Error {
    Error::failed("a thread that read the snapshot back has stopped").hint("verify it again")
}

fn not_in_schema(held: &TableRoot) -> String {
    format!("table {} is not in the snapshot's own schema", held.name)
}

/// The other snapshots that need a chunk that this one has lost.
fn dependents(core: &Core, checked: &Checked) -> Result<Vec<SnapshotRef>> {
    let lost: HashSet<ChunkHash> = checked.lost.iter().map(|lost| lost.hash).collect();
    let mut without = HashSet::new();
    let mut found = Vec::new();
    for listed in core.catalog.list()?.iter() {
        let Found::Stored(manifest) = &listed.found else { continue };
        if listed.snapshot == checked.verified.snapshot {
            continue;
        }
        let needs = lost.contains(&manifest.schema.hash)
            || stored_schema(&core.packs, &listed.snapshot, manifest).is_ok_and(|schema| {
                manifest.tables.iter().any(|held| match (schema.table(&held.name), &held.root) {
                    (Some(table), Some(root)) => needs(core, table, root, &lost, &mut without),
                    _ => false,
                })
            });
        if needs {
            found.push(listed.snapshot.clone());
        }
    }
    Ok(found)
}

/// Whether a tree has one of the `lost` chunks in it. What it has not is added to `without`.
fn needs(
    core: &Core,
    table: &Table,
    node: &Node,
    lost: &HashSet<ChunkHash>,
    without: &mut HashSet<ChunkHash>,
) -> bool {
    if lost.contains(&node.hash) {
        return true;
    }
    if node.height == 0 || without.contains(&node.hash) {
        return false;
    }
    let children = core.packs.chunk(table, node).and_then(|chunk| children_of(table, node, &chunk));
    let found = children
        .is_ok_and(|children| children.iter().any(|node| needs(core, table, node, lost, without)));
    if !found {
        without.insert(node.hash);
    }
    found
}

/// Every chunk that a snapshot needs, added to `live`; index chunks that are there already are not
/// read again. An error when one cannot be read: then nothing may be removed.
pub(crate) fn mark(
    core: &Core,
    listed: &Listed,
    manifest: &Manifest,
    live: &mut HashSet<ChunkHash>,
) -> Result<()> {
    live.insert(manifest.schema.hash);
    let schema = stored_schema(&core.packs, &listed.snapshot, manifest)?;
    for held in &manifest.tables {
        let Some(root) = &held.root else { continue };
        let table = schema.table(&held.name).ok_or_else(|| {
            Error::damaged(not_in_schema(held)).on(&listed.snapshot).hint("verify the snapshot")
        })?;
        mark_node(core, table, root, live)?;
    }
    Ok(())
}

fn mark_node(core: &Core, table: &Table, node: &Node, live: &mut HashSet<ChunkHash>) -> Result<()> {
    if !live.insert(node.hash) || node.height == 0 {
        return Ok(());
    }
    let chunk = core.packs.chunk(table, node)?;
    for child in children_of(table, node, &chunk)? {
        mark_node(core, table, &child, live)?;
    }
    Ok(())
}
