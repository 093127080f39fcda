//! Threads of an application that write all the time, as a busy one would.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use crate::app::connect;
use crate::events::next_event;

/// How long a thread thinks between two events: without it one thread keeps the lock for itself.
const PAUSE: Duration = Duration::from_micros(500);
/// How long a test waits for writers to get on before it says that they are stuck.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the writers did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Transactions committed.
    pub(crate) transactions: u64,
    /// The positions they wrote; of a single writer in the order they were committed.
    pub(crate) positions: Vec<i64>,
    /// What went wrong, in SQLite's words.
    pub(crate) errors: Vec<String>,
}

#[derive(Default)]
struct Shared {
    stop: bool,
    written: Written,
}

/// What a thread does over and over: a transaction, whose position it gives back.
pub(crate) type Step = fn(&mut Connection, u32) -> rusqlite::Result<i64>;

/// Writers in the background, each with a connection of its own. Dropping it stops them.
pub(crate) struct LiveWriter {
    shared: Arc<(Mutex<Shared>, Condvar)>,
    threads: Vec<JoinHandle<()>>,
}

impl LiveWriter {
    /// Starts `count` threads that apply events to the database at `path`.
    pub(crate) fn start(path: &Path, count: u32) -> Self {
        Self::repeating(path, count, |connection, _| next_event(connection))
    }

    /// Starts a thread that applies an event now and then: for tests of many rounds, whose database
    /// must not grow large.
    pub(crate) fn calm(path: &Path) -> Self {
        Self::pausing(path, 1, |connection, _| next_event(connection), Duration::from_millis(50))
    }

    /// Starts `count` threads that do `step` over and over, each given its number.
    pub(crate) fn repeating(path: &Path, count: u32, step: Step) -> Self {
        Self::pausing(path, count, step, PAUSE)
    }

    fn pausing(path: &Path, count: u32, step: Step, pause: Duration) -> Self {
        let shared = Arc::new((Mutex::default(), Condvar::new()));
        let threads = (0..count)
            .map(|number| {
                let (shared, path) = (Arc::clone(&shared), PathBuf::from(path));
                std::thread::spawn(move || {
                    write(&shared, &path, pause, |connection| step(connection, number));
                })
            })
            .collect();
        let writer = Self { shared, threads };
        writer.wait_for(1);
        writer
    }

    /// Waits until `count` more transactions were committed.
    pub(crate) fn wait_for(&self, count: u64) {
        let (shared, changed) = &*self.shared;
        let guard = lock(shared);
        let goal = guard.written.transactions + count;
        let waited = changed
            .wait_timeout_while(guard, PATIENCE, |shared| shared.written.transactions < goal)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.1.timed_out(), "the writers are stuck: {:?}", waited.0.written.errors);
    }

    /// Stops the writers, and says what they did.
    pub(crate) fn stop(mut self) -> Written {
        self.halt();
        lock(&self.shared.0).written.clone()
    }

    fn halt(&mut self) {
        lock(&self.shared.0).stop = true;
        self.shared.1.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for LiveWriter {
    fn drop(&mut self) {
        self.halt();
    }
}

fn write(
    shared: &(Mutex<Shared>, Condvar),
    path: &Path,
    pause: Duration,
    step: impl Fn(&mut Connection) -> rusqlite::Result<i64>,
) {
    let mut connection = connect(path);
    let (shared, changed) = shared;
    loop {
        let applied = step(&mut connection);
        let mut guard = lock(shared);
        match applied {
            Ok(position) => {
                guard.written.transactions += 1;
                guard.written.positions.push(position);
            }
            Err(error) => guard.written.errors.push(error.to_string()),
        }
        changed.notify_all();
        let (guard, _) = changed
            .wait_timeout_while(guard, pause, |shared| !shared.stop)
            .unwrap_or_else(PoisonError::into_inner);
        if guard.stop {
            return;
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
