//! The hashes of all chunks of a snapshot, in a temporary file once they are many.

use std::io::{BufReader, BufWriter, IntoInnerError, Read, Seek, Write};

use tempfile::SpooledTempFile;

use super::kept;
use super::pack::ChunkHash;
use crate::error::Result;

/// Hashes beyond so many bytes go to the temporary file.
const IN_MEMORY: usize = 1 << 20;

/// Hashes that are gathered.
pub(crate) struct Gathering {
    file: BufWriter<SpooledTempFile>,
    count: u64,
}

/// Hashes that were gathered.
pub(crate) struct Hashes {
    file: SpooledTempFile,
    count: u64,
}

impl Gathering {
    pub(crate) fn new() -> Self {
        Self { file: BufWriter::new(SpooledTempFile::new(IN_MEMORY)), count: 0 }
    }

    pub(crate) fn add(&mut self, hash: ChunkHash) -> Result<()> {
        self.count += 1;
        self.file.write_all(hash.as_bytes()).map_err(kept::failed)
    }

    pub(crate) fn finish(self) -> Result<Hashes> {
        let file =
            self.file.into_inner().map_err(IntoInnerError::into_error).map_err(kept::failed)?;
        Ok(Hashes { file, count: self.count })
    }
}

impl Hashes {
    /// All of them, in the order in which they were added, as often as they were.
    pub(crate) fn read(&mut self) -> Result<impl Iterator<Item = Result<ChunkHash>>> {
        self.file.rewind().map_err(kept::failed)?;
        let mut file = BufReader::new(&mut self.file);
        Ok((0..self.count).map(move |_| {
            let mut bytes = [0; 32];
            file.read_exact(&mut bytes).map_err(kept::failed)?;
            Ok(ChunkHash::from_bytes(bytes))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_read_as_they_were_added_and_again() {
        let hash = |number: u32| ChunkHash::of(&number.to_le_bytes());
        // More than stay in memory.
        let all: Vec<ChunkHash> = (0..40_000).map(|number| hash(number % 39_999)).collect();
        let mut gathering = Gathering::new();
        all.iter().try_for_each(|hash| gathering.add(*hash)).expect("added");
        let mut hashes = gathering.finish().expect("gathered");
        for _ in 0..2 {
            let read: Vec<ChunkHash> =
                hashes.read().expect("begun").collect::<Result<_>>().expect("read");
            assert!(read == all);
        }
    }
}
