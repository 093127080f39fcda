//! Failures of the store in words: what failed, on which object, what to do.

use std::error::Error as StdError;
use std::io;

use crate::error::Error;

/// What is being tried on which thing, should it fail.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    what: &'static str,
    thing: String,
}

impl Failure {
    pub(super) fn new(what: &'static str, thing: &str) -> Self {
        Self { what, thing: thing.to_owned() }
    }

    /// The error for a failure of the object store.
    pub(super) fn of(&self, error: &object_store::Error) -> Error {
        match root_of(error).downcast_ref::<io::Error>() {
            Some(error) => self.of_io(error),
            None => self.say(error.to_string(), advice(error)),
        }
    }

    /// The error for a failure of the system.
    pub(super) fn of_io(&self, error: &io::Error) -> Error {
        self.say(error.to_string(), next_step(error.kind()))
    }

    fn say(&self, reason: String, hint: &str) -> Error {
        Error::failed(self.what).because(reason).on(&self.thing).hint(hint)
    }
}

fn advice(error: &object_store::Error) -> &'static str {
    use object_store::Error;
    match error {
        Error::Unauthenticated { .. } => {
            "check the store's access key and secret in the environment"
        }
        Error::PermissionDenied { .. } => {
            "give this key the right to list, read, write and delete in the bucket"
        }
        Error::NotFound { .. } => "check the bucket's name, and make the bucket when it is missing",
        _ => "look at the store and the connection to it, then try again",
    }
}

fn next_step(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull => "the disk is full: free some space, then try again",
        io::ErrorKind::QuotaExceeded => "the quota is used up: free some space, then try again",
        io::ErrorKind::FileTooLarge => "the file system takes no file of this size",
        io::ErrorKind::ReadOnlyFilesystem => "the store is on a read-only file system",
        io::ErrorKind::PermissionDenied => {
            "the store is read-only or closed to this user: change its permissions"
        }
        io::ErrorKind::NotFound => "make the folder that the store is to stand in",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a file stands where a folder should: move it away, or name another store"
        }
        io::ErrorKind::Unsupported => {
            "a store needs a file system with hard links and file locks: name another place"
        }
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::TimedOut => "check that the store answers at its address, then try again",
        _ => "look at the disk and at the system's log, then try again",
    }
}

/// Whether the object simply is not there.
pub(super) fn is_missing(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotFound { .. })
}

/// The failure at the bottom: the layers above only repeat it.
fn root_of<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error
}
