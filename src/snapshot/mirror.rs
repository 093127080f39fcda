//! The mirror: a second store that gets every snapshot too, in the background.

use std::collections::{BTreeMap, HashSet};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use super::catalog::{Catalog, Listed};
use super::copy::copy;
use super::deed::Deed;
use super::id::Kind;
use super::occurrence::Action;
use super::{Core, record_copy};
use crate::error::{Error, Result};
use crate::store::Store;

/// Who copies, as the history has it.
const BY: &str = "mirror";

/// The thread that copies. Dropping it waits until what was asked for is done.
pub(crate) struct Mirror {
    asked: Option<Sender<Core>>,
    thread: Option<JoinHandle<()>>,
}

impl Mirror {
    /// Starts copying to `to`, once asked.
    pub(crate) fn start(to: Store) -> Result<Self> {
        let (asked, wanted) = mpsc::channel::<Core>();
        let work = move || {
            while let Ok(mut core) = wanted.recv() {
                // Asked several times meanwhile, one look at the list serves all.
                while let Ok(newer) = wanted.try_recv() {
                    core = newer;
                }
                catch_up(&core, &to);
            }
        };
        let thread = thread::Builder::new().name("mirror".to_owned()).spawn(work);
        let thread = thread.map_err(|error| {
            Error::failed("the thread of the mirror could not be started")
                .because(error)
                .hint("look at the limits on threads of this process")
        })?;
        Ok(Self { asked: Some(asked), thread: Some(thread) })
    }

    /// Asks for every snapshot that the mirror lacks, and does not wait.
    pub(crate) fn catch_up(&self, core: &Core) {
        if let Some(asked) = &self.asked {
            // The thread ends only with this.
            let _ = asked.send(core.clone());
        }
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        drop(self.asked.take());
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
