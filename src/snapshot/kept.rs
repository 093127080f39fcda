//! Chunks of a reading that are wanted again: those of rows in memory, up to a bound, and those that
//! describe them in a temporary file, once they are many.

use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom, Write};

use tempfile::SpooledTempFile;

use super::pack::{Chunk, ChunkHash};
use crate::error::{Error, Result};

/// Index chunks beyond so many bytes go to the temporary file.
const IN_MEMORY: usize = 512 << 10;

/// Chunks that were read and can be had again.
pub(crate) struct Kept {
    rows: HashMap<ChunkHash, Chunk>,
    /// How many more bytes of rows may be kept; `None` where nothing is.
    room: Option<usize>,
    index: SpooledTempFile,
    /// Where each index chunk lies, and its length.
    places: HashMap<ChunkHash, (u64, usize)>,
    written: u64,
}

impl Kept {
    /// Keeps up to `room` bytes of rows, and all index chunks; with `None`, nothing.
    pub(crate) fn new(room: Option<usize>) -> Self {
        let index = SpooledTempFile::new(IN_MEMORY);
        Self { rows: HashMap::new(), room, index, places: HashMap::new(), written: 0 }
    }

    /// Keeps a chunk of this height, if it is to be kept.
    pub(crate) fn keep(&mut self, chunk: &Chunk, height: u8) -> Result<()> {
        let Some(room) = &mut self.room else { return Ok(()) };
        let length = chunk.bytes().len();
        if height == 0 {
            if let Some(left) = room.checked_sub(length) {
                *room = left;
                self.rows.insert(chunk.hash(), chunk.clone());
            }
            return Ok(());
        }
        if self.places.contains_key(&chunk.hash()) {
            return Ok(());
        }
        let write = |index: &mut SpooledTempFile| {
            index.seek(SeekFrom::Start(self.written))?;
            index.write_all(chunk.bytes())
        };
        write(&mut self.index).map_err(failed)?;
        self.places.insert(chunk.hash(), (self.written, length));
        self.written += length as u64;
        Ok(())
    }

    /// A chunk of rows, which is not kept any longer. `None` where it was not kept.
    pub(crate) fn take_rows(&mut self, hash: &ChunkHash) -> Option<Chunk> {
        self.rows.remove(hash)
    }

    /// An index chunk. `None` where it was not kept.
    pub(crate) fn index(&mut self, hash: &ChunkHash) -> Result<Option<Chunk>> {
        let Some(&(offset, length)) = self.places.get(hash) else { return Ok(None) };
        let mut bytes = vec![0; length];
        let mut read = |index: &mut SpooledTempFile| {
            index.seek(SeekFrom::Start(offset))?;
            index.read_exact(&mut bytes)
        };
        read(&mut self.index).map_err(failed)?;
        let damaged = || failed(io::ErrorKind::InvalidData.into());
        Chunk::verified(*hash, bytes).map(Some).ok_or_else(damaged)
    }
}

/// The error of a temporary file.
pub(super) fn failed(error: io::Error) -> Error {
    Error::failed("what is needed again cannot be kept in a temporary file")
        .because(error)
        .on(std::env::temp_dir().display())
        .hint("look at the room on that disk, then try again")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(number: u32) -> Chunk {
        Chunk::of(number.to_le_bytes().repeat(10_000))
    }

    #[test]
    fn every_index_chunk_is_had_again_and_rows_within_the_room_once() {
        let mut kept = Kept::new(Some(100_000));
        // Far more than stays in memory, and some twice.
        for number in (0..100).chain(50..60) {
            kept.keep(&chunk(number), 1).expect("kept");
            kept.keep(&chunk(number + 1000), 0).expect("kept");
        }
        for number in (0..100).rev() {
            let hash = chunk(number).hash();
            assert_eq!(kept.index(&hash).expect("read"), Some(chunk(number)));
        }
        assert_eq!(kept.index(&chunk(1000).hash()).expect("read"), None);
        let rows: Vec<u32> =
            (0..100).filter(|n| kept.take_rows(&chunk(n + 1000).hash()).is_some()).collect();
        assert_eq!(rows, [0, 1]);
        assert_eq!(kept.take_rows(&chunk(1000).hash()), None);
    }

    #[test]
    fn nothing_is_kept_where_nothing_is_wanted() {
        let mut kept = Kept::new(None);
        for height in [0, 1] {
            kept.keep(&chunk(1), height).expect("kept");
        }
        assert_eq!(kept.index(&chunk(1).hash()).expect("read"), None);
        assert_eq!(kept.take_rows(&chunk(1).hash()), None);
    }
}
