//! Packs: many compressed chunks in one file, found by their hash.
//!
//! A pack is written once and never changed. It is known by a random name that nothing but its
//! file carries: manifests name chunks, so a chunk may move from one pack to another.
//!
//! ```text
//! chunk chunk chunk …   each a zstd frame of its own
//! index                 64 bytes for each chunk, in the order of the chunks
//! footer                88 bytes
//! ```
//!
//! Numbers are little-endian. An entry of the index:
//!
//! | bytes | what |
//! | --- | --- |
//! | 32 | BLAKE3 of the chunk's uncompressed bytes: its name |
//! | 8 | where its frame begins in the pack |
//! | 4 | length of the frame |
//! | 4 | length of the uncompressed bytes |
//! | 16 | the first half of the BLAKE3 of the frame |
//!
//! The last one is there because a few bits of a frame mean nothing to its decoder: the hash of
//! the contents would not notice that they changed. The footer:
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `snappack` |
//! | 4 | version of the format, 1 |
//! | 4 | number of chunks |
//! | 8 | where the index begins |
//! | 32 | BLAKE3 of the index |
//! | 32 | BLAKE3 of the footer up to here |
//!
//! So every byte of a pack is under a checksum, and reading the end of a file tells all about it.

mod chunk;
mod collect;
mod format;
mod index;
mod queue;
mod read;
mod state;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use chunk::{Chunk, ChunkHash};
pub(crate) use write::PackWriter;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::error::{ErrorKind, Result};
use crate::store::{Meta, Store};
use format::Entry;
use state::{Pack, State};

/// The folder of the packs in a store.
const FOLDER: &str = "packs";

/// The packs of a store and where each chunk lies in them. Cheap to clone; clones share what they
/// know.
#[derive(Clone)]
pub(crate) struct Packs {
    inner: Arc<Inner>,
    /// Whether the store's local cache may stand in for the store.
    cached: bool,
}

struct Inner {
    store: Store,
    state: RwLock<State>,
}

/// A pack, and what reading its index has brought.
type Indexed = (String, Meta, Result<Vec<Entry>>);

impl Packs {
    /// Reads the indexes of all packs of a store.
    pub(crate) fn open(store: Store) -> Result<Self> {
        let inner = Arc::new(Inner { store, state: RwLock::default() });
        let packs = Self { inner, cached: true };
        packs.refresh()?;
        Ok(packs)
    }

    /// Catches up with the store: reads the indexes of new packs, forgets those that have gone.
    ///
    /// A pack that cannot be read is told by [`damaged`](Self::damaged) and breaks nothing.
    pub(crate) fn refresh(&self) -> Result<()> {
        // What is known by now is in the listing, or it is gone.
        let before: Vec<String> = self.state().packs().map(|pack| pack.name.clone()).collect();
        let mut listed = Vec::new();
        for meta in self.inner.store.list(FOLDER)? {
            if let Some(name) = name_in(&meta.key) {
                listed.push((name, meta));
            }
        }
        let unknown: Vec<_> = {
            let state = self.state();
            listed.iter().filter(|(name, meta)| !state.knows(name, meta)).cloned().collect()
        };
        // Read without holding the lock: others go on with what is known.
        let found = self.read_indexes(&unknown);
        let mut state = self.state_mut();
        for (name, meta, entries) in found {
            match entries {
                // Gone since it was listed: not there, rather than damaged.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Ok(entries) => state.add(Pack { name, size: meta.size, entries }),
                Err(error) => state.add_damaged(name, error.what()),
            }
        }
        state.follow(&before, listed.iter().map(|(name, meta)| (name.as_str(), meta.modified)));
        Ok(())
    }

    /// Reads the indexes of packs.
    fn read_indexes(&self, packs: &[(String, Meta)]) -> Vec<Indexed> {
        self.store().several_at_a_time(packs, |(name, meta)| {
            (name.clone(), meta.clone(), format::read_index(self.store(), meta))
        })
    }

    /// The packs that cannot be used, by name, each with the reason.
    pub(crate) fn damaged(&self) -> Vec<(String, String)> {
        self.state().damaged().map(|(name, why)| (name.to_owned(), why.to_owned())).collect()
    }

    /// Whether some pack has this chunk, as far as is known.
    pub(crate) fn contains(&self, hash: &ChunkHash) -> bool {
        self.state().contains(hash)
    }

    /// Every chunk that some pack has, with its length uncompressed, in bytes.
    pub(crate) fn chunks(&self) -> Vec<(ChunkHash, u64)> {
        let state = self.state();
        let entries = state.packs().flat_map(|pack| &pack.entries);
        entries.map(|entry| (entry.hash, u64::from(entry.raw_length))).collect()
    }

    /// How long a chunk is in its pack and uncompressed, in bytes.
    pub(crate) fn lengths(&self, hash: &ChunkHash) -> Option<(u32, u32)> {
        self.state().place(hash).map(|place| (place.entry().length, place.entry().raw_length))
    }

    /// What these chunks take in their packs, in bytes, each counted once. Those that no pack has take
    /// nothing.
    pub(crate) fn stored_bytes(
        &self,
        hashes: impl Iterator<Item = Result<ChunkHash>>,
    ) -> Result<u64> {
        self.state().stored_bytes(hashes)
    }

    /// Catches up with the store, then tells which of these chunks no pack has.
    pub(crate) fn missing(
        &self,
        hashes: impl IntoIterator<Item = ChunkHash>,
    ) -> Result<Vec<ChunkHash>> {
        self.refresh()?;
        let state = self.state();
        Ok(hashes.into_iter().filter(|hash| !state.contains(hash)).collect())
    }

    /// Begins to write chunks. They go to packs of their own.
    pub(crate) fn writer(&self) -> Result<PackWriter> {
        PackWriter::start(self.clone(), write::Existing::Skip)
    }

    /// The same packs, every chunk read from the store itself: for whoever asks whether it is there.
    pub(crate) fn past_the_cache(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), cached: false }
    }

    fn store(&self) -> &Store {
        &self.inner.store
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.inner.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.inner.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Packs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Packs").field(&self.inner.store).finish()
    }
}

/// The key of the pack with this name.
fn key_of(name: &str) -> String {
    format!("{FOLDER}/{name}.pack")
}

/// The name in a key of the packs' folder; `None` for a file that is no pack.
fn name_in(key: &str) -> Option<String> {
    let name = key.strip_prefix(FOLDER)?.strip_prefix('/')?.strip_suffix(".pack")?;
    let sound = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
    sound.then(|| name.to_owned())
}
