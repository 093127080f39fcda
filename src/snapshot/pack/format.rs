//! The bytes of a pack's index and footer, and of one chunk in it.

use std::cell::RefCell;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::store::{Meta, Store};

use super::chunk::{Chunk, ChunkHash, MAX_CHUNK_BYTES};

const MAGIC: &[u8; 8] = b"snappack";
const VERSION: u32 = 1;
const FOOTER_BYTES: usize = 88;
const ENTRY_BYTES: usize = 64;
const SEAL_BYTES: usize = 16;

/// Fast, and rows in JSON shrink well at any level: a negative one leaves out the entropy coding of
/// literals.
const ZSTD_LEVEL: i32 = -1;

/// The most chunks in one pack: what keeps an index at 16 MiB.
pub(super) const MAX_CHUNKS: usize = 1 << 18;

/// How much of a pack's end is read at first: most indexes and the footer, in one read.
const FIRST_READ: u64 = 64 << 10;

/// Where a chunk lies in its pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) hash: ChunkHash,
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) raw_length: u32,
    seal: [u8; SEAL_BYTES],
}

impl Entry {
    /// Where the chunk's frame ends.
    pub(super) fn end(&self) -> u64 {
        self.offset + u64::from(self.length)
    }

    /// What the chunk takes in a pack, its line in the index included.
    pub(super) fn cost(&self) -> u64 {
        u64::from(self.length) + ENTRY_BYTES as u64
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.hash.as_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.length.to_le_bytes());
        out.extend_from_slice(&self.raw_length.to_le_bytes());
        out.extend_from_slice(&self.seal);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        Some(Self {
            hash: ChunkHash::from_bytes(fields.take()?),
            offset: u64::from_le_bytes(fields.take()?),
            length: u32::from_le_bytes(fields.take()?),
            raw_length: u32::from_le_bytes(fields.take()?),
            seal: fields.take()?,
        })
    }
}

/// Reads fields of fixed size one behind the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }
}

/// Compresses chunks, one at a time.
pub(super) struct Packer {
    compressor: zstd::bulk::Compressor<'static>,
}

impl Packer {
    pub(super) fn new() -> Result<Self> {
        let compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL).map_err(cannot_compress)?;
        Ok(Self { compressor })
    }

    /// The frame of a chunk, and its entry in the index, which waits for its place.
    pub(super) fn pack(&mut self, hash: ChunkHash, raw: &[u8]) -> Result<(Entry, Vec<u8>)> {
        let too_large = || {
            Error::new(crate::ErrorKind::TooLarge, "a row is larger than a chunk may be")
                .on(format!("{} bytes", raw.len()))
                .hint(format!("rows of up to {} MiB can be kept", MAX_CHUNK_BYTES >> 20))
        };
        if raw.len() as u64 > MAX_CHUNK_BYTES {
            return Err(too_large());
        }
        let frame = self.compressor.compress(raw).map_err(cannot_compress)?;
        let entry = Entry {
            hash,
            offset: 0,
            length: u32::try_from(frame.len()).map_err(|_| too_large())?,
            raw_length: u32::try_from(raw.len()).map_err(|_| too_large())?,
            seal: seal(&frame),
        };
        Ok((entry, frame))
    }
}

fn cannot_compress(error: std::io::Error) -> Error {
    Error::failed("rows could not be compressed")
        .because(error)
        .hint("look at the memory of this machine, then try again")
}

fn seal(frame: &[u8]) -> [u8; SEAL_BYTES] {
    let hash = blake3::hash(frame);
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

thread_local! {
    /// Setting up a decompressor costs more than unpacking a chunk.
    static DECOMPRESSOR: RefCell<zstd::bulk::Decompressor<'static>> = RefCell::default();
}

/// The chunk in a frame, checked. Never more is unpacked than the entry says there is. An error
/// says what is wrong in a few words.
pub(super) fn unpack(entry: &Entry, frame: &[u8]) -> Result<Chunk, &'static str> {
    if seal(frame) != entry.seal {
        return Err("its bytes are not those that were written");
    }
    if u64::from(entry.raw_length) > MAX_CHUNK_BYTES {
        return Err("it claims to be larger than a chunk may be");
    }
    let mut raw = Vec::with_capacity(entry.raw_length as usize);
    // The room in the vector is the bound: zstd stops when there is more to come.
    DECOMPRESSOR
        .with_borrow_mut(|decompressor| decompressor.decompress_to_buffer(frame, &mut raw))
        .map_err(|_| "it cannot be decompressed to the length it should have")?;
    if raw.len() != entry.raw_length as usize {
        return Err("it has another length than it should");
    }
    Chunk::verified(entry.hash, raw).ok_or("its contents do not have the hash that names it")
}

/// The end of a pack: its index and its footer. The index begins where the last chunk ends.
pub(super) fn closing(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() * ENTRY_BYTES + FOOTER_BYTES);
    for entry in entries {
        entry.write(&mut out);
    }
    let index_hash = blake3::hash(&out);
    let index_offset = entries.last().map_or(0, Entry::end);
    let footer = out.len();
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    // At most MAX_CHUNKS, so nothing is lost.
    out.extend_from_slice(&u32::try_from(entries.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&index_offset.to_le_bytes());
    out.extend_from_slice(index_hash.as_bytes());
    let footer_hash = blake3::hash(&out[footer..]);
    out.extend_from_slice(footer_hash.as_bytes());
    out
}

struct Footer {
    chunks: usize,
    index_offset: u64,
    index_hash: [u8; 32],
}

