//! Finding chunks by their hash, in few bytes each.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::chunk::ChunkHash;

/// Where a chunk lies: the number of a pack, and that of the chunk in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) pack: u32,
    pub(super) chunk: u32,
}

impl Spot {
    /// The spot of these numbers: a pack is a file, and its index has a bound.
    #[expect(clippy::cast_possible_truncation, reason = "there are fewer than 2^32 of both")]
    pub(super) fn at(pack: usize, chunk: usize) -> Self {
        Self { pack: pack as u32, chunk: chunk as u32 }
    }
}

/// The spots of chunks. The hashes themselves are in the packs' entries and not here once more: every
/// call is told how to look one up.
#[derive(Debug, Default)]
pub(super) struct Index {
    spots: HashTable<Spot>,
    hasher: RandomState,
}

impl Index {
    pub(super) fn find<'e>(
        &self,
        hash: &ChunkHash,
        hash_at: impl Fn(Spot) -> &'e ChunkHash,
    ) -> Option<Spot> {
        self.spots.find(self.hasher.hash_one(hash), |spot| hash_at(*spot) == hash).copied()
    }

    /// Adds a chunk, unless one of this hash is there.
    pub(super) fn add<'e>(
        &mut self,
        hash: &ChunkHash,
        spot: Spot,
        hash_at: impl Fn(Spot) -> &'e ChunkHash,
    ) {
        let Self { spots, hasher } = self;
        let same = |other: &Spot| hash_at(*other) == hash;
        let rehash = |other: &Spot| hasher.hash_one(hash_at(*other));
        spots.entry(hasher.hash_one(hash), same, rehash).or_insert(spot);
    }

    /// Takes a chunk out.
    pub(super) fn remove<'e>(&mut self, hash: &ChunkHash, hash_at: impl Fn(Spot) -> &'e ChunkHash) {
        let found =
            self.spots.find_entry(self.hasher.hash_one(hash), |spot| hash_at(*spot) == hash);
        if let Ok(found) = found {
            found.remove();
        }
    }

    pub(super) fn clear(&mut self) {
        self.spots.clear();
    }
}
