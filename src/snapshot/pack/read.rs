//! Reading chunks out of packs, each checked.

use std::ops::Range;

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};
use crate::snapshot::parallel;

use super::chunk::{Chunk, ChunkHash};
use super::state::Place;
use super::{Packs, format, key_of};

/// The most that is read from a pack at once, in bytes, unless a single chunk is larger.
const READ_BYTES: u64 = 4 << 20;

/// Chunks that lie this close together are read together: reading the gap is cheaper than asking
/// twice.
const GAP_BYTES: u64 = 16 << 10;

const HINT: &str = "verify the snapshots, and bring the store back from a copy where they need it";

impl Packs {
    /// Reads a chunk that whoever names it says is `raw_length` bytes long.
    pub(crate) fn read(&self, hash: &ChunkHash, raw_length: u64) -> Result<Chunk> {
        if let Some(place) = self.known_place(hash) {
            if let Some(chunk) = self.cached(&place, raw_length) {
                return Ok(chunk);
            }
            match self.read_at(&place, raw_length) {
                Ok(chunk) => return Ok(chunk),
                Err(error) if error.kind() == ErrorKind::NotFound => self.forget(&place),
                Err(error) if error.kind() == ErrorKind::Damaged => {}
                Err(error) => return Err(error),
            }
        }
        self.search(hash, raw_length)
    }

    /// Reads chunks, in the order asked for, those that lie together in one go. The caller asks
    /// for no more than it has memory for.
    pub(crate) fn read_many(&self, wanted: &[(ChunkHash, u64)]) -> Result<Vec<Chunk>> {
        let mut places: Vec<(usize, Place)> = {
            let state = self.state();
            let place = |(number, (hash, _)): (usize, &(ChunkHash, u64))| {
                state.place(hash).map(|place| (number, place))
            };
            wanted.iter().enumerate().filter_map(place).collect()
        };
        let mut chunks: Vec<Option<Chunk>> = wanted.iter().map(|_| None).collect();
        places.retain(|(number, place)| {
            chunks[*number] = self.cached(place, wanted[*number].1);
            chunks[*number].is_none()
        });
        places.sort_by(|(_, a), (_, b)| {
            (&a.pack.name, a.entry().offset).cmp(&(&b.pack.name, b.entry().offset))
        });
        let mut frames = Vec::with_capacity(places.len());
        for in_pack in places.chunk_by(|(_, a), (_, b)| a.is_in(&b.pack)) {
            let runs = runs(in_pack);
            let ranges: Vec<Range<u64>> = runs.iter().map(|run| run.range.clone()).collect();
            // What goes wrong here is tried again below, chunk by chunk, which tells what it is.
            let Ok(parts) = self.store().ranges(&key_of(&in_pack[0].1.pack.name), &ranges) else {
                continue;
            };
            let mut rest = in_pack;
            for (run, bytes) in runs.iter().zip(&parts) {
                let (now, later) = rest.split_at(run.count);
                rest = later;
                for (number, place) in now {
                    if let Some(frame) = frame_in(bytes, run.range.start, place) {
                        frames.push((*number, place, frame));
                    }
                }
            }
        }
        for (chunk, (number, place, frame)) in unpack_all(&frames).into_iter().zip(&frames) {
            let raw_length = wanted[*number].1;
            chunks[*number] = chunk.filter(|chunk| chunk.bytes().len() as u64 == raw_length);
            if chunks[*number].is_some() {
                self.keep(place, frame);
            }
        }
        chunks
            .into_iter()
            .zip(wanted)
            .map(|(chunk, (hash, raw_length))| match chunk {
                Some(chunk) => Ok(chunk),
                None => self.read(hash, *raw_length),
            })
            .collect()
    }

    fn known_place(&self, hash: &ChunkHash) -> Option<Place> {
        self.state().place(hash)
    }

    /// A chunk out of the store's local cache, checked as if it came from the store.
    fn cached(&self, place: &Place, raw_length: u64) -> Option<Chunk> {
        let cache = self.store().cache().filter(|_| self.cached)?;
        let name = cached_as(place);
        let frame = cache.get(&name)?;
        let chunk = format::unpack(place.entry(), &frame).ok();
        if chunk.is_none() {
            cache.remove(&name);
        }
        chunk.filter(|chunk| chunk.bytes().len() as u64 == raw_length)
    }

