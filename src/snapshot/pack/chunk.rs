//! A chunk: bytes that are known to be what their hash says.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};

/// The most that one chunk may hold, uncompressed, in bytes: a single row of the largest size that
/// `SQLite` is likely to be given. A frame that claims more is not unpacked.
pub(crate) const MAX_CHUNK_BYTES: u64 = 256 << 20;

/// The name of a chunk: the BLAKE3 of its uncompressed bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ChunkHash([u8; 32]);

impl ChunkHash {
    /// The hash of these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The hash that was written down as 32 bytes.
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash as 32 bytes.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ChunkHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for ChunkHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChunkHash({self})")
    }
}

impl FromStr for ChunkHash {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        blake3::Hash::from_hex(text).map(|hash| Self(*hash.as_bytes())).map_err(|_| {
            Error::damaged("this is no hash of a chunk")
                .on(text.escape_debug())
                .hint("a hash is 64 hexadecimal digits")
        })
    }
}

impl Serialize for ChunkHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ChunkHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Uncompressed bytes whose hash was computed or checked: there is no other way to make one.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    hash: ChunkHash,
    bytes: Vec<u8>,
}

impl Chunk {
    /// The chunk that these bytes are.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        Self { hash: ChunkHash::of(&bytes), bytes }
    }

    /// The chunk, if these bytes are the ones with that hash.
    pub(crate) fn verified(hash: ChunkHash, bytes: Vec<u8>) -> Option<Self> {
        (ChunkHash::of(&bytes) == hash).then_some(Self { hash, bytes })
    }

    /// The chunk's name.
    pub(crate) fn hash(&self) -> ChunkHash {
        self.hash
    }

    /// The chunk's bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the bytes: they are somebody's rows.
        f.debug_struct("Chunk").field("hash", &self.hash).field("bytes", &self.bytes.len()).finish()
    }
}
