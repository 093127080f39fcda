//! Writing an object piece by piece, in memory of a fixed size.
//!
//! To a directory the pieces go as they come. To a store far away they first go to a temporary
//! file: whoever gives them, perhaps in a transaction that keeps a database's log from shrinking,
//! never waits for the network. From there they go up in parts, several at a time.

use std::fs::File;
use std::io::{Seek, Write};
use std::sync::Arc;

use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt};
use tokio::task::JoinHandle;

use super::fail::Failure;
use super::runtime::{block_anywhere, block_on, spawn};
use super::send::{self, Stop};
use crate::error::{Error, Result};

/// Up to this size an object goes to a store far away at once; beyond, in parts of this size.
pub(super) const PART: usize = 8 << 20;

/// The same for a directory, where small parts cost little.
const PIECE: usize = 1 << 20;

/// An object being written. It is not there until [`finish`](Self::finish) has returned; dropping
/// it unfinished leaves nothing behind.
pub struct Upload {
    target: Target,
    pieces: Pieces,
    written: u64,
}

/// Where an upload goes.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) objects: Arc<dyn ObjectStore>,
    pub(super) path: Path,
    pub(super) failure: Failure,
}

enum Pieces {
    Parts { buffer: Vec<u8>, parts: Option<Box<dyn MultipartUpload>> },
    Spooled { file: File, lanes: send::Lanes },
}

/// An object that was written and may still be on its way into the store.
#[must_use = "the object is there once this was waited for"]
pub struct Pending {
    written: u64,
    under_way: Option<(JoinHandle<Result<()>>, Stop)>,
}

impl Upload {
    /// An upload whose pieces go straight on.
    pub(super) fn direct(target: Target) -> Self {
        let pieces = Pieces::Parts { buffer: Vec::new(), parts: None };
        Self { target, pieces, written: 0 }
    }

    /// An upload whose pieces are kept in a temporary file until it is finished.
    pub(super) fn spooled(target: Target, lanes: send::Lanes) -> Result<Self> {
        let file = tempfile::tempfile().map_err(|error| spool_failure(&error))?;
        Ok(Self { target, pieces: Pieces::Spooled { file, lanes }, written: 0 })
    }

    /// How many bytes were given so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Adds bytes. After an error the upload is of no use any more.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.written += bytes.len() as u64;
        match &mut self.pieces {
            Pieces::Spooled { file, .. } => {
                file.write_all(bytes).map_err(|error| spool_failure(&error))
            }
            Pieces::Parts { .. } => self.write_parts(bytes),
        }
    }

    /// Puts the object in its place, durably, and says how many bytes it has.
    pub fn finish(self) -> Result<u64> {
        self.finish_later()?.wait()
    }

    /// Says that nothing will be added. A store far away gets the object while the caller goes on.
    pub fn finish_later(mut self) -> Result<Pending> {
        let written = self.written;
        let direct = Pieces::Parts { buffer: Vec::new(), parts: None };
        match std::mem::replace(&mut self.pieces, direct) {
            Pieces::Spooled { mut file, lanes } => {
                file.rewind().map_err(|error| spool_failure(&error))?;
                let stop = Stop::default();
                let sent = send::send(self.target.clone(), file, written, lanes, stop.clone());
                Ok(Pending { written, under_way: Some((spawn(sent)?, stop)) })
            }
            Pieces::Parts { buffer, parts: None } => {
                block_on(self.target.objects.put(&self.target.path, buffer.into()))?
                    .map_err(|error| self.target.failure.of(&error))?;
                Ok(Pending { written, under_way: None })
            }
            pieces @ Pieces::Parts { .. } => {
                self.pieces = pieces;
                self.complete()?;
                Ok(Pending { written, under_way: None })
            }
        }
    }

    fn write_parts(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let Pieces::Parts { buffer, .. } = &mut self.pieces else { return Ok(()) };
            if buffer.len() == PIECE {
                self.send_part()?;
                continue;
            }
            let (now, later) = bytes.split_at(bytes.len().min(PIECE - buffer.len()));
            buffer.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    fn complete(&mut self) -> Result<()> {
        if matches!(&self.pieces, Pieces::Parts { buffer, .. } if !buffer.is_empty()) {
            self.send_part()?;
        }
        let Pieces::Parts { parts, .. } = &mut self.pieces else { return Ok(()) };
        if let Some(open) = parts {
            block_on(open.complete())?.map_err(|error| self.target.failure.of(&error))?;
        }
        *parts = None;
        Ok(())
    }

    fn send_part(&mut self) -> Result<()> {
        let Pieces::Parts { buffer, parts } = &mut self.pieces else { return Ok(()) };
        let part = std::mem::take(buffer);
        let Target { objects, path, failure } = &self.target;
        let sent = block_on(async {
            let parts = match parts {
                Some(parts) => parts,
                none => none.insert(objects.put_multipart(path).await?),
            };
            parts.put_part(part.into()).await
        })?;
        sent.map_err(|error| failure.of(&error))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Pieces::Parts { parts, .. } = &mut self.pieces
            && let Some(mut parts) = parts.take()
        {
            block_anywhere(async move {
                // What cannot be removed now is swept later.
                let _ = parts.abort().await;
            });
        }
    }
}

impl Pending {
    /// How many bytes the object has.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Waits until the object is in its place, durably, and says how many bytes it has.
    pub fn wait(mut self) -> Result<u64> {
        if let Some((task, _)) = self.under_way.take() {
            block_on(task)?
                .map_err(|error| Error::failed("an upload has stopped").because(error))??;
        }
        Ok(self.written)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some((_, stop)) = &self.under_way {
            stop.stop();
        }
    }
}

fn spool_failure(error: &std::io::Error) -> Error {
    let folder = std::env::temp_dir();
    Failure::new("what goes to the store cannot be kept meanwhile", &folder.display().to_string())
        .of_io(error)
}