    /// Keeps the frame of a sound chunk in the store's local cache, where there is one.
    fn keep(&self, place: &Place, frame: &[u8]) {
        if let Some(cache) = self.store().cache().filter(|_| self.cached) {
            cache.put(&cached_as(place), frame);
        }
    }

    fn forget(&self, place: &Place) {
        self.state_mut().forget([place.pack.name.as_str()]);
    }

    /// Looks for a chunk in every pack that there is now, once the first look has failed.
    fn search(&self, hash: &ChunkHash, raw_length: u64) -> Result<Chunk> {
        self.refresh()?;
        let copies = self.state().copies(hash);
        let mut damage = None;
        for place in copies {
            match self.read_at(&place, raw_length) {
                Ok(chunk) => {
                    self.state_mut().trust(&place);
                    return Ok(chunk);
                }
                Err(error) if error.kind() == ErrorKind::Damaged => {
                    damage.get_or_insert(error);
                }
                Err(error) if error.kind() == ErrorKind::NotFound => self.forget(&place),
                Err(error) => return Err(error),
            }
        }
        Err(damage.unwrap_or_else(|| {
            Error::damaged(format!("chunk {hash} is missing"))
                .on(self.store().location())
                .hint(HINT)
        }))
    }

    /// Reads one copy of a chunk.
    pub(super) fn read_at(&self, place: &Place, raw_length: u64) -> Result<Chunk> {
        let entry = place.entry();
        let key = key_of(&place.pack.name);
        let damaged = |why: &str| {
            Error::damaged(format!("chunk {} is damaged: {why}", entry.hash)).on(&key).hint(HINT)
        };
        if u64::from(entry.raw_length) != raw_length {
            // The copy may be sound and its manifest wrong, so it is not given up.
            return Err(damaged("it has another length than the snapshot says"));
        }
        let range = entry.offset..entry.end();
        let outcome = match self.store().ranges(&key, std::slice::from_ref(&range)) {
            Ok(parts) => match parts.first() {
                Some(frame) => {
                    let chunk = format::unpack(entry, frame).map_err(damaged);
                    if chunk.is_ok() {
                        self.keep(place, frame);
                    }
                    chunk
                }
                None => Err(damaged("nothing could be read")),
            },
            Err(error) if error.kind() == ErrorKind::Damaged => Err(damaged(&error.what())),
            Err(error) => return Err(error),
        };
        if outcome.is_err() {
            self.state_mut().spoil(place);
        }
        outcome
    }
}

/// Frames that are worth a thread of their own.
const SHARE: usize = 16;

/// The chunks in frames; `None` for one that is not sound. One that a thread did not unpack is read
/// again by itself.
fn unpack_all(frames: &[(usize, &Place, Bytes)]) -> Vec<Option<Chunk>> {
    let unpack =
        |(_, place, frame): &(usize, &Place, Bytes)| format::unpack(place.entry(), frame).ok();
    parallel::map(frames, SHARE, unpack).into_iter().map(Option::flatten).collect()
}

/// The name of a chunk in the cache. Frames of one chunk may differ from pack to pack, in length
/// too.
fn cached_as(place: &Place) -> String {
    format!("{}-{}.chunk", place.entry().hash, place.entry().length)
}

/// Chunks that are read in one go.
struct Run {
    count: usize,
    range: Range<u64>,
}

/// Places of one pack, in order of their offsets, as runs.
fn runs(places: &[(usize, Place)]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (_, place) in places {
        let entry = place.entry();
        match runs.last_mut() {
            Some(run)
                if entry.offset <= run.range.end.saturating_add(GAP_BYTES)
                    && run.range.end.max(entry.end()) - run.range.start <= READ_BYTES =>
            {
                run.range.end = run.range.end.max(entry.end());
                run.count += 1;
            }
            _ => runs.push(Run { count: 1, range: entry.offset..entry.end() }),
        }
    }
    runs
}

fn frame_in(bytes: &Bytes, begin: u64, place: &Place) -> Option<Bytes> {
    let from = usize::try_from(place.entry().offset.checked_sub(begin)?).ok()?;
    let to = from.checked_add(place.entry().length as usize)?;
    (to <= bytes.len()).then(|| bytes.slice(from..to))
}
