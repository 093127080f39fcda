//! Writing chunks to packs: compressed on other threads, and on the caller's own while these have
//! enough to do.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, available_parallelism};

use crate::error::{Error, Result};
use crate::store::{Pending, Store, Upload, fresh_name};

use super::chunk::{Chunk, ChunkHash};
use super::format::{self, Entry, MAX_CHUNKS, Packer};
use super::index::{Index, Spot};
use super::queue::{self, Given, Receiver, Sender};
use super::state::Pack;
use super::{Packs, key_of};

/// A pack this large takes no more chunks, in bytes.
const PACK_BYTES: u64 = 64 << 20;

/// How many uncompressed bytes may wait for the other threads.
const QUEUE_BYTES: usize = 2 << 20;

/// The most threads that compress beside the caller's; the disk keeps up with no more.
const MOST_THREADS: usize = 4;

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
    sender: Sender<Chunk>,
    receiver: Receiver<Chunk>,
    /// The threads that were started; not before there is something to compress.
    threads: Vec<JoinHandle<Result<bool>>>,
    packer: Packer,
    output: Arc<Mutex<Output>>,
}

impl PackWriter {
    pub(super) fn start(packs: Packs, existing: Existing) -> Result<Self> {
        let (sender, receiver) = queue::bounded(QUEUE_BYTES);
        let output = Output::new(packs.store().clone());
        Ok(Self {
            packs,
            existing,
            sender,
            receiver,
            threads: Vec::new(),
            packer: Packer::new()?,
            output: Arc::new(Mutex::new(output)),
        })
    }

    /// Writes a chunk, unless it is there already. A failure of an earlier chunk is told here or by
    /// `finish`.
    pub(crate) fn put(&mut self, chunk: Chunk) -> Result<()> {
        if self.existing == Existing::Skip && self.packs.contains(&chunk.hash()) {
            return Ok(());
        }
        if self.threads.is_empty() {
            self.start_threads()?;
        }
        let bytes = chunk.bytes().len();
        match self.sender.give(chunk, bytes) {
            Given::Taken => Ok(()),
            Given::Full(chunk) => pack(&mut self.packer, &self.output, &chunk),
            Given::Closed => Err(self.join().err().unwrap_or_else(stopped)),
        }
    }

    fn start_threads(&mut self) -> Result<()> {
        let cores = available_parallelism().map_or(2, usize::from);
        for _ in 0..cores.saturating_sub(1).clamp(1, MOST_THREADS) {
            let (receiver, output) = (self.receiver.clone(), Arc::clone(&self.output));
            let mut packer = Packer::new()?;
            let work = move || receiver.each(|chunk| pack(&mut packer, &output, &chunk));
            let thread = thread::Builder::new().name("packs".to_owned()).spawn(work);
            self.threads.push(thread.map_err(|error| {
                Error::failed("a thread to write with could not be started")
                    .because(error)
                    .hint("look at the limits on threads of this process")
            })?);
        }
        Ok(())
    }

    /// Waits until all is written, durably. From then on it can be read.
    pub(crate) fn finish(mut self) -> Result<Written> {
        self.sender.close();
        self.join()?;
        let packs = lock(&self.output).finish()?;
        let mut written = Written::default();
        let mut state = self.packs.state_mut();
        for pack in packs {
            written.packs.push(pack.name.clone());
            written.bytes += pack.size;
            written.chunks += pack.entries.len() as u64;
            state.add(pack);
        }
        drop(state);
        Ok(written)
    }

    /// Waits for the threads, and tells the first failure.
    fn join(&mut self) -> Result<()> {
        let mut outcome = Ok(());
        for thread in self.threads.drain(..) {
            let joined = thread.join().unwrap_or_else(|_| Err(stopped()));
            outcome =
                outcome.and(joined.and_then(|wanted| wanted.then_some(()).ok_or_else(stopped)));
        }
        outcome
    }
}

impl Drop for PackWriter {
    fn drop(&mut self) {
        self.sender.abandon();
        // Once joined, nothing holds the open pack any more, and it is taken back.
        let _ = self.join();
    }
}

