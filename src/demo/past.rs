//! A clock that stands in the past, and files that look as if they had been written then.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use jiff::Timestamp;
use snapback::snapshot::Clock;

/// How much later it is at each look, in milliseconds: what is done next is dated later.
const TICK: i64 = 5;

/// A time that stands still but for a tick at each look, until it is moved on. Clones share it.
#[derive(Clone)]
pub(super) struct Past(Arc<AtomicI64>);

impl Past {
    /// A clock that stands at `moment`.
    pub(super) fn at(moment: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(moment.as_millisecond())))
    }

    /// Moves it to another moment.
    pub(super) fn move_to(&self, moment: Timestamp) {
        self.0.store(moment.as_millisecond(), Ordering::Relaxed);
    }

    /// What Snapback dates by it.
    pub(super) fn clock(&self) -> Clock {
        let past = self.clone();
        Clock::new(move || past.look())
    }

    fn look(&self) -> Timestamp {
        let milliseconds = self.0.fetch_add(TICK, Ordering::Relaxed);
        Timestamp::from_millisecond(milliseconds).unwrap_or_default()
    }
}

/// Dates every file below `folder` that is younger than `moment` to that moment.
pub(super) fn date(folder: &Path, moment: Timestamp) -> io::Result<()> {
    let moment = SystemTime::from(moment);
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let meta = entry.metadata()?;
            if meta.is_dir() {
                folders.push(entry.path());
            } else if meta.is_file() && meta.modified()? > moment {
                File::open(entry.path())?.set_modified(moment)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_next_is_dated_later() {
        let moment: Timestamp = "2026-11-22T20:04:46Z".parse().expect("a timestamp");
        let past = Past::at(Timestamp::UNIX_EPOCH);
        let clock = past.clock();
        past.move_to(moment);
        assert_eq!(clock.now(), moment);
        assert!(clock.now() > moment);
    }

    #[test]
    fn a_file_keeps_the_moment_that_it_was_dated_to_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("inner").join("manifest.json");
        fs::create_dir(folder.path().join("inner")).expect("a folder in it");
        fs::write(&path, "{}").expect("a file");
        let first: Timestamp = "2026-11-20T08:00:00Z".parse().expect("a timestamp");
        let later: Timestamp = "2026-11-21T08:00:00Z".parse().expect("a timestamp");
        for moment in [first, later] {
            date(folder.path(), moment).expect("dated");
        }
        let modified = fs::metadata(&path).and_then(|meta| meta.modified()).expect("a time");
        assert_eq!(modified, SystemTime::from(first));
    }
}
