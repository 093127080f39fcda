//! How far a long operation is, and the wish to end it early.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::{Error, ErrorKind, Result};

/// Shared between an operation and whoever watches it. Cheap to clone.
#[derive(Clone, Default)]
pub struct Progress(Arc<State>);

#[derive(Default)]
struct State {
    done: AtomicU64,
    expected: AtomicU64,
    cancelled: AtomicBool,
    /// Set once the operation changes the database: from then on it runs to its end.
    committed: AtomicBool,
}

impl Progress {
    /// Rows done so far.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.0.done.load(Ordering::Relaxed)
    }

    /// Rows expected in all; 0 while that is not known. An estimate: `done` may exceed it.
    #[must_use]
    pub fn expected(&self) -> u64 {
        self.0.expected.load(Ordering::Relaxed)
    }

    /// Asks the operation to end with nothing changed. `false` when it is too late for that.
    #[must_use]
    pub fn cancel(&self) -> bool {
        self.0.cancelled.store(true, Ordering::SeqCst);
        !self.0.committed.load(Ordering::SeqCst)
    }

    /// Whether the operation was asked to end.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// Says how many more rows are expected.
    pub(crate) fn expect(&self, rows: u64) {
        self.0.expected.fetch_add(rows, Ordering::Relaxed);
    }

    /// Counts rows; an error once the operation is to end.
    pub(crate) fn step(&self, rows: u64) -> Result<()> {
        self.0.done.fetch_add(rows, Ordering::Relaxed);
        let ends = self.0.cancelled.load(Ordering::SeqCst);
        if ends && !self.0.committed.load(Ordering::SeqCst) { Err(cancelled()) } else { Ok(()) }
    }

    /// The point behind which nothing can be cancelled; an error when it was cancelled before.
    pub(crate) fn commit(&self) -> Result<()> {
        self.0.committed.store(true, Ordering::SeqCst);
        if self.0.cancelled.load(Ordering::SeqCst) { Err(cancelled()) } else { Ok(()) }
    }
}

fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the operation was cancelled").hint("nothing was changed")
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Progress({} of {})", self.done(), self.expected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancelled_operation_ends_at_its_next_step() {
        let progress = Progress::default();
        progress.expect(10);
        progress.step(4).expect("goes on");
        assert!(progress.cancel());
        assert_eq!(progress.step(1).expect_err("ends").kind(), ErrorKind::Cancelled);
        assert_eq!((progress.done(), progress.expected()), (5, 10));
    }

    #[test]
    fn nothing_is_cancelled_behind_the_commit() {
        let progress = Progress::default();
        progress.commit().expect("goes on");
        assert!(!progress.cancel());
        progress.step(1).expect("runs to its end");
    }
}
