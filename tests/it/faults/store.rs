//! An object store that misbehaves at a chosen operation.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart,
};

/// What goes wrong. Operations are counted from 0, from the moment the fault is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The operation fails and has done nothing.
    Fails(usize),
    /// The operation is done, and its answer is lost on the way.
    AnswerLost(usize),
    /// From this operation on nothing can be written, as on a full disk; reading and deleting can.
    FullFrom(usize),
    /// From this operation on nothing happens any more: what is left is what a crash leaves.
    DeadFrom(usize),
    /// The operation gives other bytes than those that were written, if it reads.
    OtherBytes(usize),
}

/// What an operation is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It reads or lists.
    Read,
    /// It writes an object or a part of one.
    Write,
    /// It removes an object.
    Remove,
}

/// How one operation goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    Well,
    Refused(io::ErrorKind),
    AnswerLost,
    OtherBytes,
}

type Hook = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Faults {
    seen: usize,
    hits: usize,
    fault: Option<Fault>,
    before_write: Option<Hook>,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Faults>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Faults> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation and says how it goes.
    fn next(&self, access: Access) -> Course {
        let (course, hook) = {
            let mut faults = self.lock();
            let number = faults.seen;
            faults.seen += 1;
            let course = match faults.fault {
                Some(Fault::Fails(at)) if at == number => Course::Refused(io::ErrorKind::Other),
                Some(Fault::AnswerLost(at)) if at == number => Course::AnswerLost,
                Some(Fault::FullFrom(from)) if from <= number && access == Access::Write => {
                    Course::Refused(io::ErrorKind::StorageFull)
                }
                Some(Fault::DeadFrom(from)) if from <= number => {
                    Course::Refused(io::ErrorKind::NotConnected)
                }
                Some(Fault::OtherBytes(at)) if at == number && access == Access::Read => {
                    Course::OtherBytes
                }
                _ => Course::Well,
            };
            if course != Course::Well {
                faults.hits += 1;
            }
            let hook = if access == Access::Write { faults.before_write.take() } else { None };
            (course, hook)
        };
        if let Some(hook) = hook {
            hook();
        }
        course
    }
}

/// Runs one operation on its course.
macro_rules! run {
    ($shared:expr, $access:expr, $operation:expr) => {
        match $shared.next($access) {
            Course::Refused(kind) => Err(failure(kind)),
            Course::AnswerLost => match $operation.await {
                Ok(_) => Err(failure(io::ErrorKind::TimedOut)),
                Err(error) => Err(error),
            },
            Course::Well | Course::OtherBytes => $operation.await,
        }
    };
}

fn failure(kind: io::ErrorKind) -> object_store::Error {
    object_store::Error::Generic { store: "faulty", source: Box::new(io::Error::from(kind)) }
}

/// An object store over another one, with a fault.
#[derive(Clone)]
pub(crate) struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    shared: Shared,
}

impl FaultyStore {
    /// A store over `inner` in which nothing is wrong yet.
    pub(crate) fn over(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, shared: Shared::default() }
    }

    /// Sets the fault and begins to count.
    pub(crate) fn set(&self, fault: Fault) {
        let mut faults = self.shared.lock();
        (faults.fault, faults.seen, faults.hits) = (Some(fault), 0, 0);
    }

    /// Repairs the store, and says whether the fault struck.
    pub(crate) fn repair(&self) -> bool {
        let mut faults = self.shared.lock();
        faults.fault = None;
        faults.hits > 0
    }

    /// How many operations there were since the fault was set.
    pub(crate) fn seen(&self) -> usize {
        self.shared.lock().seen
    }

    /// Runs something, once, right before the next write.
    pub(crate) fn before_next_write(&self, hook: impl FnOnce() + Send + 'static) {
        self.shared.lock().before_write = Some(Box::new(hook));
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        run!(self.shared, Access::Write, self.inner.put_opts(location, payload, opts))
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let begun =
            run!(self.shared, Access::Write, self.inner.put_multipart_opts(location, opts))?;
        Ok(Box::new(FaultyUpload { inner: begun, shared: self.shared.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let course = self.shared.next(Access::Read);
        let found = match course {
            Course::Refused(kind) => return Err(failure(kind)),
            Course::AnswerLost => return Err(failure(io::ErrorKind::TimedOut)),
            Course::Well | Course::OtherBytes => self.inner.get_opts(location, options).await?,
        };
        if course != Course::OtherBytes {
            return Ok(found);
        }
        let (meta, range, attributes) =
            (found.meta.clone(), found.range.clone(), found.attributes.clone());
        let bytes = other(&found.bytes().await?);
        let payload = GetResultPayload::Stream(futures_util::stream::iter([Ok(bytes)]).boxed());
        Ok(GetResult {
            payload,
            meta,
            range,
            attributes,
            extensions: object_store::Extensions::new(),
        })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let course = self.shared.next(Access::Read);
        match course {
            Course::Refused(kind) => Err(failure(kind)),
            Course::AnswerLost => Err(failure(io::ErrorKind::TimedOut)),
            Course::Well => self.inner.get_ranges(location, ranges).await,
            Course::OtherBytes => {
                let parts = self.inner.get_ranges(location, ranges).await?;
                Ok(parts.iter().map(other).collect())
            }
        }
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let (inner, shared) = (Arc::clone(&self.inner), self.shared.clone());
        locations
            .then(move |location| {
                let (inner, shared) = (Arc::clone(&inner), shared.clone());
                async move {
                    let location = location?;
                    run!(shared, Access::Remove, inner.delete(&location))?;
                    Ok(location)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.shared.next(Access::Read) {
            Course::Well | Course::OtherBytes => self.inner.list(prefix),
            _ => futures_util::stream::iter([Err(failure(io::ErrorKind::Other))]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        run!(self.shared, Access::Read, self.inner.list_with_delimiter(prefix))
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        run!(self.shared, Access::Write, self.inner.copy_opts(from, to, options))
    }
}

/// One bit in the middle differs.
fn other(bytes: &Bytes) -> Bytes {
    let mut bytes = bytes.to_vec();
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 0x10;
    }
    bytes.into()
}

struct FaultyUpload {
    inner: Box<dyn MultipartUpload>,
    shared: Shared,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let course = self.shared.next(Access::Write);
        let part = match course {
            Course::Refused(_) => None,
            _ => Some(self.inner.put_part(data)),
        };
        Box::pin(async move {
            match (course, part) {
                (Course::Refused(kind), _) => Err(failure(kind)),
                (Course::AnswerLost, Some(part)) => {
                    part.await?;
                    Err(failure(io::ErrorKind::TimedOut))
                }
                (_, Some(part)) => part.await,
                (_, None) => Ok(()),
            }
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        run!(self.shared, Access::Write, self.inner.complete())
    }

    async fn abort(&mut self) -> Result<()> {
        run!(self.shared, Access::Remove, self.inner.abort())
    }
}

impl fmt::Debug for FaultyUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyUpload")
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyStore")
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty")
    }
}
