//! Writing chunks to packs: hashing on the caller's thread, compressing and storing on another.

use std::collections::HashSet;
use std::thread::{self, JoinHandle};

use crate::error::{Error, Result};
use crate::store::{Pending, Store, Upload, fresh_name};

use super::chunk::ChunkHash;
use super::format::{self, Entry, MAX_CHUNKS, Packer};
use super::queue::{self, Receiver, Sender};
use super::state::Pack;
use super::{Packs, key_of};

/// A pack this large takes no more chunks, in bytes.
const PACK_BYTES: u64 = 64 << 20;

/// How many uncompressed bytes may wait for the other thread.
const QUEUE_BYTES: usize = 8 << 20;

/// What a writer does with a chunk that some pack has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    /// Not write it again.
    Skip,
    /// Write it again: its pack is about to go.
    Copy,
}

/// What a writer has written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// The names of the new packs.
    pub(crate) packs: Vec<String>,
    /// What the new packs take in the store, in bytes.
    pub(crate) bytes: u64,
    /// How many chunks are in them.
    pub(crate) chunks: u64,
}

/// Writes chunks that no pack has yet. Nothing of it can be read before
/// [`finish`](Self::finish) has returned. Dropped unfinished, it takes its open pack back; packs
/// that were full before are left for pruning.
pub(crate) struct PackWriter {
    packs: Packs,
    existing: Existing,
    given: HashSet<ChunkHash>,
    sender: Sender<(ChunkHash, Vec<u8>)>,
    thread: Option<JoinHandle<Result<Vec<Pack>>>>,
}

impl PackWriter {
    pub(super) fn start(packs: Packs, existing: Existing) -> Result<Self> {
        let (sender, receiver) = queue::bounded(QUEUE_BYTES);
        let store = packs.store().clone();
        let thread = thread::Builder::new()
            .name("packs".to_owned())
            .spawn(move || write_all(&store, &receiver))
            .map_err(|error| {
                Error::failed("a thread to write with could not be started")
                    .because(error)
                    .hint("look at the limits on threads of this process")
            })?;
        Ok(Self { packs, existing, given: HashSet::new(), sender, thread: Some(thread) })
    }

    /// Writes a chunk, whose hash is the one given, unless it is there already. Waits while too
    /// much is under way. A failure of an earlier chunk is told here or by `finish`.
    pub(crate) fn put(&mut self, hash: ChunkHash, raw: Vec<u8>) -> Result<()> {
        if self.existing == Existing::Skip && self.packs.contains(&hash) {
            return Ok(());
        }
        if !self.given.insert(hash) {
            return Ok(());
        }
        let bytes = raw.len();
        if self.sender.send((hash, raw), bytes) {
            return Ok(());
        }
        Err(self.join().err().unwrap_or_else(stopped))
    }

    /// Waits until all is written, durably. From then on it can be read.
    pub(crate) fn finish(mut self) -> Result<Written> {
        self.sender.close();
        let packs = self.join()?;
        let mut written = Written::default();
        let mut state = self.packs.state_mut();
        for pack in packs {
            written.packs.push(pack.name.clone());
            written.bytes += pack.size;
            written.chunks += pack.entries.len() as u64;
            state.add(pack);
        }
        Ok(written)
    }

    fn join(&mut self) -> Result<Vec<Pack>> {
        let thread = self.thread.take().ok_or_else(stopped)?;
        thread.join().map_err(|_| stopped())?
    }
}

impl Drop for PackWriter {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.sender.abandon();
            // Once joined, the open pack has been taken back.
            let _ = self.join();
        }
    }
}

fn stopped() -> Error {
    Error::failed("writing chunks has stopped").hint("try again")
}

/// The other thread: writes what comes until no more comes.
fn write_all(store: &Store, receiver: &Receiver<(ChunkHash, Vec<u8>)>) -> Result<Vec<Pack>> {
    let mut packer = Packer::new()?;
    // A store far away gets full packs while the next ones fill: rows never wait for the network.
    let mut closed: Vec<(Pack, Pending)> = Vec::new();
    let mut open: Option<OpenPack> = None;
    let wanted = receiver.each(|(hash, raw)| {
        let mut pack = match open.take() {
            Some(pack) => pack,
            None => OpenPack::create(store)?,
        };
        pack.append(&mut packer, hash, &raw)?;
        if pack.is_full() {
            closed.push(pack.close()?);
        } else {
            open = Some(pack);
        }
        Ok::<_, Error>(())
    })?;
    if wanted && let Some(pack) = open {
        closed.push(pack.close()?);
    }
    let durable = |(pack, pending): (Pack, Pending)| pending.wait().map(|_| pack);
    closed.into_iter().map(durable).collect()
}

/// A pack being written.
struct OpenPack {
    name: String,
    upload: Upload,
    entries: Vec<Entry>,
}

impl OpenPack {
    fn create(store: &Store) -> Result<Self> {
        let name = fresh_name();
        let upload = store.upload(&key_of(&name))?;
        Ok(Self { name, upload, entries: Vec::new() })
    }

    fn append(&mut self, packer: &mut Packer, hash: ChunkHash, raw: &[u8]) -> Result<()> {
        let (entry, frame) = packer.pack(hash, raw, self.upload.written())?;
        self.upload.write(&frame)?;
        self.entries.push(entry);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.upload.written() >= PACK_BYTES || self.entries.len() >= MAX_CHUNKS
    }

    fn close(mut self) -> Result<(Pack, Pending)> {
        self.upload.write(&format::closing(&self.entries))?;
        let pending = self.upload.finish_later()?;
        let pack = Pack { name: self.name, size: pending.written(), entries: self.entries };
        Ok((pack, pending))
    }
}
