//! The databases that are open: so many at most, and those longest unused make room for others.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::name::Name;
use super::place::Place;
use super::stamp::File;
use crate::error::{Error, ErrorKind, Result};
use crate::snapshot::{Lasting, Snapshots};

/// The databases that are open now.
pub(super) struct Opened {
    limit: usize,
    /// How long one stays open that nobody asks for.
    idle: Duration,
    slots: Mutex<HashMap<Name, Slot>>,
    /// Told whenever an opening has ended, well or not.
    ended: Condvar,
    /// What stays of those that were open at some time.
    lasting: Mutex<HashMap<Name, Arc<Lasting>>>,
}

enum Slot {
    /// Somebody opens it; whoever else wants it waits.
    Opening,
    Open(Open),
}

struct Open {
    snapshots: Snapshots,
    /// The file that was opened: another one may have taken its place since.
    file: Option<File>,
    used: Instant,
}

impl Opened {
    pub(super) fn new(limit: usize, idle: Duration) -> Self {
        Self {
            limit: limit.max(1),
            idle,
            slots: Mutex::default(),
            ended: Condvar::new(),
            lasting: Mutex::default(),
        }
    }

    /// How many are open or being opened.
    pub(super) fn count(&self) -> usize {
        self.slots().len()
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// What something tells of every one that is open.
    pub(super) fn each<T>(&self, tell: impl Fn(&Snapshots) -> T) -> Vec<T> {
        let tell = |slot: &Slot| match slot {
            Slot::Open(open) => Some(tell(&open.snapshots)),
            Slot::Opening => None,
        };
        self.slots().values().filter_map(tell).collect()
    }

    pub(super) fn is_open(&self, name: &Name) -> bool {
        matches!(self.slots().get(name), Some(Slot::Open(_)))
    }

    /// The open database of this name; opens it when it is not, or when its file is another one
    /// than before. What has to make room is closed first.
    pub(super) fn open(&self, name: &Name, place: &Place) -> Result<Snapshots> {
        let file = File::at(place.path());
        let mut slots = self.slots();
        let mut closed = Vec::new();
        loop {
            match slots.get_mut(name) {
                None => break,
                Some(Slot::Opening) => {
                    slots = self.ended.wait(slots).unwrap_or_else(PoisonError::into_inner);
                }
                Some(Slot::Open(open)) if open.file == file => {
                    open.used = Instant::now();
                    return Ok(open.snapshots.clone());
                }
                // Work under way keeps the old file open until it ends.
                Some(Slot::Open(_)) => closed.extend(slots.remove(name)),
            }
        }
        if slots.len() >= self.limit {
            closed.push(self.make_room(&mut slots)?);
        }
        slots.insert(name.clone(), Slot::Opening);
        drop(slots);
        // Closing may wait for a copy to a mirror: nobody else waits for that.
        drop(closed);
        let mut opening = Opening { opened: self, name, open: None };
        let snapshots = place.open()?;
        snapshots.go_on_from(self.all_lasting().entry(name.clone()).or_default().clone());
        opening.open = Some(Open { snapshots: snapshots.clone(), file, used: Instant::now() });
        Ok(snapshots)
    }

    /// Takes out the one that was not used for longest. One with work under way is never taken.
    fn make_room(&self, slots: &mut HashMap<Name, Slot>) -> Result<Slot> {
        let idle = slots.iter().filter_map(|(name, slot)| match slot {
            Slot::Open(open) if open.snapshots.is_idle() => Some((open.used, name)),
            _ => None,
        });
        let oldest = idle.min().map(|(_, name)| name.clone());
        oldest.and_then(|name| slots.remove(&name)).ok_or_else(|| {
            Error::new(ErrorKind::Busy, "as many databases are in use as may be open at once")
                .on(self.limit)
                .hint("try again when work has ended, or allow more with --open-at-once")
        })
    }

    /// Closes this one, unless it is in use.
    pub(super) fn close(&self, name: &Name) {
        self.close_where(|at, open| at == name && open.snapshots.is_idle());
    }

    /// Closes those that nobody asked for in a while.
    pub(super) fn close_idle(&self) {
        self.close_where(|_, open| open.used.elapsed() > self.idle && open.snapshots.is_idle());
    }

    fn close_where(&self, goes: impl Fn(&Name, &Open) -> bool) {
        let goes = |name: &Name, slot: &mut Slot| match slot {
            Slot::Open(open) => goes(name, open),
            Slot::Opening => false,
        };
        // Collected first, so that they are closed when nobody waits for the lock any more.
        let closed: Vec<_> = self.slots().extract_if(|name, slot| goes(name, slot)).collect();
        drop(closed);
    }

    /// What stays of one that was open at some time.
    pub(super) fn lasting(&self, name: &Name) -> Option<Arc<Lasting>> {
        self.all_lasting().get(name).cloned()
    }

    /// One that is gone is forgotten.
    pub(super) fn forget(&self, name: &Name) {
        self.all_lasting().remove(name);
    }

    fn all_lasting(&self) -> MutexGuard<'_, HashMap<Name, Arc<Lasting>>> {
        self.lasting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<Name, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of an opening, however it comes: what was opened takes its slot, or the slot is free.
struct Opening<'o> {
    opened: &'o Opened,
    name: &'o Name,
    open: Option<Open>,
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        let mut slots = self.opened.slots();
        match self.open.take() {
            Some(open) => slots.insert(self.name.clone(), Slot::Open(open)),
            None => slots.remove(self.name),
        };
        self.opened.ended.notify_all();
    }
}
