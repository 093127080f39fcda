//! Copying a snapshot to another store: its manifest, and the chunks that the other lacks.

use std::collections::HashSet;
use std::io::Read as _;

use super::Core;
use super::catalog::{Catalog, Found, Listed};
use super::facts::Copied;
use super::label::{self, Label};
use super::manifest::{self, Manifest};
use super::pack::{ChunkHash, Packs};
use super::source::together;
use super::verify;
use crate::error::{Error, Result};
use crate::store::Store;

/// Chunks that are read together, at most.
const TOGETHER: usize = 64;

/// Copies one snapshot under its own name. One that the other store has already is left as it is.
pub(crate) fn copy(core: &Core, listed: &Listed, to: &Store) -> Result<Copied> {
    if let Some(damage) = listed.damage() {
        return Err(damage);
    }
    let mut copied = Copied {
        snapshot: listed.snapshot.clone(),
        to: to.location().to_owned(),
        chunks: 0,
        bytes: 0,
    };
    match &listed.found {
        Found::Stored(manifest) => stored(core, listed, manifest, to, &mut copied)?,
        Found::Foreign(_) | Found::Damaged(_) => foreign(core, listed, to, &mut copied)?,
    }
    Ok(copied)
}

fn stored(
    core: &Core,
    listed: &Listed,
    manifest: &Manifest,
    to: &Store,
    copied: &mut Copied,
) -> Result<()> {
    let key = Catalog::key(&listed.snapshot);
    let bytes = manifest.to_bytes()?;
    if is_there(to, &key, &bytes, listed)? {
        return Ok(());
    }
    let mut needed = HashSet::new();
    verify::mark(core, listed, manifest, &mut needed)?;
    let packs = Packs::open(to.clone())?;
    send_missing(core, &packs, &needed, copied)?;

    let lock = to.lock(super::LOCK_WAIT)?;
    if !packs.missing(needed)?.is_empty() {
        return Err(Error::conflict("chunks of this snapshot were removed while it was copied")
            .on(to.location())
            .hint("let no prune run beside it and copy it again"));
    }
    name_it(core, listed, to)?;
    lock.check()?;
    if !to.put_new(&key, bytes.clone())? && !is_there(to, &key, &bytes, listed)? {
        return Err(Error::failed("the manifest was not taken")
            .on(to.location())
            .hint("try again"));
    }
    copied.bytes += bytes.len() as u64;
    Ok(())
}

/// Sends the chunks that the other store lacks, as packs of its own.
fn send_missing(
    core: &Core,
    packs: &Packs,
    needed: &HashSet<ChunkHash>,
    copied: &mut Copied,
) -> Result<()> {
    let missing: Vec<(ChunkHash, u64)> = packs
        .missing(needed.iter().copied())?
        .into_iter()
        .map(|hash| (hash, core.packs.lengths(&hash).map_or(0, |(_, raw)| u64::from(raw))))
        .collect();
    let mut writer = packs.writer()?;
    let mut left = missing.as_slice();
    while !left.is_empty() {
        let (wanted, later) = left.split_at(together(left.iter().map(|chunk| chunk.1), TOGETHER));
        left = later;
        core.progress.step(0)?;
        for chunk in core.packs.read_many(wanted)? {
            writer.put(chunk)?;
        }
    }
    let written = writer.finish()?;
    copied.chunks = written.chunks;
    copied.bytes = written.bytes;
    Ok(())
}

/// A whole snapshot in one file goes as it is.
fn foreign(core: &Core, listed: &Listed, to: &Store, copied: &mut Copied) -> Result<()> {
    let key = Catalog::key(&listed.snapshot);
    let lock = to.lock(super::LOCK_WAIT)?;
    let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
    if to.list(folder)?.iter().any(|meta| meta.key == key) {
        return Ok(());
    }
    let mut file = core.store.reader(&key)?;
    let mut upload = to.upload(&key)?;
    let mut piece = vec![0; 1 << 16];
    loop {
        let length = file.read(&mut piece).map_err(|error| {
            Error::failed("the snapshot cannot be read").on(&listed.snapshot).because(error)
        })?;
        if length == 0 {
            break;
        }
        core.progress.step(0)?;
        upload.write(&piece[..length])?;
    }
    name_it(core, listed, to)?;
    lock.check()?;
    copied.bytes = upload.finish()?;
    Ok(())
}

/// What goes before the file itself: its label, and the mark that its id was given.
fn name_it(core: &Core, listed: &Listed, to: &Store) -> Result<()> {
    let id = &listed.snapshot.id;
    if id.moment().is_some() && label::newest_id(to)?.is_none_or(|newest| newest < *id) {
        label::keep_newest_id(to, id)?;
    }
    let label = label::read(&core.store, &listed.snapshot)?.label;
    if label == Label::default() { Ok(()) } else { label::write(to, &listed.snapshot, &label) }
}

/// Whether the other store has this very manifest; another one of this name is an error.
fn is_there(to: &Store, key: &str, bytes: &[u8], listed: &Listed) -> Result<bool> {
    match to.get(key, manifest::LARGEST)? {
        None => Ok(false),
        Some(found) if found == bytes => Ok(true),
        Some(_) => Err(Error::conflict("the other store has another snapshot of this name")
            .on(&listed.snapshot)
            .hint("copy to a store of its own")),
    }
}
