//! What is known of the packs: their indexes, and where each chunk lies.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::error::Result;
use crate::store::Meta;

use super::chunk::ChunkHash;
use super::format::Entry;
use super::index::{Index, Spot};

/// A sound pack.
#[derive(Debug)]
pub(super) struct Pack {
    pub(super) name: String,
    /// The size of its file, in bytes.
    pub(super) size: u64,
    pub(super) entries: Vec<Entry>,
}

/// One copy of a chunk: which pack, and where in it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) pack: Arc<Pack>,
    number: usize,
}

impl Place {
    /// The places of all chunks of a pack.
    pub(super) fn all_in(pack: &Arc<Pack>) -> impl Iterator<Item = Self> {
        (0..pack.entries.len()).map(|number| Self { pack: Arc::clone(pack), number })
    }

    pub(super) fn entry(&self) -> &Entry {
        &self.pack.entries[self.number]
    }

    pub(super) fn is_in(&self, pack: &Arc<Pack>) -> bool {
        Arc::ptr_eq(&self.pack, pack)
    }
}

/// What is known of the packs of one store.
#[derive(Debug, Default)]
pub(super) struct State {
    packs: BTreeMap<String, Arc<Pack>>,
    /// The same packs, each at the number that the places know it by.
    numbered: Vec<Arc<Pack>>,
    /// When the packs were written, by the last listing; our own newest are not in it yet.
    written: HashMap<String, Timestamp>,
    /// One copy of each chunk: the one that is read.
    places: Index,
    /// Copies that were read and found damaged: never a chunk's place again.
    spoilt: HashSet<(String, ChunkHash)>,
    /// Packs with such a copy, to be looked at again: another file may have taken their name.
    suspect: HashSet<String>,
    damaged: BTreeMap<String, String>,
}

impl State {
    /// Whether this very file is known already. A damaged one is looked at each time.
    pub(super) fn knows(&self, name: &str, meta: &Meta) -> bool {
        self.packs.get(name).is_some_and(|pack| {
            let same_time = self.written(name).is_none_or(|written| written == meta.modified);
            pack.size == meta.size && same_time && !meta.link && !self.suspect.contains(name)
        })
    }

    /// When a pack was written; `None` for one of our own that was not listed since.
    pub(super) fn written(&self, name: &str) -> Option<Timestamp> {
        self.written.get(name).copied()
    }

    pub(super) fn packs(&self) -> impl Iterator<Item = &Arc<Pack>> {
        self.packs.values()
    }

    pub(super) fn damaged(&self) -> impl Iterator<Item = (&str, &str)> {
        self.damaged.iter().map(|(name, why)| (name.as_str(), why.as_str()))
    }

    pub(super) fn contains(&self, hash: &ChunkHash) -> bool {
        self.spot(hash).is_some()
    }

    pub(super) fn place(&self, hash: &ChunkHash) -> Option<Place> {
        let Spot { pack, chunk } = self.spot(hash)?;
        let pack = Arc::clone(&self.numbered[pack as usize]);
        Some(Place { pack, number: chunk as usize })
    }

    fn spot(&self, hash: &ChunkHash) -> Option<Spot> {
        self.places.find(hash, |spot| hash_at(&self.numbered, spot))
    }

    /// What chunks take in their packs, in bytes, each counted once.
    pub(super) fn stored_bytes(
        &self,
        hashes: impl Iterator<Item = Result<ChunkHash>>,
    ) -> Result<u64> {
        let mut counted: Vec<Vec<bool>> =
            self.numbered.iter().map(|pack| vec![false; pack.entries.len()]).collect();
        let mut bytes = 0;
        for hash in hashes {
            let Some(Spot { pack, chunk }) = self.spot(&hash?) else { continue };
            let (pack, chunk) = (pack as usize, chunk as usize);
            if !std::mem::replace(&mut counted[pack][chunk], true) {
                bytes += u64::from(self.numbered[pack].entries[chunk].length);
            }
        }
        Ok(bytes)
    }

    /// Every copy of a chunk, spoilt ones too. Looks through all indexes.
    pub(super) fn copies(&self, hash: &ChunkHash) -> Vec<Place> {
        let copies_in = |pack: &Arc<Pack>| {
            let number = pack.entries.iter().position(|entry| entry.hash == *hash)?;
            Some(Place { pack: Arc::clone(pack), number })
        };
        self.packs.values().filter_map(copies_in).collect()
    }

