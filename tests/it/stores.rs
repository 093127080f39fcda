//! What holds for one kind of store holds for all: a directory, memory, and a bucket.

mod copies;
mod crowd;
mod objects;
mod troubles;
mod verbs;

use std::sync::Arc;

use snapback::store::Store;
use tempfile::TempDir;

use crate::bucket::Bucket;

/// A place for snapshots.
pub(crate) enum Place {
    Directory(TempDir),
    Memory(Store),
    Bucket(Arc<Bucket>),
}

impl Place {
    /// One of each kind, all empty.
    pub(crate) fn all() -> Vec<Self> {
        vec![
            Self::Directory(tempfile::tempdir().expect("a folder")),
            Self::Memory(Store::memory()),
            Self::Bucket(Arc::new(Bucket::new())),
        ]
    }

    /// Opens the store once more, as another process would.
    pub(crate) fn open(&self) -> Store {
        match self {
            Self::Directory(folder) => {
                Store::directory(&folder.path().join("store")).expect("a store")
            }
            Self::Memory(store) => store.clone(),
            Self::Bucket(bucket) => bucket.open_impatiently(),
        }
    }
}
