//! The store: bytes under keys, in a directory or an object store.

use crate::error::Result;

/// Where snapshots live. Cheap to clone.
#[derive(Clone)]
pub struct Store;

impl Store {
    /// Opens the store at a directory path or an object-store address, making a missing directory.
    pub fn open(location: &str) -> Result<Self> {
        todo!()
    }
}
