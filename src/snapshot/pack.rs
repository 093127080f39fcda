//! stub
use crate::error::Result;
use crate::store::Store;
use serde::{Deserialize, Serialize};
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ChunkHash([u8; 32]);
impl ChunkHash {
    pub(crate) fn of(b: &[u8]) -> Self {
        Self(*blake3::hash(b).as_bytes())
    }
}
impl std::fmt::Display for ChunkHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&blake3::Hash::from(self.0).to_hex())
    }
}
pub(crate) struct Chunk {
    hash: ChunkHash,
    bytes: Vec<u8>,
}
impl Chunk {
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        Self { hash: ChunkHash::of(&bytes), bytes }
    }
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    pub(crate) fn hash(&self) -> ChunkHash {
        self.hash
    }
}
#[derive(Clone)]
pub(crate) struct Packs;
impl Packs {
    pub(crate) fn open(_s: Store) -> Result<Self> {
        todo!()
    }
    pub(crate) fn refresh(&self) -> Result<()> {
        todo!()
    }
    pub(crate) fn contains(&self, _h: &ChunkHash) -> bool {
        todo!()
    }
    pub(crate) fn lengths(&self, _h: &ChunkHash) -> Option<(u32, u32)> {
        todo!()
    }
    pub(crate) fn read(&self, _h: &ChunkHash, _raw: u64) -> Result<Chunk> {
        todo!()
    }
    pub(crate) fn missing(&self, _h: impl Iterator<Item = ChunkHash>) -> Result<Vec<ChunkHash>> {
        todo!()
    }
    pub(crate) fn writer(&self) -> PackWriter {
        todo!()
    }
}
pub(crate) struct Written {
    pub(crate) packs: Vec<String>,
    pub(crate) bytes: u64,
    pub(crate) chunks: u64,
}
pub(crate) struct PackWriter;
impl PackWriter {
    pub(crate) fn put(&mut self, _h: ChunkHash, _b: Vec<u8>) -> Result<()> {
        todo!()
    }
    pub(crate) fn finish(self) -> Result<Written> {
        todo!()
    }
}
