//! An object store that can be held: calls on some of its objects wait until they are let go.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// How long a test waits for a call to be held before it says that none came.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a call does to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

#[derive(Default)]
struct State {
    held: Option<(Access, &'static str)>,
    waiting: usize,
}

/// A store in memory; see [`HeldStore::hold`].
#[derive(Clone, Default)]
pub(crate) struct HeldStore {
    objects: Arc<InMemory>,
    state: Arc<(Mutex<State>, Condvar)>,
}

/// Calls wait as long as this is there.
pub(crate) struct Hold<'s>(&'s HeldStore);

impl HeldStore {
    /// Holds every `access` to objects whose key starts with `prefix`.
    pub(crate) fn hold(&self, access: Access, prefix: &'static str) -> Hold<'_> {
        self.state().held = Some((access, prefix));
        Hold(self)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks the calling thread, which is one of the operation that asks and of nothing else.
    fn pass(&self, access: Access, key: &Path) {
        let concerns = |state: &State| {
            state
                .held
                .is_some_and(|(held, prefix)| held == access && key.as_ref().starts_with(prefix))
        };
        let mut state = self.state();
        if !concerns(&state) {
            return;
        }
        state.waiting += 1;
        self.state.1.notify_all();
        let mut state = self
            .state
            .1
            .wait_while(state, |state| concerns(state))
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
    }
}

impl Hold<'_> {
    /// Waits until a call is held.
    pub(crate) fn wait(&self) {
        let (held, waited) = self
            .0
            .state
            .1
            .wait_timeout_while(self.0.state(), PATIENCE, |state| state.waiting == 0)
            .unwrap_or_else(PoisonError::into_inner);
        drop(held);
        assert!(!waited.timed_out(), "no call came to be held");
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.state().held = None;
        self.0.state.1.notify_all();
    }
}

impl fmt::Display for HeldStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a store that can be held")
    }
}

impl fmt::Debug for HeldStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[async_trait::async_trait]
impl ObjectStore for HeldStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.pass(Access::Write, location);
        self.objects.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.pass(Access::Write, location);
        self.objects.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.pass(Access::Read, location);
        self.objects.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.pass(Access::Read, location);
        self.objects.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.objects.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.objects.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.objects.copy_opts(from, to, options).await
    }
}
