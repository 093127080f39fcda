//! Word of failures, for whoever has to know of them at once.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::id::SnapshotRef;
use crate::error::ErrorKind;

/// Something that failed, and was written down in the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What failed.
    pub what: String,
    /// The thing that it happened to; empty when there is none to name.
    pub thing: String,
    /// The next step; empty when there is none.
    pub hint: String,
    /// What was being done: an action's name, or `open`.
    pub verb: &'static str,
    /// To which snapshot, where it is one.
    pub snapshot: Option<SnapshotRef>,
    /// By whom.
    pub by: String,
    /// The database's full path.
    pub database: String,
    /// When.
    pub time: Timestamp,
}

/// Is told of every failure that is not the mistake or the wish of whoever asked. Called on the
/// thread that failed, which may hold the store's lock: it must return at once.
#[derive(Clone)]
pub struct Alarm(Arc<dyn Fn(&Failure) + Send + Sync>);

impl Alarm {
    /// An alarm of the caller's own.
    pub fn new(tell: impl Fn(&Failure) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Tells of a failure.
    pub fn tell(&self, failure: &Failure) {
        (self.0)(failure);
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alarm")
    }
}

/// Whether a failure of this kind is worth an alarm: not what was asked for wrongly, ended on
/// purpose, or refused until somebody looks again.
pub(crate) fn is_alarming(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Damaged | ErrorKind::Conflict | ErrorKind::Busy | ErrorKind::Failed => true,
        ErrorKind::Invalid
        | ErrorKind::NotFound
        | ErrorKind::PlanMoved
        | ErrorKind::Forbidden
        | ErrorKind::TooLarge
        | ErrorKind::Cancelled => false,
    }
}
