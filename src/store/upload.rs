//! Writing an object piece by piece, in memory of a fixed size.

use std::sync::Arc;

use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt};

use super::fail::Failure;
use super::runtime::{block_anywhere, block_on};
use crate::error::Result;

/// Up to this size an object is written at once; beyond, in parts of this size.
const PART: usize = 8 << 20;

/// An object being written. It is not there until [`finish`](Self::finish) has returned; dropping
/// it unfinished leaves nothing behind.
pub struct Upload {
    objects: Arc<dyn ObjectStore>,
    path: Path,
    failure: Failure,
    buffer: Vec<u8>,
    parts: Option<Box<dyn MultipartUpload>>,
    written: u64,
}

impl Upload {
    pub(super) fn new(objects: Arc<dyn ObjectStore>, path: Path, failure: Failure) -> Self {
        Self { objects, path, failure, buffer: Vec::new(), parts: None, written: 0 }
    }

    /// How many bytes were given so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Adds bytes. After an error the upload is of no use any more.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        self.written += bytes.len() as u64;
        while !bytes.is_empty() {
            if self.buffer.len() == PART {
                self.send_part()?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(PART - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Puts the object in its place, durably, and says how many bytes it has.
    pub fn finish(mut self) -> Result<u64> {
        if self.parts.is_none() {
            let whole = std::mem::take(&mut self.buffer);
            block_on(self.objects.put(&self.path, whole.into()))?
                .map_err(|error| self.failure.of(&error))?;
            return Ok(self.written);
        }
        if !self.buffer.is_empty() {
            self.send_part()?;
        }
        if let Some(parts) = &mut self.parts {
            block_on(parts.complete())?.map_err(|error| self.failure.of(&error))?;
        }
        self.parts = None;
        Ok(self.written)
    }

    fn send_part(&mut self) -> Result<()> {
        let part = std::mem::take(&mut self.buffer);
        let sent = block_on(async {
            let parts = match &mut self.parts {
                Some(parts) => parts,
                none => none.insert(self.objects.put_multipart(&self.path).await?),
            };
            parts.put_part(part.into()).await
        })?;
        sent.map_err(|error| self.failure.of(&error))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(mut parts) = self.parts.take() {
            block_anywhere(async move {
                // What cannot be removed now is swept later.
                let _ = parts.abort().await;
            });
        }
    }
}
