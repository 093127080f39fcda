//! Giving back the room of chunks that no snapshot needs.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::error::{ErrorKind, Result};

use super::chunk::ChunkHash;
use super::state::{Pack, Place};
use super::write::{Existing, PackWriter, Written};
use super::{Packs, key_of};

/// Packs below this size, in bytes, are put together once there are many.
const SMALL_PACK_BYTES: u64 = 1 << 20;

/// How many small packs are many.
const MANY_SMALL_PACKS: usize = 16;

/// What collecting did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Collected {
    /// Packs that went.
    pub(crate) packs_removed: u64,
    /// Packs that took over what was alive in them; not counted ahead.
    pub(crate) packs_written: u64,
    /// By how many bytes the store got smaller.
    pub(crate) bytes_freed: u64,
}

/// A pack that goes, and what is to be kept of it.
struct Leaving {
    pack: Arc<Pack>,
    alive: Vec<Place>,
}

impl Leaving {
    fn alive_bytes(&self) -> u64 {
        self.alive.iter().map(|place| place.entry().cost()).sum()
    }
}

impl Packs {
    /// Removes packs with nothing alive in them, and moves what is alive out of packs that are
    /// mostly dead, or small and many. Packs younger than `grace` at the moment `now` are left
    /// alone: somebody may be about to need them. So are damaged packs and packs with a damaged
    /// chunk that is alive.
    ///
    /// The caller holds the store's lock, which `go_on` answers for before each pack that goes, and
    /// `live` is every chunk that any manifest needs.
    pub(crate) fn collect(
        &self,
        live: &HashSet<ChunkHash>,
        grace: Duration,
        now: Timestamp,
        dry_run: bool,
        go_on: &dyn Fn() -> Result<()>,
    ) -> Result<Collected> {
        self.refresh()?;
        let leaving = self.choose(live, grace, now);
        if dry_run {
            let size: u64 = leaving.iter().map(|leaving| leaving.pack.size).sum();
            let kept: u64 = leaving.iter().map(Leaving::alive_bytes).sum();
            return Ok(Collected {
                packs_removed: leaving.len() as u64,
                packs_written: 0,
                bytes_freed: size.saturating_sub(kept),
            });
        }
        // Read everything first: a pack whose chunks cannot all be moved stays as it is, and
        // nothing is copied out of it time and again.
        let mut sound = Vec::with_capacity(leaving.len());
        for leaving in leaving {
            if self.can_be_read(&leaving)? {
                sound.push(leaving);
            }
        }
        let written = self.move_out(&sound)?;
        let mut collected =
            Collected { packs_written: written.packs.len() as u64, ..Collected::default() };
        // Forgotten before they go: who looks for a chunk from now on finds its new place.
        self.state_mut().forget(sound.iter().map(|leaving| leaving.pack.name.as_str()));
        let mut freed = 0;
        for Leaving { pack, .. } in &sound {
            go_on()?;
            if self.store().delete(&key_of(&pack.name))? {
                collected.packs_removed += 1;
                freed += pack.size;
            }
        }
        collected.bytes_freed = freed.saturating_sub(written.bytes);
        Ok(collected)
    }

    /// Copies what is alive in these packs to new ones, durably.
    fn move_out(&self, leaving: &[Leaving]) -> Result<Written> {
        let mut writer = PackWriter::start(self.clone(), Existing::Copy)?;
        for place in leaving.iter().flat_map(|leaving| &leaving.alive) {
            let chunk = self.read_at(place, u64::from(place.entry().raw_length))?;
            writer.put(chunk)?;
        }
        writer.finish()
    }

    /// The packs that go.
    fn choose(&self, live: &HashSet<ChunkHash>, grace: Duration, now: Timestamp) -> Vec<Leaving> {
        let grace = SignedDuration::try_from(grace).unwrap_or(SignedDuration::MAX);
        let old: Vec<Arc<Pack>> = {
            let state = self.state();
            let is_old = |pack: &&Arc<Pack>| {
                state
                    .written(&pack.name)
                    .is_some_and(|written| now.duration_since(written) >= grace)
            };
            state.packs().filter(is_old).cloned().collect()
        };
        let mut leaving = Vec::new();
        let mut small = Vec::new();
        for pack in old {
            let alive = self.alive_in(&pack, live);
            let is_small = pack.size < SMALL_PACK_BYTES;
            let candidate = Leaving { pack, alive };
            if candidate.alive_bytes() * 2 < candidate.pack.size {
                leaving.push(candidate);
            } else if is_small {
                small.push(candidate);
            }
        }
        if small.len() >= MANY_SMALL_PACKS {
            leaving.append(&mut small);
        }
        leaving
    }

    /// The chunks of a pack that are alive, and for which this pack is needed.
    fn alive_in(&self, pack: &Arc<Pack>, live: &HashSet<ChunkHash>) -> Vec<Place> {
        let places: Vec<Place> =
            Place::all_in(pack).filter(|place| live.contains(&place.entry().hash)).collect();
        places.into_iter().filter(|place| !self.is_elsewhere(place)).collect()
    }

    /// Whether another copy of this chunk is the one that is read, and is sound.
    fn is_elsewhere(&self, place: &Place) -> bool {
        let other = self.state().place(&place.entry().hash);
        other.is_some_and(|other| {
            !other.is_in(&place.pack)
                && self.read_at(&other, u64::from(other.entry().raw_length)).is_ok()
        })
    }

    fn can_be_read(&self, leaving: &Leaving) -> Result<bool> {
        for place in &leaving.alive {
            match self.read_at(place, u64::from(place.entry().raw_length)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Damaged => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
