//! A store that does something else just when a pack is written to it or something is removed: what a
//! test needs to come between two steps of an operation.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::stream::{BoxStream, StreamExt as _};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

type Meddle = Box<dyn FnOnce() + Send>;

/// When it meddles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Pack,
    Removal,
}

/// An object store in memory that meddles once.
pub(crate) struct Meddling {
    objects: InMemory,
    meddle: Arc<Mutex<Option<(Moment, Meddle)>>>,
}

impl Meddling {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { objects: InMemory::new(), meddle: Arc::default() })
    }

    /// What to do when the next pack is written.
    pub(crate) fn at_the_next_pack(&self, meddle: impl FnOnce() + Send + 'static) {
        self.plan(Moment::Pack, Box::new(meddle));
    }

    /// What to do when the next object is removed.
    pub(crate) fn at_the_next_removal(&self, meddle: impl FnOnce() + Send + 'static) {
        self.plan(Moment::Removal, Box::new(meddle));
    }

    fn plan(&self, moment: Moment, meddle: Meddle) {
        *self.meddle.lock().unwrap_or_else(PoisonError::into_inner) = Some((moment, meddle));
    }

    /// Whether it still waits for its moment.
    pub(crate) fn waits(&self) -> bool {
        self.meddle.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn look(&self, location: &Path) {
        if location.as_ref().starts_with("packs/") {
            come(&self.meddle, Moment::Pack);
        }
    }
}

fn come(plan: &Mutex<Option<(Moment, Meddle)>>, now: Moment) {
    let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
    let planned = plan.take_if(|(moment, _)| *moment == now);
    drop(plan);
    if let Some((_, meddle)) = planned {
        meddle();
    }
}

impl fmt::Debug for Meddling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meddling")
    }
}

impl fmt::Display for Meddling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a store that meddles")
    }
}

#[async_trait]
impl ObjectStore for Meddling {
    async fn put_opts(&self, to: &Path, bytes: PutPayload, how: PutOptions) -> Result<PutResult> {
        self.look(to);
        self.objects.put_opts(to, bytes, how).await
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        how: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.look(to);
        self.objects.put_multipart_opts(to, how).await
    }

    async fn get_opts(&self, from: &Path, how: GetOptions) -> Result<GetResult> {
        self.objects.get_opts(from, how).await
    }

    fn delete_stream(
        &self,
        which: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let plan = Arc::clone(&self.meddle);
        let which = which.inspect(move |_| come(&plan, Moment::Removal));
        self.objects.delete_stream(which.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.objects.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> Result<()> {
        self.objects.copy_opts(from, to, how).await
    }
}
