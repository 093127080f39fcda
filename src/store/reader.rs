//! Reading an object from its beginning without holding it in memory.

use std::fs::File;
use std::io::{self, Read};

use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::{GetResult, GetResultPayload};

use super::runtime::block_on;

/// An object, opened for reading.
pub struct Reader {
    source: Source,
    size: u64,
}

enum Source {
    File(File),
    Stream { stream: BoxStream<'static, object_store::Result<Bytes>>, piece: Bytes },
}

impl Reader {
    pub(super) fn new(found: GetResult) -> Self {
        let size = found.meta.size;
        let source = match found.payload {
            GetResultPayload::File(file, _) => Source::File(file),
            GetResultPayload::Stream(stream) => Source::Stream { stream, piece: Bytes::new() },
        };
        Self { source, size }
    }

    /// The object's size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.source {
            Source::File(file) => file.read(buffer),
            Source::Stream { stream, piece } => {
                while piece.is_empty() && !buffer.is_empty() {
                    match block_on(stream.next()).map_err(io::Error::other)? {
                        Some(next) => *piece = next?,
                        None => return Ok(0),
                    }
                }
                let length = piece.len().min(buffer.len());
                piece.copy_to_slice(&mut buffer[..length]);
                Ok(length)
            }
        }
    }
}
