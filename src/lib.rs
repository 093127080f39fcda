//! Snapback.
pub mod database;
pub mod error;
pub mod snapshot;
pub mod store;
pub mod web;

pub use error::{Error, ErrorKind, Result};
