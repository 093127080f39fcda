//! The store: bytes under keys, in a directory or an object store.
//!
//! A key is a few checked names joined by `/`, such as `packs/5f….pack`. What is written here is
//! durable when the call returns: in a directory the file is written beside its place, synced,
//! renamed, and its folder synced. Nothing here knows what a snapshot is.
//!
//! Every call blocks its thread; none may be made from an async one.

mod cache;
mod claim;
mod create;
mod directory;
mod fail;
mod folders;
mod key;
mod lead;
mod lock;
mod name;
mod reader;
mod remote;
mod runtime;
mod send;
mod upload;
#[cfg_attr(not(target_os = "linux"), path = "store/unwatched.rs")]
mod watch;

#[cfg(test)]
mod tests;

pub(crate) use folders::{Folders, Listing, Objects};
pub(crate) use name::fresh_name;

pub(crate) use lead::Duty;
pub use lock::StoreLock;
pub use reader::Reader;
pub use upload::{Pending, Upload};

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use cache::Cache;
use directory::Directory;
use fail::{Failure, is_missing};
use runtime::block_on;

/// How many objects of a store far away are read at a time.
const READERS: usize = 16;

/// How old a change must be for its time to tell it from a later one.
const SETTLED: SignedDuration = SignedDuration::from_secs(3);

/// The folder that the store at this location is; `None` for an object store.
pub(crate) fn folder(location: &str) -> Option<&Path> {
    (!remote::is_address(location)).then(|| Path::new(location))
}

/// Where snapshots live. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    cache: Option<Arc<Cache>>,
}

struct Inner {
    objects: Arc<dyn ObjectStore>,
    /// Set when the objects are files of a directory, which needs more care than an object store.
    directory: Option<Directory>,
    /// Set for a store far away, that other machines use too.
    remote: Option<Remote>,
    location: String,
    gate: lock::Gate,
    leads: lead::Gates,
}

/// What a store far away needs beyond its objects.
struct Remote {
    claims: claim::Claims,
    /// How long a claim to the lead holds without being renewed.
    lead: Duration,
    lanes: send::Lanes,
    /// Whether the server keeps create-only writes; not known before it was tried.
    creates_only: OnceLock<bool>,
}

/// What a listing tells of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// The object's key. A file that Snapback did not write may have a name that is no sound key:
    /// it is listed, and every other call refuses it.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written.
    pub modified: Timestamp,
    /// Whether it is a symbolic link, a device or a pipe: listed, deletable, never read.
    pub link: bool,
    /// Tells objects of the same size and time apart, as far as the store can; 0 where it cannot.
    pub(crate) stamp: u64,
    /// When it was changed last in any way; `None` where the stamp alone tells every change.
    pub(crate) changed: Option<Timestamp>,
}

impl Meta {
    /// Whether what looks like this in a later listing is the same. Right after a change it need not
    /// be: another one may follow within the resolution of the store's times. `now` is not later than
    /// the listing.
    pub(crate) fn is_settled(&self, now: Timestamp) -> bool {
        self.changed.is_none_or(|changed| now.duration_since(changed) > SETTLED)
    }
}

impl Store {
    /// Opens the store at a directory path, making the directory when it is missing, or at the
    /// address of an object store: `s3://bucket/prefix`, with the `AWS_…` environment variables
    /// saying with which key, in which region, at which endpoint, and `SNAPBACK_STORE_PATIENCE` for
    /// how many seconds a request that fails in passing is tried again. `gs://` and `az://` addresses are
    /// there with the features `gcs` and `azure`.
    pub fn open(location: &str) -> Result<Self> {
        Self::open_with(location, &remote::environment())
    }

    /// Opens the store like [`open`](Self::open), with these settings in place of environment
    /// variables: names and values such as `("AWS_REGION", "eu-central-1")`.
    pub fn open_with(location: &str, settings: &[(String, String)]) -> Result<Self> {
        if location.is_empty() {
            return Err(Error::invalid("the store has no location").hint("name a directory"));
        }
        if remote::is_address(location) {
            let location = location.trim_end_matches('/');
            return Ok(Self::shared(
                remote::open(location, settings)?,
                location,
                claim::LEASE,
                lead::LEASE,
            ));
        }
        Self::directory(Path::new(location))
    }

