//! Verifying: every chunk that a snapshot needs is read back and held against its hash.

use std::collections::HashSet;

use super::Core;
use super::catalog::{Catalog, Found, Listed};
use super::compare::stored_schema;
use super::facts::{State, Verified};
use super::foreign;
use super::manifest::{Manifest, TableRoot};
use super::pack::ChunkHash;
use super::source::{ChunkSource as _, children_of, malformed, values_of};
use super::tree::{self, Node};
use crate::database::{Schema, Table};
use crate::error::Result;

/// More damage than this is not listed one by one.
const MOST_DAMAGE: usize = 20;

/// Chunks that were already found sound: snapshots share most of theirs.
pub(crate) type Sound = HashSet<ChunkHash>;

/// Reads back one snapshot.
pub(crate) fn verify(core: &Core, listed: &Listed, sound: &mut Sound) -> Result<Verified> {
    let mut verified = Verified {
        snapshot: listed.snapshot.clone(),
        state: State::Intact,
        rows: 0,
        bytes: 0,
        damage: Vec::new(),
    };
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
            stored(core, listed, manifest, sound, &mut verified)?;
        }
    }
    if !verified.damage.is_empty() {
        let packs = core.packs.damaged();
        verified.damage.extend(packs.iter().map(|(pack, reason)| format!("pack {pack}: {reason}")));
        verified.state = State::Damaged;
        if matches!(listed.found, Found::Stored(_)) {
            // A chunk may be missing because the index of its pack cannot be read.
            let packs = core.packs.damaged().into_iter();
            let named = packs.map(|(name, reason)| format!("packs/{name}.pack: {reason}"));
            verified.damage.extend(named);
        }
    }
    Ok(verified)
}

fn stored(
    core: &Core,
    listed: &Listed,
    manifest: &Manifest,
    sound: &mut Sound,
    verified: &mut Verified,
) -> Result<()> {
    match stored_schema(core, &listed.snapshot, manifest) {
        Ok(schema) => {
            for held in &manifest.tables {
                check_table(core, &schema, held, sound, verified)?;
            }
        }
        Err(error) => verified.damage.push(error.to_string()),
    }
    Ok(())
}

fn check_table(
    core: &Core,
    schema: &Schema,
    held: &TableRoot,
    sound: &mut Sound,
    verified: &mut Verified,
) -> Result<()> {
    match (schema.table(&held.name), &held.root) {
        (Some(table), Some(root)) => check_node(core, table, root, sound, verified)?,
        (None, _) => {
            verified
                .damage
                .push(format!("table {} is not in the snapshot's own schema", held.name));
        }
        (Some(_), None) => {}
    }
    Ok(())
}

fn check_node(
    core: &Core,
    table: &Table,
    node: &Node,
    sound: &mut Sound,
    verified: &mut Verified,
) -> Result<()> {
    if node.height == 0 && sound.contains(&node.hash) {
        verified.rows += node.rows;
        verified.bytes += node.bytes;
        return core.progress.step(node.rows);
    }
    let read = core.packs.chunk(table, node).and_then(|chunk| {
        if node.height > 0 {
            return children_of(table, node, &chunk);
        }
        let mut rows = 0;
        for line in tree::lines_of(chunk.bytes()) {
            values_of(table, node, line)?;
            rows += 1;
        }
        if rows == node.rows { Ok(Vec::new()) } else { Err(malformed(table, node)) }
    });
    match read {
        Ok(children) => {
            for child in &children {
                check_node(core, table, child, sound, verified)?;
            }
            if node.height == 0 {
                verified.rows += node.rows;
                verified.bytes += node.bytes;
                core.progress.step(node.rows)?;
            }
            sound.insert(node.hash);
        }
        Err(error) if verified.damage.len() < MOST_DAMAGE => {
            verified.damage.push(format!("table {}, {} rows: {error}", table.name, node.rows));
        }
        Err(_) => {}
    }
    Ok(())
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
    let schema = stored_schema(core, &listed.snapshot, manifest)?;
    for held in &manifest.tables {
        if let (Some(table), Some(root)) = (schema.table(&held.name), &held.root) {
            mark_node(core, table, root, live)?;
        }
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
