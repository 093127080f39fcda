//! Writing what must not be there yet, whether or not the server helps with it.

use bytes::Bytes;
use object_store::{Error as Failed, ObjectStoreExt, PutMode};

use super::fail::{Failure, is_missing};
use super::name::fresh_name;
use super::runtime::block_on;
use super::{Store, key};
use crate::error::Result;

/// Larger objects are not read back to see whose they are.
const COMPARED: u64 = 16 << 20;

impl Store {
    /// Writes a new object. False when one is there already, which stays as it is.
    ///
    /// Of several writers at the same time one wins, except in an object store that does not keep
    /// create-only writes: see [`keeps_create_only`](Self::keeps_create_only).
    pub fn put_new(&self, key: &str, bytes: impl Into<Bytes>) -> Result<bool> {
        let (path, failure) = self.prepare("could not be written", key)?;
        let bytes = bytes.into();
        if !self.keeps_create_only()? {
            return self.put_if_missing(&path, bytes, &failure);
        }
        let create = PutMode::Create.into();
        match block_on(self.inner.objects.put_opts(&path, bytes.clone().into(), create))? {
            Ok(_) => Ok(true),
            Err(Failed::AlreadyExists { .. } | Failed::Precondition { .. }) => {
                // A write that got through, and whose answer did not, meets itself when repeated.
                Ok(self.inner.remote.is_some() && self.get(key, COMPARED)? == Some(bytes))
            }
            Err(error) => Err(failure.of(&error)),
        }
    }

    /// Whether, of several writers of one new object, exactly one is told that it won. Some object
    /// stores let all of them win; that is tried out once.
    pub fn keeps_create_only(&self) -> Result<bool> {
        let Some(remote) = &self.inner.remote else { return Ok(true) };
        if let Some(kept) = remote.creates_only.get() {
            return Ok(*kept);
        }
        let kept = self.try_create_only()?;
        if !kept {
            tracing::info!(
                store = self.location(),
                "the store does not keep create-only writes: ids get a random suffix"
            );
        }
        Ok(*remote.creates_only.get_or_init(|| kept))
    }

    fn try_create_only(&self) -> Result<bool> {
        let name = format!("probe/{}", fresh_name());
        let path = key::path(&name)?;
        let failure = Failure::new("could not be written", &self.full_name(&name));
        let create = |bytes: &'static [u8]| {
            self.inner.objects.put_opts(&path, bytes.into(), PutMode::Create.into())
        };
        let tried = block_on(async {
            let kept = match create(b"first").await {
                Ok(_) => match create(b"second").await {
                    Ok(_) | Err(Failed::NotImplemented { .. }) => false,
                    Err(Failed::AlreadyExists { .. } | Failed::Precondition { .. }) => true,
                    Err(error) => return Err(error),
                },
                Err(Failed::NotImplemented { .. }) => return Ok(false),
                Err(error) => return Err(error),
            };
            self.inner.objects.delete(&path).await?;
            Ok(kept)
        })?;
        tried.map_err(|error| failure.of(&error))
    }

    fn put_if_missing(
        &self,
        path: &object_store::path::Path,
        bytes: Bytes,
        failure: &Failure,
    ) -> Result<bool> {
        let written = block_on(async {
            match self.inner.objects.head(path).await {
                Ok(_) => Ok(false),
                Err(error) if is_missing(&error) => {
                    self.inner.objects.put(path, bytes.into()).await.map(|_| true)
                }
                Err(error) => Err(error),
            }
        })?;
        written.map_err(|error| failure.of(&error))
    }
}