    /// A store over objects that other machines use too, whose lock and whose lead have such leases.
    pub(crate) fn shared(
        objects: Arc<dyn ObjectStore>,
        location: &str,
        lock: Duration,
        lead: Duration,
    ) -> Self {
        let remote = Remote {
            claims: claim::Claims::new(Arc::clone(&objects), lock),
            lead,
            lanes: send::Lanes::default(),
            creates_only: OnceLock::new(),
        };
        let inner = Inner {
            objects,
            directory: None,
            remote: Some(remote),
            location: location.to_owned(),
            gate: lock::Gate::default(),
            leads: lead::Gates::default(),
        };
        Self { inner: Arc::new(inner), cache: None }
    }

    /// Opens the store in a directory, making it when only its last name is missing, and removes
    /// what interrupted writes left behind if that can be done without waiting.
    pub fn directory(path: &Path) -> Result<Self> {
        let location = path.display().to_string();
        let failure = Failure::new("the store could not be opened", &location);
        directory::make(path).map_err(|error| failure.of_io(&error))?;
        let objects = LocalFileSystem::new_with_prefix(path)
            .map_err(|error| failure.of(&error))?
            .with_fsync(true);
        let directory = Directory::new(path).map_err(|error| failure.of_io(&error))?;
        let store = Self::assemble(Arc::new(objects), Some(directory), location);
        store.sweep_if_free();
        Ok(store)
    }

    /// A store in this process's memory, gone with it.
    #[must_use]
    pub fn memory() -> Self {
        Self::assemble(Arc::new(InMemory::new()), None, "memory".to_owned())
    }

    /// A store far away, as it were, that keeps what is read from it in a local folder too.
    #[cfg(test)]
    pub(crate) fn memory_with_cache(folder: &Path) -> Self {
        Self::shared(Arc::new(InMemory::new()), "memory://bucket", claim::LEASE, lead::LEASE)
            .with_cache(folder, 1 << 30)
    }

    /// A store over any object store. Its lock excludes threads of this process only.
    #[must_use]
    pub fn over(objects: Arc<dyn ObjectStore>) -> Self {
        let location = objects.to_string();
        Self::assemble(objects, None, location)
    }

    fn assemble(
        objects: Arc<dyn ObjectStore>,
        directory: Option<Directory>,
        location: String,
    ) -> Self {
        let (gate, leads) = (lock::Gate::default(), lead::Gates::default());
        let inner = Inner { objects, directory, remote: None, location, gate, leads };
        Self { inner: Arc::new(inner), cache: None }
    }

    /// Keeps what is read from a store far away in a local folder too, up to so many bytes:
    /// manifests, where packs have which chunks, and the chunks themselves. The folder may be removed at any time. A
    /// store in a directory or in memory needs none.
    #[must_use]
    pub fn with_cache(mut self, folder: &Path, limit: u64) -> Self {
        if self.inner.remote.is_some() && limit > 0 {
            self.cache = Some(Arc::new(Cache::new(folder, limit)));
        }
        self
    }

    /// The local cache, if there is one.
    pub(crate) fn cache(&self) -> Option<&Cache> {
        self.cache.as_deref()
    }

    /// Reads what belongs to each item, in their order: several at a time where each takes a while
    /// to come. What a reading that panicked would have brought is left out.
    pub(crate) fn several_at_a_time<T: Sync, R: Send>(
        &self,
        items: &[T],
        read: impl Fn(&T) -> R + Sync,
    ) -> Vec<R> {
        let readers = if self.inner.remote.is_some() { READERS } else { 1 };
        let share = items.len().div_ceil(readers).max(1);
        if share >= items.len() {
            return items.iter().map(read).collect();
        }
        let read = &read;
        std::thread::scope(|scope| {
            let shares = items.chunks(share);
            let readers: Vec<_> = shares
                .map(|share| scope.spawn(move || share.iter().map(read).collect::<Vec<_>>()))
                .collect();
            readers.into_iter().filter_map(|reader| reader.join().ok()).flatten().collect()
        })
    }

