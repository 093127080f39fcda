//! Whether a database or its store may have changed, told by looking at files from outside.

use std::fs::{Metadata, metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::place::Place;
use crate::store;

/// How old a file's time must be to be trusted: within the clock's grain another change has the
/// same time.
const GRAIN: Duration = Duration::from_secs(2);

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct File {
    device: u64,
    inode: u64,
}

impl File {
    /// The file at a path; `None` when there is none.
    pub(super) fn at(path: &Path) -> Option<Self> {
        metadata(path).ok().map(|file| Self { device: file.dev(), inode: file.ino() })
    }
}

/// How a database and its store look from outside. Two that are equal, and settled, mean that
/// nothing was written between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    marks: Vec<Option<(u64, u64, SystemTime)>>,
    settled: bool,
}

impl Stamp {
    /// How it looks now. `None` where a store tells nothing from outside.
    pub(super) fn of(place: &Place) -> Option<Self> {
        let mut log = place.path().as_os_str().to_owned();
        log.push("-wal");
        let store = store::folder(place.store())?;
        let mut marks =
            vec![mark(place.path(), |_| true), mark(Path::new(&log), |log| log.len() > 0)];
        for kind in crate::snapshot::Kind::ALL {
            marks.push(mark(&store.join("snapshots").join(kind.name()), |_| true));
        }
        let newest = marks.iter().flatten().map(|(.., modified)| *modified).max();
        let settled = newest.is_none_or(|newest| {
            SystemTime::now().duration_since(newest).is_ok_and(|age| age > GRAIN)
        });
        Some(Self { marks, settled })
    }

    /// Whether nothing can have been written since `self` was made, if `now` looks like this.
    pub(super) fn still_holds(&self, now: &Self) -> bool {
        self.settled && self.marks == now.marks
    }
}

fn mark(path: &Path, counts: impl Fn(&Metadata) -> bool) -> Option<(u64, u64, SystemTime)> {
    let file = metadata(path).ok().filter(counts)?;
    Some((file.ino(), file.len(), file.modified().ok()?))
}
