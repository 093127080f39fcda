//! Word of what changes in folders of this machine, so that unchanged ones are not read again.
//!
//! The system tells of every file that is made, written, renamed or removed in a watched folder,
//! whichever process does it, and before the call that did it returns: whoever asks later than that
//! has heard of it. It tells nothing of what other machines do, so only file systems that are known
//! to be this machine's own are watched; nor of writes through a mapping in memory, or under another
//! name of the same file: who relies on it looks for himself from time to time.
//!
//! All watches of a process share one queue, which stays for as long as the process: to close one
//! takes the system tens of milliseconds.

use std::collections::{BTreeSet, HashMap};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::{Errno, Result};

/// File systems of this machine's own, by the magic number that `statfs` gives: ext2 to ext4, XFS,
/// Btrfs, F2FS, ZFS, Bcachefs, tmpfs, ramfs, and overlayfs.
const OWN: [u32; 9] = [
    0x0000_ef53,
    0x5846_5342,
    0x9123_683e,
    0xf2f5_2010,
    0x2fc1_2fc1,
    0xca45_1a4e,
    0x0102_1994,
    0x8584_58f6,
    0x794c_7630,
];

/// Whatever changes a listing, or what a listed file holds.
const CHANGES: WatchFlags = WatchFlags::MODIFY
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF);

/// Watches some folders, for as long as it lives.
#[derive(Debug)]
pub(super) struct Watch {
    root: PathBuf,
    /// Set when something was told.
    told: Arc<AtomicBool>,
    watched: BTreeSet<i32>,
}

impl Watch {
    /// To watch below a folder; `None` where the system does not tell of every change.
    pub(super) fn below(root: &Path) -> Option<Self> {
        let disk = rustix::fs::statfs(root).ok()?;
        // Signed or not, and of 32 bits or 64, as the machine has it.
        let magic = u32::try_from(i128::from(disk.f_type) & 0xffff_ffff).ok()?;
        let known = OWN.contains(&magic) && queue().is_some();
        known.then(|| Self {
            root: root.to_owned(),
            told: Arc::default(),
            watched: BTreeSet::new(),
        })
    }

    /// Watches these folders, and those on the way to them from the root. False when it cannot.
    ///
    /// Called before the folders are read: what changes meanwhile is heard of later.
    pub(super) fn renew(&mut self, folders: &[String]) -> bool {
        let Some(mut queue) = queue() else { return false };
        let mut watched = BTreeSet::new();
        // In this order what lies above comes first: of a folder that is not there yet, the one
        // above it tells.
        let ways: BTreeSet<PathBuf> =
            folders.iter().flat_map(|folder| way(&self.root, folder)).collect();
        let mut whole = true;
        for path in ways {
            match queue.add(&path, &self.told) {
                Ok(watch) => drop(watched.insert(watch)),
                Err(Errno::NOENT) => {}
                Err(_) => whole = false,
            }
        }
        for gone in self.watched.difference(&watched) {
            queue.remove(*gone, &self.told);
        }
        self.watched = watched;
        whole
    }

    /// Whether nothing has changed since the last call.
    pub(super) fn is_quiet(&self) -> bool {
        let Some(mut queue) = queue() else { return false };
        queue.hear();
        !self.told.swap(false, Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let Some(mut queue) = queue() else { return };
        for watch in &self.watched {
            queue.remove(*watch, &self.told);
        }
    }
}

/// The folders from the root to one below it, both among them.
fn way(root: &Path, folder: &str) -> Vec<PathBuf> {
    let mut path = root.to_owned();
    let mut way = vec![path.clone()];
    for name in folder.split('/') {
        path.push(name);
        way.push(path.clone());
    }
    way
}

/// What the system tells, and whom it is for.
struct Queue {
    told: OwnedFd,
    /// By the number of a watched folder.
    listeners: HashMap<i32, Vec<Arc<AtomicBool>>>,
}

/// The process's queue; `None` when the system gives none.
fn queue() -> Option<MutexGuard<'static, Queue>> {
    static QUEUE: OnceLock<Option<Mutex<Queue>>> = OnceLock::new();
    let make = || {
        let told = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok()?;
        Some(Mutex::new(Queue { told, listeners: HashMap::new() }))
    };
    QUEUE
        .get_or_init(make)
        .as_ref()
        .map(|queue| queue.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Queue {
    fn add(&mut self, folder: &Path, listener: &Arc<AtomicBool>) -> Result<i32> {
        let flags = CHANGES | WatchFlags::ONLYDIR | WatchFlags::DONT_FOLLOW;
        let watch = inotify::add_watch(&self.told, folder, flags)?;
        let listeners = self.listeners.entry(watch).or_default();
        if !listeners.iter().any(|known| Arc::ptr_eq(known, listener)) {
            listeners.push(Arc::clone(listener));
        }
        Ok(watch)
    }

    fn remove(&mut self, watch: i32, listener: &Arc<AtomicBool>) {
        let Some(listeners) = self.listeners.get_mut(&watch) else { return };
        listeners.retain(|known| !Arc::ptr_eq(known, listener));
        if listeners.is_empty() {
            self.listeners.remove(&watch);
            // The system itself ends the watch of a folder that is gone.
            let _ = inotify::remove_watch(&self.told, watch);
        }
    }

    /// Passes on what was told so far.
    fn hear(&mut self) {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut told = Reader::new(&self.told, &mut buffer);
        let tell = |listeners: &[Arc<AtomicBool>]| {
            for listener in listeners {
                listener.store(true, Ordering::Relaxed);
            }
        };
        loop {
            match told.next() {
                Ok(event) if event.events().contains(ReadFlags::QUEUE_OVERFLOW) => {
                    self.listeners.values().for_each(|listeners| tell(listeners));
                }
                Ok(event) => {
                    let watch = event.wd();
                    self.listeners.get(&watch).map(Vec::as_slice).into_iter().for_each(tell);
                    if event.events().contains(ReadFlags::IGNORED) {
                        self.listeners.remove(&watch);
                    }
                }
                Err(Errno::WOULDBLOCK) => return,
                Err(Errno::INTR) => {}
                Err(_) => {
                    self.listeners.values().for_each(|listeners| tell(listeners));
                    return;
                }
            }
        }
    }
}
