//! The mirror: a second store that gets every snapshot too, in the background.

use std::collections::{BTreeMap, HashSet};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::catalog::{Catalog, Listed};
use super::copy::copy;
use super::deed::Deed;
use super::id::Kind;
use super::occurrence::Action;
use super::{Core, Progress, record_copy};
use crate::error::{Error, Result};
use crate::store::Store;

/// Who copies, as the history has it.
const BY: &str = "mirror";

/// The thread that copies. Dropping it waits until what was asked for is done, unless that was waited
/// for in vain.
pub(crate) struct Mirror {
    asked: Option<Sender<Core>>,
    thread: Option<JoinHandle<()>>,
    work: Arc<Work>,
    /// Ends a copy early.
    progress: Progress,
    location: String,
}

/// What was asked of the thread.
#[derive(Default)]
struct Work {
    undone: Mutex<usize>,
    done: Condvar,
}

impl Work {
    fn undone(&self) -> MutexGuard<'_, usize> {
        self.undone.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mirror {
    /// Starts copying to `to`, once asked.
    pub(crate) fn start(to: Store) -> Result<Self> {
        let (asked, wanted) = mpsc::channel::<Core>();
        let (work, location) = (Arc::new(Work::default()), to.location().to_owned());
        let shared = Arc::clone(&work);
        let copy = move || {
            while let Ok(mut core) = wanted.recv() {
                let mut asked = 1;
                // Asked several times meanwhile, one look at the list serves all.
                while let Ok(newer) = wanted.try_recv() {
                    core = newer;
                    asked += 1;
                }
                catch_up(&core, &to);
                drop(core);
                *shared.undone() -= asked;
                shared.done.notify_all();
            }
        };
        let thread = thread::Builder::new().name("mirror".to_owned()).spawn(copy);
        let thread = thread.map_err(|error| {
            Error::failed("the thread of the mirror could not be started")
                .because(error)
                .hint("look at the limits on threads of this process")
        })?;
        let (asked, thread) = (Some(asked), Some(thread));
        Ok(Self { asked, thread, work, progress: Progress::default(), location })
    }

    /// Asks for every snapshot that the mirror lacks, and does not wait.
    pub(crate) fn catch_up(&self, core: &Core) {
        if let Some(asked) = &self.asked {
            *self.work.undone() += 1;
            let core = Core { progress: self.progress.clone(), ..core.clone() };
            // The thread ends only with this.
            let _ = asked.send(core);
        }
    }

    /// Waits until what was asked for is done, for `patience` at most since a moment. Then it is ended,
    /// and waited for no more; `false` says so.
    pub(crate) fn wait(&self, since: Instant, patience: Duration) -> bool {
        let patience = patience.saturating_sub(since.elapsed());
        let (undone, _) = self
            .work
            .done
            .wait_timeout_while(self.work.undone(), patience, |undone| *undone > 0)
            .unwrap_or_else(PoisonError::into_inner);
        if *undone == 0 {
            return true;
        }
        drop(undone);
        let _ = self.progress.cancel();
        tracing::warn!(
            mirror = self.location,
            "the mirror lacks snapshots: they are copied when the console runs again, or by \
             `snapback copy`"
        );
        false
    }

    /// Where it copies to.
    pub(crate) fn location(&self) -> &str {
        &self.location
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        drop(self.asked.take());
        if self.progress.is_cancelled() {
            // Whatever the network does to it: nothing is whole before its manifest is there.
            return;
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Copies what the mirror lacks, oldest first. The first failure is told in the history and ends
/// it: the next snapshot brings another try.
fn catch_up(core: &Core, to: &Store) {
    let failed = |deed: &Deed<'_>, error: &Error| {
        tracing::error!(%error, "the mirror does not get every snapshot");
        deed.failed(error, format!("to {}: {error}", to.location()), BTreeMap::new());
    };
    let lacking = || -> Result<Vec<_>> {
        let mut there = HashSet::new();
        for kind in Kind::ALL {
            let listed = to.list(&format!("snapshots/{kind}"))?;
            there.extend(listed.into_iter().map(|meta| meta.key));
        }
        let listed = core.catalog.list()?;
        let lacks = |listed: &&Listed| {
            listed.damage().is_none() && !there.contains(&Catalog::key(&listed.snapshot))
        };
        Ok(listed.iter().rev().filter(lacks).cloned().collect())
    };
    let lacking = match lacking() {
        Ok(lacking) => lacking,
        Err(error) => return failed(&core.begin(Action::Copy, None, BY), &error),
    };
    for listed in &lacking {
        let deed = core.begin(Action::Copy, Some(&listed.snapshot), BY);
        match copy(core, listed, to) {
            Ok(copied) => record_copy(&deed, &copied),
            Err(error) => return failed(&deed, &error),
        }
    }
}
