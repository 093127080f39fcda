//! A local cache for a store far away: small files of which the store has the original.
//!
//! It may be removed at any moment, and whole: what is missing is fetched again. Whoever reads from
//! it checks what comes, as if it came from the store, and gives back what is damaged.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::SystemTime;

use bytes::Bytes;

/// A folder with cached files, kept below a size.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    /// The most that its files may take, in bytes.
    limit: u64,
    /// What they take; not known before the first one is written.
    taken: Mutex<Option<u64>>,
}

impl Cache {
    pub(super) fn new(folder: &Path, limit: u64) -> Self {
        Self { folder: folder.to_owned(), limit, taken: Mutex::new(None) }
    }

    /// What is cached under a name; `None` when it is not, or cannot be read.
    pub(crate) fn get(&self, name: &str) -> Option<Bytes> {
        let path = self.folder.join(name);
        let bytes = fs::read(&path).ok()?;
        // What is used stays longest.
        let _ = fs::File::options()
            .append(true)
            .open(&path)
            .and_then(|file| file.set_modified(SystemTime::now()));
        Some(bytes.into())
    }

    /// Forgets what turned out to be damaged.
    pub(crate) fn remove(&self, name: &str) {
        let _ = fs::remove_file(self.folder.join(name));
    }

    /// Caches something. A cache that cannot be written to is none, and no failure.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        if bytes.len() as u64 > self.limit {
            return;
        }
        if let Err(error) = self.write(name, bytes) {
            tracing::debug!(%error, folder = %self.folder.display(), "nothing is cached");
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(bytes)?;
        file.persist(self.folder.join(name))?;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let now = match *taken {
            Some(before) => before + bytes.len() as u64,
            None => self.files()?.iter().map(|(_, size, _)| size).sum(),
        };
        *taken = Some(if now > self.limit { self.shrink()? } else { now });
        Ok(())
    }

    /// Removes what was not used for longest until an eighth of the room is free again, and says
    /// what the rest takes.
    fn shrink(&self) -> io::Result<u64> {
        let mut files = self.files()?;
        files.sort();
        let mut taken: u64 = files.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in files {
            if taken <= self.limit - self.limit / 8 {
                break;
            }
            fs::remove_file(path)?;
            taken -= size;
        }
        Ok(taken)
    }

    fn files(&self) -> io::Result<Vec<(SystemTime, u64, PathBuf)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            // Another process may have removed it meanwhile.
            if let Ok(meta) = entry.metadata()
                && meta.is_file()
            {
                files.push((meta.modified()?, meta.len(), entry.path()));
            }
        }
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_gives_back_what_it_was_given() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::new(&folder.path().join("cache"), 100);
        assert_eq!(cache.get("a"), None);
        cache.put("a", b"one");
        assert_eq!(cache.get("a").as_deref(), Some(&b"one"[..]));
        cache.remove("a");
        assert_eq!(cache.get("a"), None);
    }

    #[test]
    fn a_full_cache_lets_go_of_what_was_not_used_for_longest() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::new(folder.path(), 100);
        for (name, age) in [("a", 3), ("b", 2), ("c", 1)] {
            cache.put(name, &[0; 30]);
            let file = fs::File::options().append(true).open(folder.path().join(name));
            let then = SystemTime::now() - std::time::Duration::from_hours(age);
            file.and_then(|file| file.set_modified(then)).expect("aged");
        }
        cache.get("a").expect("used again");
        cache.put("d", &[0; 30]);
        assert_eq!(cache.get("b"), None);
        assert!(cache.get("a").is_some() && cache.get("d").is_some());
        cache.put("e", &[0; 101]);
        assert_eq!(cache.get("e"), None, "larger than all of it");
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        fs::write(&file, "x").expect("written");
        let cache = Cache::new(&file, 100);
        cache.put("a", b"one");
        assert_eq!(cache.get("a"), None);
    }
}
