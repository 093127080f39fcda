//! Repairing: a chunk that is missing or damaged is written anew where the live database still has
//! its rows.
//!
//! Equal rows make equal chunks, so reading the tables concerned once more gives the lost chunks
//! again, known by their hashes, unless their rows have changed meanwhile.

use std::collections::{BTreeMap, HashSet};

use super::Core;
use super::catalog::Listed;
use super::facts::Verified;
use super::pack::{Chunk, ChunkHash, PackWriter};
use super::source::FromDatabase;
use super::tree::ChunkSink;
use super::verify::{self, Checked};
use crate::error::{Error, Result};

/// Verifies snapshots, and writes anew what the database still has of what they lost.
pub(crate) fn repair(core: &Core, listed: &[Listed]) -> Result<Vec<Verified>> {
    let mut repaired: BTreeMap<_, Vec<String>> = BTreeMap::new();
    let mut tried = HashSet::new();
    // A lost index chunk hides what is lost below it, so there is another look after each success.
    loop {
        let checked = verify::all(core, listed)?;
        let found = rewrite(core, &checked, &mut tried)?;
        for checked in &checked {
            let lines = repaired.entry(checked.verified.snapshot.clone()).or_default();
            lines.extend(
                checked
                    .lost
                    .iter()
                    .filter(|lost| found.contains(&lost.hash))
                    .map(|lost| format!("{}: written anew from the database", lost.what)),
            );
        }
        if found.is_empty() {
            let verified = checked.into_iter().map(|checked| checked.verified);
            return Ok(verified
                .map(|one| Verified {
                    repaired: repaired.remove(&one.snapshot).unwrap_or_default(),
                    ..one
                })
                .collect());
        }
    }
}

/// Looks in the database for what is lost, unless it was `tried` before; the answer is what was
/// found there and is in the store again.
fn rewrite(
    core: &Core,
    checked: &[Checked],
    tried: &mut HashSet<ChunkHash>,
) -> Result<HashSet<ChunkHash>> {
    let mut wanted = HashSet::new();
    let mut tables = HashSet::new();
    for lost in checked.iter().flat_map(|checked| &checked.lost) {
        if tried.insert(lost.hash) {
            wanted.insert(lost.hash);
            tables.extend(lost.table.as_deref());
        }
    }
    if wanted.is_empty() {
        return Ok(HashSet::new());
    }
    let transaction = core.database.read()?;
    let schema = core.schema(transaction.view())?;
    let mut sink = Rewrite { wanted, writer: core.packs.writer()?, found: HashSet::new() };
    let written = serde_json::to_vec(&schema)
        .map_err(|error| Error::failed("the schema cannot be written").because(error))?;
    sink.chunk(Chunk::of(written), 0)?;
    let database = FromDatabase::new(transaction.view(), core.progress.clone(), None);
    for table in schema.tables.iter().filter(|table| tables.contains(table.name.as_str())) {
        database.scan(table, &mut sink, None)?;
    }
    drop(database);
    drop(transaction);
    sink.writer.finish()?;
    Ok(sink.found)
}

/// Writes the wanted chunks, and lets the others go.
struct Rewrite {
    wanted: HashSet<ChunkHash>,
    writer: PackWriter,
    found: HashSet<ChunkHash>,
}

impl ChunkSink for Rewrite {
    fn chunk(&mut self, chunk: Chunk, _height: u8) -> Result<()> {
        if self.wanted.contains(&chunk.hash()) && self.found.insert(chunk.hash()) {
            self.writer.put(chunk)?;
        }
        Ok(())
    }
}
