//! Sending a temporary file to a store far away: in parts, several at a time.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use object_store::{MultipartUpload, ObjectStoreExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinSet, spawn_blocking};

use super::upload::{PART, Target};
use crate::error::{Error, Result};

/// How many parts are in memory and on their way at a time, of all uploads of a store: what bounds
/// their memory.
const AT_A_TIME: usize = 4;

/// The room for parts on their way. Cheap to clone; clones share it.
#[derive(Clone)]
pub(super) struct Lanes(Arc<Semaphore>);

/// The wish to end an upload early.
#[derive(Clone, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Default for Lanes {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_A_TIME)))
    }
}

impl Lanes {
    async fn enter(&self) -> Result<OwnedSemaphorePermit> {
        let entered = Arc::clone(&self.0).acquire_owned().await;
        entered.map_err(|error| Error::failed("an upload has stopped").because(error))
    }
}

impl Stop {
    pub(super) fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_wanted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Sends `length` bytes of a file. Either the object is in its place afterwards or nothing is.
pub(super) async fn send(
    target: Target,
    file: File,
    length: u64,
    lanes: Lanes,
    stop: Stop,
) -> Result<()> {
    if length <= PART as u64 {
        let _lane = lanes.enter().await?;
        if stop.is_wanted() {
            return Err(stopped());
        }
        let (bytes, _) = read(file, length).await?;
        let put = target.objects.put(&target.path, bytes.into()).await;
        return put.map(drop).map_err(|error| target.failure.of(&error));
    }
    let open = target.objects.put_multipart(&target.path).await;
    let mut parts = open.map_err(|error| target.failure.of(&error))?;
    let sent = send_parts(&target, parts.as_mut(), file, length, &lanes, &stop).await;
    if sent.is_err() {
        // Parts that nobody puts together are no object; some servers keep them until told.
        let _ = parts.abort().await;
    }
    sent
}

async fn send_parts(
    target: &Target,
    parts: &mut dyn MultipartUpload,
    mut file: File,
    mut length: u64,
    lanes: &Lanes,
    stop: &Stop,
) -> Result<()> {
    let mut under_way = JoinSet::new();
    while length > 0 {
        let lane = lanes.enter().await?;
        if stop.is_wanted() {
            return Err(stopped());
        }
        let (bytes, rest) = read(file, length.min(PART as u64)).await?;
        file = rest;
        length -= bytes.len() as u64;
        let part = parts.put_part(bytes.into());
        under_way.spawn(async move {
            let sent = part.await;
            drop(lane);
            sent
        });
        // What has failed already needs no further parts.
        while let Some(sent) = under_way.try_join_next() {
            check(target, sent)?;
        }
    }
    while let Some(sent) = under_way.join_next().await {
        check(target, sent)?;
    }
    let completed = parts.complete().await;
    completed.map(drop).map_err(|error| target.failure.of(&error))
}

type Sent = std::result::Result<object_store::Result<()>, tokio::task::JoinError>;

fn check(target: &Target, sent: Sent) -> Result<()> {
    match sent {
        Ok(sent) => sent.map_err(|error| target.failure.of(&error)),
        Err(error) => Err(Error::failed("an upload has stopped").because(error)),
    }
}

/// Reads the next bytes of a temporary file, and hands the file back.
async fn read(mut file: File, length: u64) -> Result<(Bytes, File)> {
    let failed = |error: std::io::Error| {
        Error::failed("what was kept for the store cannot be read back")
            .because(error)
            .on(std::env::temp_dir().display())
            .hint("look at the disk, then try again")
    };
    let read = spawn_blocking(move || {
        let mut bytes = Vec::new();
        (&mut file).take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == length {
            Ok((Bytes::from(bytes), file))
        } else {
            Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof))
        }
    });
    match read.await {
        Ok(read) => read.map_err(failed),
        Err(error) => Err(Error::failed("an upload has stopped").because(error)),
    }
}

fn stopped() -> Error {
    Error::failed("the upload is not wanted any more")
}
