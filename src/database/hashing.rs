//! Hashing leaves on several threads, ahead of whoever looks at them in order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use super::ReadTransaction;
use super::leaves::Leaf;
use super::pages::Pages;
use crate::error::{Error, Result};

/// Leaves that a thread hashes at a time: a megabyte of usual pages. Few where small tables are to
/// have many.
pub(crate) const SHARE: usize = if cfg!(test) { 5 } else { 256 };

/// Shares that are on their way at once.
const AHEAD: u64 = if cfg!(test) { 3 } else { 64 };

/// A thread is started for so many shares.
const WORTH_A_THREAD: u64 = 2;

/// Leaves of one table on their way. Dropped, it waits for its threads.
pub(crate) struct Hashing<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    /// Readers of the same state that no thread was started for yet.
    idle: std::slice::IterMut<'env, ReadTransaction>,
    threads: Vec<ScopedJoinHandle<'scope, ()>>,
    shared: Arc<Shared>,
    seed: u64,
    /// How many shares were given away, and how many were handed out hashed.
    given: u64,
    taken: u64,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    to_do: VecDeque<(u64, Vec<Leaf>)>,
    done: BTreeMap<u64, Result<Vec<Leaf>>>,
    has_ended: bool,
}

impl<'scope, 'env> Hashing<'scope, 'env> {
    /// Hashes with this seed, beside the caller's thread on one for each reader of the same state.
    pub(crate) fn new(
        scope: &'scope Scope<'scope, 'env>,
        beside: &'env mut [ReadTransaction],
        seed: u64,
    ) -> Self {
        let (threads, shared) = (Vec::new(), Arc::default());
        Self { scope, idle: beside.iter_mut(), threads, shared, seed, given: 0, taken: 0 }
    }

    /// The next leaves, hashed; none at the end. `more` gives those that follow, at most a
    /// [`SHARE`], and none at the end.
    pub(crate) fn next(
        &mut self,
        pages: &mut Pages<'_>,
        more: &mut dyn FnMut(&mut Pages<'_>) -> Result<Vec<Leaf>>,
    ) -> Result<Vec<Leaf>> {
        while self.given - self.taken < AHEAD {
            let leaves = more(pages)?;
            if leaves.is_empty() {
                break;
            }
            self.shared.state().to_do.push_back((self.given, leaves));
            self.shared.changed.notify_one();
            self.given += 1;
            if self.given > WORTH_A_THREAD * (self.threads.len() as u64 + 1) {
                self.start_thread();
            }
        }
        if self.taken == self.given {
            return Ok(Vec::new());
        }
        let wanted = self.taken;
        self.taken += 1;
        loop {
            let mut state = self.shared.state();
            if let Some(leaves) = state.done.remove(&wanted) {
                return leaves;
            }
            let Some((number, mut leaves)) = state.to_do.pop_front() else {
                drop(self.shared.changed.wait(state));
                continue;
            };
            drop(state);
            pages.hash(&mut leaves)?;
            if number == wanted {
                return Ok(leaves);
            }
            self.shared.state().done.insert(number, Ok(leaves));
        }
    }

    fn start_thread(&mut self) {
        let Some(reader) = self.idle.next() else { return };
        let (shared, seed) = (Arc::clone(&self.shared), self.seed);
        let work = move || {
            // One that cannot read leaves all to the others.
            if let Ok(Some(mut pages)) = reader.view().pages(seed) {
                shared.work(&mut pages);
            }
        };
        // Where the system gives no thread, those that there are do it all.
        self.threads.extend(Builder::new().spawn_scoped(self.scope, work));
    }
}

impl Drop for Hashing<'_, '_> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.has_ended = true;
        state.to_do.clear();
        drop(state);
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // What it did not do was told to whoever waited for it.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hashes shares as they come.
    fn work(&self, pages: &mut Pages<'_>) {
        loop {
            let mut state = self.state();
            let (number, mut leaves) = loop {
                if state.has_ended {
                    return;
                }
                match state.to_do.pop_front() {
                    Some(share) => break share,
                    None => {
                        state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                    }
                }
            };
            drop(state);
            let mut share = Share { shared: self, number, leaves: Err(stopped()) };
            share.leaves = pages.hash(&mut leaves).map(|()| leaves);
        }
    }
}

/// What becomes of a share that a thread has taken: told in any case, so that nobody waits for ever.
struct Share<'s> {
    shared: &'s Shared,
    number: u64,
    leaves: Result<Vec<Leaf>>,
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let leaves = std::mem::replace(&mut self.leaves, Ok(Vec::new()));
        self.shared.state().done.insert(self.number, leaves);
        self.shared.changed.notify_all();
    }
}

fn stopped() -> Error {
    Error::failed("a thread that read the database has stopped").hint("try again")
}