impl Footer {
    fn read(bytes: &[u8]) -> Result<Self> {
        let damaged = || Error::damaged("its footer is damaged");
        let (body, hash) = bytes.split_last_chunk::<32>().ok_or_else(damaged)?;
        if blake3::hash(body).as_bytes() != hash {
            return Err(damaged());
        }
        let mut fields = Fields(body);
        let magic: [u8; 8] = fields.take().ok_or_else(damaged)?;
        let version = u32::from_le_bytes(fields.take().ok_or_else(damaged)?);
        if &magic != MAGIC {
            return Err(Error::damaged("it is no pack"));
        }
        if version != VERSION {
            return Err(Error::damaged(format!("it has version {version} of the format"))
                .hint("read this store with the version of Snapback that wrote it"));
        }
        let chunks = u32::from_le_bytes(fields.take().ok_or_else(damaged)?);
        Ok(Self {
            chunks: chunks as usize,
            index_offset: u64::from_le_bytes(fields.take().ok_or_else(damaged)?),
            index_hash: fields.take().ok_or_else(damaged)?,
        })
    }
}

impl Footer {
    fn index_bytes(&self) -> usize {
        self.chunks * ENTRY_BYTES
    }

    /// Whether a pack of this footer has the size that it is listed with.
    fn check_size(&self, meta: &Meta) -> Result<()> {
        let end = (self.index_bytes() + FOOTER_BYTES) as u64;
        if self.chunks > MAX_CHUNKS || self.index_offset.checked_add(end) != Some(meta.size) {
            return Err(Error::damaged("its length is not the one that its footer tells"));
        }
        Ok(())
    }
}

/// Reads and checks the index of a pack, out of the store's local cache where it is there.
pub(super) fn read_index(store: &Store, meta: &Meta) -> Result<Vec<Entry>> {
    if meta.link {
        return Err(Error::damaged("it is a link or a device, not a file"));
    }
    if meta.size < FOOTER_BYTES as u64 {
        return Err(Error::damaged(format!("it has {} bytes, too few for a pack", meta.size)));
    }
    let Some(cache) = store.cache() else {
        return entries_in(&read_end(store, meta)?, meta);
    };
    // A file of another size or time is another pack.
    let stem = meta.key.rsplit('/').next().unwrap_or(&meta.key);
    let name = format!("{stem}-{}-{}.index", meta.size, meta.modified.as_nanosecond());
    if let Some(kept) = cache.get(&name) {
        match kept_end(&name, &kept).and_then(|end| entries_in(end, meta).ok()) {
            Some(entries) => return Ok(entries),
            None => cache.remove(&name),
        }
    }
    let end = read_end(store, meta)?;
    let entries = entries_in(&end, meta)?;
    cache.put(&name, &[&end, name_hash(&name, &end).as_bytes().as_slice()].concat());
    Ok(entries)
}

/// The end of a pack as it was kept under this name. Its own checksums would hold under the name of
/// another pack too, and what is in no index is taken for gone.
fn kept_end<'k>(name: &str, kept: &'k [u8]) -> Option<&'k [u8]> {
    let (end, hash) = kept.split_last_chunk::<32>()?;
    (name_hash(name, end).as_bytes() == hash).then_some(end)
}

/// What ties the end of a pack to a name.
fn name_hash(name: &str, end: &[u8]) -> blake3::Hash {
    blake3::Hasher::new().update(name.as_bytes()).update(end).finalize()
}

/// The index and the footer of a pack as they are in the store.
fn read_end(store: &Store, meta: &Meta) -> Result<Bytes> {
    let tail = store
        .tail(&meta.key, FIRST_READ.min(meta.size))?
        .ok_or_else(|| Error::not_found("the pack has gone").on(&meta.key))?;
    let Some(footer_at) = tail.len().checked_sub(FOOTER_BYTES) else {
        return Err(Error::damaged("it is shorter than it was listed"));
    };
    let footer = Footer::read(&tail[footer_at..])?;
    footer.check_size(meta)?;
    if let Some(begin) = footer_at.checked_sub(footer.index_bytes()) {
        return Ok(tail.slice(begin..));
    }
    let range = footer.index_offset..meta.size;
    Ok(store.ranges(&meta.key, &[range])?.pop().unwrap_or_default())
}

/// Checks the end of a pack, and reads the entries in it.
fn entries_in(end: &[u8], meta: &Meta) -> Result<Vec<Entry>> {
    let Some(footer_at) = end.len().checked_sub(FOOTER_BYTES) else {
        return Err(Error::damaged("it is shorter than it was listed"));
    };
    let (index, footer) = end.split_at(footer_at);
    let footer = Footer::read(footer)?;
    footer.check_size(meta)?;
    if blake3::hash(index).as_bytes() != &footer.index_hash {
        return Err(Error::damaged("its index is damaged"));
    }
    // No larger than it has to be: there may be as many as there are chunks in the store.
    let mut entries = Vec::with_capacity(index.len() / ENTRY_BYTES);
    entries.extend(index.chunks_exact(ENTRY_BYTES).map_while(Entry::read));
    let mut end = 0;
    for entry in &entries {
        if entry.offset != end || u64::from(entry.raw_length) > MAX_CHUNK_BYTES {
            return Err(Error::damaged("its index contradicts itself"));
        }
        end = entry.end();
    }
    if end != footer.index_offset || entries.len() != footer.chunks {
        return Err(Error::damaged("its index contradicts itself"));
    }
    Ok(entries)
}