    /// Adds a pack, or what has taken the place of one.
    pub(super) fn add(&mut self, pack: Pack) {
        self.damaged.remove(&pack.name);
        self.suspect.remove(&pack.name);
        if self.packs.get(&pack.name).is_some_and(|known| known.entries == pack.entries) {
            return;
        }
        self.forget([pack.name.as_str()]);
        let pack = Arc::new(pack);
        self.packs.insert(pack.name.clone(), Arc::clone(&pack));
        self.offer(&pack);
    }

    /// Remembers that a pack cannot be used, and why.
    pub(super) fn add_damaged(&mut self, name: String, why: String) {
        self.forget([name.as_str()]);
        self.damaged.insert(name, why);
    }

    /// Forgets every pack that was known `before` the listing was made and is not in it. Those
    /// finished since are in no listing yet.
    pub(super) fn follow<'a>(
        &mut self,
        before: &[String],
        listing: impl Iterator<Item = (&'a str, Timestamp)>,
    ) {
        let listing: HashMap<String, Timestamp> =
            listing.map(|(name, written)| (name.to_owned(), written)).collect();
        self.damaged.retain(|name, _| listing.contains_key(name));
        self.written = listing;
        let gone: Vec<&String> =
            before.iter().filter(|name| !self.written.contains_key(*name)).collect();
        self.forget(gone.into_iter().map(String::as_str));
    }

    /// Forgets these packs.
    pub(super) fn forget<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        let mut any = false;
        for name in names {
            any |= self.packs.remove(name).is_some();
            self.suspect.remove(name);
            self.spoilt.retain(|(pack, _)| pack != name);
        }
        if any {
            self.find_places();
        }
    }

    /// Remembers that a copy is damaged. Another one takes its place if there is one; if not, the
    /// chunk is missing, and the next take that has it writes it anew.
    pub(super) fn spoil(&mut self, place: &Place) {
        let hash = place.entry().hash;
        self.spoilt.insert((place.pack.name.clone(), hash));
        self.suspect.insert(place.pack.name.clone());
        if self.place(&hash).is_some_and(|known| known.is_in(&place.pack)) {
            self.places.remove(&hash, |spot| hash_at(&self.numbered, spot));
            let other = self
                .copies(&hash)
                .into_iter()
                .find(|copy| !self.spoilt.contains(&(copy.pack.name.clone(), hash)));
            if let Some(other) = other {
                self.settle(&other);
            }
        }
    }

    /// Trusts a copy again, which was read and found sound.
    pub(super) fn trust(&mut self, place: &Place) {
        let hash = place.entry().hash;
        self.spoilt.remove(&(place.pack.name.clone(), hash));
        self.settle(place);
    }

    /// Makes a place the chunk's, if it has none and the pack is still there.
    fn settle(&mut self, place: &Place) {
        if let Some(pack) = self.numbered.iter().position(|pack| place.is_in(pack)) {
            let spot = Spot::at(pack, place.number);
            self.places.add(&place.entry().hash, spot, |spot| hash_at(&self.numbered, spot));
        }
    }

    fn find_places(&mut self) {
        self.places.clear();
        self.numbered.clear();
        let packs: Vec<Arc<Pack>> = self.packs.values().cloned().collect();
        for pack in &packs {
            self.offer(pack);
        }
    }

    /// Gives the pack a number, and makes it the place of the chunks that have none.
    fn offer(&mut self, pack: &Arc<Pack>) {
        let at = self.numbered.len();
        self.numbered.push(Arc::clone(pack));
        let any_spoilt = !self.spoilt.is_empty();
        for (number, entry) in pack.entries.iter().enumerate() {
            if any_spoilt && self.spoilt.contains(&(pack.name.clone(), entry.hash)) {
                continue;
            }
            let hash_at = |spot| hash_at(&self.numbered, spot);
            self.places.add(&entry.hash, Spot::at(at, number), hash_at);
        }
    }
}

fn hash_at(packs: &[Arc<Pack>], spot: Spot) -> &ChunkHash {
    &packs[spot.pack as usize].entries[spot.chunk as usize].hash
}
