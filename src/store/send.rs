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

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use object_store::memory::InMemory;
    use object_store::path::Path;
    use object_store::{PutPayload, PutResult, UploadPart};
    use tokio::sync::Barrier;

    use super::super::fail::Failure;
    use super::*;

    /// Parts that get on only when as many are on their way as may be.
    #[derive(Clone, Debug)]
    struct Together {
        barrier: Arc<Barrier>,
        under_way: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
        sent: Arc<AtomicUsize>,
    }

    impl Together {
        fn new() -> Self {
            let count = || Arc::new(AtomicUsize::new(0));
            let barrier = Arc::new(Barrier::new(AT_A_TIME));
            Self { barrier, under_way: count(), most: count(), sent: count() }
        }
    }

    #[async_trait::async_trait]
    impl MultipartUpload for Together {
        fn put_part(&mut self, part: PutPayload) -> UploadPart {
            // Its bytes are in memory from here on.
            let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            let parts = self.clone();
            Box::pin(async move {
                parts.barrier.wait().await;
                parts.sent.fetch_add(part.content_length(), Ordering::SeqCst);
                parts.under_way.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            })
        }

        async fn complete(&mut self) -> object_store::Result<PutResult> {
            Ok(PutResult {
                e_tag: None,
                version: None,
                extensions: object_store::Extensions::default(),
            })
        }

        async fn abort(&mut self) -> object_store::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn parts_of_all_uploads_go_up_together_and_no_more_than_fit_in_memory() {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let parts = Together::new();
        let lanes = Lanes::default();
        // Two uploads of as many parts each as may be on their way in all.
        let length = (AT_A_TIME * PART) as u64;
        let uploads = [(); 2].map(|()| {
            let (mut parts, lanes) = (parts.clone(), lanes.clone());
            let mut file = tempfile::tempfile().expect("a file");
            file.set_len(length)
                .and_then(|()| file.rewind())
                .and_then(|()| file.flush())
                .expect("sized");
            runtime.spawn(async move {
                let target = Target {
                    objects: Arc::new(InMemory::new()),
                    path: Path::from("packs/a"),
                    failure: Failure::new("could not be written", "packs/a"),
                };
                send_parts(&target, &mut parts, file, length, &lanes, &Stop::default()).await
            })
        });
        runtime.block_on(async {
            for upload in uploads {
                let sent = tokio::time::timeout(Duration::from_mins(1), upload).await;
                sent.expect("parts go up together").expect("no panic").expect("sent");
            }
        });
        assert_eq!(parts.most.load(Ordering::SeqCst), AT_A_TIME);
        assert_eq!(parts.sent.load(Ordering::SeqCst) as u64, 2 * length);
    }
}