fn stopped() -> Error {
    Error::failed("writing chunks has stopped").hint("try again")
}

/// Compresses a chunk and writes it to the pack that is open.
fn pack(packer: &mut Packer, output: &Mutex<Output>, chunk: &Chunk) -> Result<()> {
    let (entry, frame) = packer.pack(chunk.hash(), chunk.bytes())?;
    lock(output).append(entry, &frame)
}

fn lock(output: &Mutex<Output>) -> std::sync::MutexGuard<'_, Output> {
    output.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The packs that are written.
struct Output {
    store: Store,
    /// The chunks of each pack.
    entries: Vec<Vec<Entry>>,
    /// Where each of them lies.
    index: Index,
    /// The last pack, if it takes more chunks.
    open: Option<OpenPack>,
    /// A store far away gets full packs while the next ones fill: rows never wait for the network.
    closed: Vec<(String, Pending)>,
    /// Whether a pack was lost: then nothing that follows makes up for it.
    failed: bool,
}

impl Output {
    fn new(store: Store) -> Self {
        let (entries, index) = (Vec::new(), Index::default());
        Self { store, entries, index, open: None, closed: Vec::new(), failed: false }
    }

    fn append(&mut self, entry: Entry, frame: &[u8]) -> Result<()> {
        if self.failed {
            // Whoever lost the pack tells why.
            return Ok(());
        }
        let hash = entry.hash;
        if self.index.find(&hash, |spot| hash_at(&self.entries, spot)).is_some() {
            // Two tables may share chunks. Few do: it is found out this late so that no other list
            // of all hashes is needed.
            return Ok(());
        }
        self.failed = true;
        let mut pack = match self.open.take() {
            Some(pack) => pack,
            None => OpenPack::create(&self.store)?,
        };
        let entry = pack.append(entry, frame)?;
        if pack.chunks == 1 {
            self.entries.push(Vec::new());
        }
        if let Some(entries) = self.entries.last_mut() {
            entries.push(entry);
        }
        let spot = Spot::at(self.entries.len() - 1, pack.chunks - 1);
        self.index.add(&hash, spot, |spot| hash_at(&self.entries, spot));
        if pack.is_full() {
            self.close(pack)?;
        } else {
            self.open = Some(pack);
        }
        self.failed = false;
        Ok(())
    }

    fn close(&mut self, mut pack: OpenPack) -> Result<()> {
        if let Some(entries) = self.entries.last_mut() {
            entries.shrink_to_fit();
            pack.upload.write(&format::closing(entries))?;
        }
        self.closed.push((pack.name, pack.upload.finish_later()?));
        Ok(())
    }

    /// Waits until all packs are durable.
    fn finish(&mut self) -> Result<Vec<Pack>> {
        if self.failed {
            return Err(stopped());
        }
        if let Some(pack) = self.open.take() {
            self.close(pack)?;
        }
        self.index = Index::default();
        let durable = |((name, pending), entries): ((String, Pending), Vec<Entry>)| {
            let size = pending.written();
            pending.wait().map(|_| Pack { name, size, entries })
        };
        self.closed.drain(..).zip(self.entries.drain(..)).map(durable).collect()
    }
}

fn hash_at(packs: &[Vec<Entry>], spot: Spot) -> &ChunkHash {
    &packs[spot.pack as usize][spot.chunk as usize].hash
}

/// A pack being written.
struct OpenPack {
    name: String,
    upload: Upload,
    chunks: usize,
}

impl OpenPack {
    fn create(store: &Store) -> Result<Self> {
        let name = fresh_name();
        let upload = store.upload(&key_of(&name))?;
        Ok(Self { name, upload, chunks: 0 })
    }

    /// Writes a frame, and gives its entry with its place.
    fn append(&mut self, mut entry: Entry, frame: &[u8]) -> Result<Entry> {
        entry.offset = self.upload.written();
        self.upload.write(frame)?;
        self.chunks += 1;
        Ok(entry)
    }

    fn is_full(&self) -> bool {
        self.upload.written() >= PACK_BYTES || self.chunks >= MAX_CHUNKS
    }
}