    /// Where the store is, for messages.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.inner.location
    }

    /// The directory of the store; `None` for a store that is not one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.inner.directory.as_ref().map(Directory::root)
    }

    /// Writes an object, in place of the one that may be there.
    pub fn put(&self, key: &str, bytes: impl Into<Bytes>) -> Result<()> {
        let (path, failure) = self.prepare("could not be written", key)?;
        let written = block_on(self.inner.objects.put(&path, bytes.into().into()))?;
        written.map(drop).map_err(|error| failure.of(&error))
    }

    /// Reads a whole object; `None` when there is none. One of more than `cap` bytes is an error.
    pub fn get(&self, key: &str, cap: u64) -> Result<Option<Bytes>> {
        let (path, failure) = self.prepare("could not be read", key)?;
        let found = match block_on(self.inner.objects.get(&path))? {
            Ok(found) => found,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(failure.of(&error)),
        };
        let size = found.meta.size;
        if size > cap {
            return Err(Error::damaged(format!("{size} bytes are more than the {cap} allowed"))
                .on(self.full_name(key))
                .hint("look at the file: Snapback writes none of this size"));
        }
        block_on(found.bytes())?.map(Some).map_err(|error| failure.of(&error))
    }

    /// Reads the last `length` bytes of an object, fewer when it is shorter; `None` when there is
    /// none.
    pub fn tail(&self, key: &str, length: u64) -> Result<Option<Bytes>> {
        let (path, failure) = self.prepare("could not be read", key)?;
        let options = GetOptions { range: Some(GetRange::Suffix(length)), ..GetOptions::default() };
        let read = block_on(async {
            let found = self.inner.objects.get_opts(&path, options).await?;
            found.bytes().await
        })?;
        match read {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(failure.of(&error)),
        }
    }

    /// Reads ranges of one object, in the order asked for.
    ///
    /// An object that is not there is [`NotFound`](crate::ErrorKind::NotFound), one that ends
    /// before a range does is [`Damaged`](crate::ErrorKind::Damaged).
    pub fn ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let (path, failure) = self.prepare("could not be read", key)?;
        let too_short = || {
            Error::damaged("it is shorter than it was when it was written")
                .on(self.full_name(key))
                .hint("bring the file back from a copy of the store")
        };
        let parts = match block_on(self.inner.objects.get_ranges(&path, ranges))? {
            Ok(parts) => parts,
            Err(error) if is_missing(&error) => {
                return Err(Error::not_found("it is not there").on(self.full_name(key)));
            }
            Err(error) => {
                let end = ranges.iter().map(|range| range.end).max().unwrap_or(0);
                return Err(match block_on(self.inner.objects.head(&path))? {
                    Ok(meta) if meta.size < end => too_short(),
                    _ => failure.of(&error),
                });
            }
        };
        let whole = ranges.len() == parts.len()
            && ranges
                .iter()
                .zip(&parts)
                .all(|(range, part)| range.end.saturating_sub(range.start) == part.len() as u64);
        if whole { Ok(parts) } else { Err(too_short()) }
    }

    /// The objects right under `prefix`, in key order; what lies in folders below it is left out.
    pub fn list(&self, prefix: &str) -> Result<Vec<Meta>> {
        let (path, failure) = self.prepare_folder("could not be listed", prefix)?;
        let mut metas: Vec<Meta> = if let Some(directory) = &self.inner.directory {
            directory.list(prefix).map_err(|error| failure.of_io(&error))?
        } else {
            let listing = block_on(self.inner.objects.list_with_delimiter(Some(&path)))?
                .map_err(|error| failure.of(&error))?;
            listing.objects.iter().map(meta_of).collect()
        };
        metas.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(metas)
    }

    /// Whether the store can be read: an error says why not.
    pub(crate) fn answers(&self) -> Result<()> {
        if let Some(directory) = &self.inner.directory {
            let failure = Failure::new("the store does not answer", self.location());
            std::fs::read_dir(directory.root()).map_err(|error| failure.of_io(&error))?;
        }
        self.list("snapshots").map(drop)
    }

    /// Removes an object; false when there was none. A symbolic link goes, not what it points to.
    pub fn delete(&self, key: &str) -> Result<bool> {
        let what = "could not be deleted";
        let path = key::path(key)?;
        let failure = Failure::new(what, &self.full_name(key));
        if let Some(directory) = &self.inner.directory {
            directory.check_folders(key).map_err(|refusal| self.refuse(key, &refusal))?;
            return directory.remove(key).map_err(|error| failure.of_io(&error));
        }
        let gone = block_on(async {
            // Deleting what is not there succeeds on most object stores, hence the look before.
            self.inner.objects.head(&path).await?;
            self.inner.objects.delete(&path).await
        })?;
        match gone {
            Ok(()) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(failure.of(&error)),
        }
    }

    /// Opens an object for reading from its beginning, a piece in memory at a time.
    pub fn reader(&self, key: &str) -> Result<Reader> {
        let (path, failure) = self.prepare("could not be read", key)?;
        match block_on(self.inner.objects.get(&path))? {
            Ok(found) => Ok(Reader::new(found)),
            Err(error) if is_missing(&error) => {
                Err(Error::not_found("it is not there").on(self.full_name(key)))
            }
            Err(error) => Err(failure.of(&error)),
        }
    }

    /// Begins to write an object piece by piece. It takes its place when finished, whole or not
    /// at all; one that is there already is replaced.
    pub fn upload(&self, key: &str) -> Result<Upload> {
        let (path, failure) = self.prepare("could not be written", key)?;
        let target = upload::Target { objects: Arc::clone(&self.inner.objects), path, failure };
        match &self.inner.remote {
            Some(remote) => Upload::spooled(target, remote.lanes.clone()),
            None => Ok(Upload::direct(target)),
        }
    }

    /// Takes the store's lock, which one holder has at a time: across processes for a directory,
    /// across machines for the address of an object store, across threads always. Waits for `wait` at most, then answers
    /// [`Busy`](crate::ErrorKind::Busy). Dropping the lock releases it.
    pub fn lock(&self, wait: Duration) -> Result<StoreLock> {
        match (&self.inner.directory, &self.inner.remote) {
            (Some(directory), _) => lock::of_file(&directory.lock_file(), wait, self.location()),
            (_, Some(remote)) => self.inner.gate.enter_with(&remote.claims, wait, self.location()),
            _ => self.inner.gate.enter(wait, self.location()),
        }
    }

    /// Removes what interrupted writes left behind more than an hour ago, and says how many files
    /// that were. The caller holds the store's lock.
    pub fn sweep(&self) -> Result<u64> {
        let failure = Failure::new("leftovers could not be removed", self.location());
        match &self.inner.directory {
            Some(directory) => directory.sweep().map_err(|error| failure.of_io(&error)),
            None => Ok(0),
        }
    }

    /// A store that cannot be swept now, because it is in use or read-only, is a store still.
    fn sweep_if_free(&self) {
        let Some(directory) = &self.inner.directory else { return };
        if !directory.has_leftovers() {
            return;
        }
        let swept = self.lock(Duration::ZERO).and_then(|_lock| self.sweep());
        match swept {
            Ok(files) => tracing::info!(files, store = self.location(), "swept leftovers"),
            Err(error) => tracing::debug!(%error, "leftovers stay for now"),
        }
    }

    /// Checks a key, and that no link stands in its way.
    fn prepare(
        &self,
        what: &'static str,
        key: &str,
    ) -> Result<(object_store::path::Path, Failure)> {
        let path = key::path(key)?;
        if let Some(directory) = &self.inner.directory {
            directory.check(key).map_err(|refusal| self.refuse(key, &refusal))?;
        }
        Ok((path, Failure::new(what, &self.full_name(key))))
    }

    fn prepare_folder(
        &self,
        what: &'static str,
        prefix: &str,
    ) -> Result<(object_store::path::Path, Failure)> {
        let path = key::path(prefix)?;
        if let Some(directory) = &self.inner.directory {
            directory.check_folder(prefix).map_err(|refusal| self.refuse(prefix, &refusal))?;
        }
        Ok((path, Failure::new(what, &self.full_name(prefix))))
    }

    fn refuse(&self, key: &str, refusal: &directory::Refusal) -> Error {
        match refusal {
            directory::Refusal::Irregular(path) => {
                Error::damaged("a store holds files and folders, and this is a link or a device")
                    .on(path.display())
                    .hint("put the file itself in its place, or delete it")
            }
            directory::Refusal::Io(error) => {
                Failure::new("could not be looked at", &self.full_name(key)).of_io(error)
            }
        }
    }

    /// The key with the store's location: what a message names.
    fn full_name(&self, key: &str) -> String {
        match &self.inner.directory {
            Some(_) => PathBuf::from(self.location()).join(key).display().to_string(),
            None => format!("{}/{key}", self.location()),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.inner.location).finish()
    }
}

fn meta_of(meta: &ObjectMeta) -> Meta {
    let (key, size, modified) = (meta.location.to_string(), meta.size, time_of(meta));
    // A tag names the content.
    let stamp = meta.e_tag.as_ref().map_or(0, |tag| xxh3_64(tag.as_bytes()));
    let changed = meta.e_tag.is_none().then_some(modified);
    Meta { key, size, modified, link: false, stamp, changed }
}

/// When an object was written, by the store's own clock.
fn time_of(meta: &ObjectMeta) -> Timestamp {
    let written = meta.last_modified;
    let nanoseconds = i32::try_from(written.timestamp_subsec_nanos()).unwrap_or(0);
    Timestamp::new(written.timestamp(), nanoseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}
