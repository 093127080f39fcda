//! What a store in a directory needs beyond an object store: no links, no leftovers.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

use super::Meta;
use super::key;

/// The folders that are swept. Everything else in the directory may be somebody else's.
const FOLDERS: [&str; 4] = ["history", "labels", "packs", "snapshots"];

/// The folder of what can be lost. What is written there has a name of its own until it is whole.
const CACHE: &str = "cache";

/// How old the leftover of a write must be to be nobody's any more.
const LEFTOVER_AGE: Duration = Duration::from_hours(1);

/// The root of a store in a directory.
#[derive(Debug)]
pub(super) struct Directory {
    root: PathBuf,
}

/// Why a key cannot be used.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A symbolic link, a device or a pipe stands there.
    Irregular(PathBuf),
    /// The system does not say what stands there.
    Io(io::Error),
}

/// Makes the directory if it is missing, durably. The folder that it stands in must be there.
///
/// It is its owner's alone, whatever the umask: the rows in it may be more private than that says. Who
/// wants to share it opens it to others.
pub(super) fn make(path: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            sync_folder(parent.unwrap_or(Path::new(".")))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // A file of that name is no store.
            fs::read_dir(path).map(drop)
        }
        Err(error) => Err(error),
    }
}

impl Directory {
    /// The root may itself be reached by a link: whoever named it meant it.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        Ok(Self { root: fs::canonicalize(path)? })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn lock_file(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// Checks that a file, and every folder on the way to it, is what it seems or not there.
    pub(super) fn check(&self, key: &str) -> Result<(), Refusal> {
        self.check_folders(key)?;
        let path = self.root.join(key);
        match look(&path)? {
            Some(meta) if !meta.is_file() => Err(Refusal::Irregular(path)),
            _ => Ok(()),
        }
    }

    /// Checks the folders on the way to a file.
    pub(super) fn check_folders(&self, key: &str) -> Result<(), Refusal> {
        match key.rsplit_once('/') {
            Some((folder, _)) => self.check_folder(folder),
            None => Ok(()),
        }
    }

    /// Checks a folder and those it lies in.
    pub(super) fn check_folder(&self, folder: &str) -> Result<(), Refusal> {
        let mut path = self.root.clone();
        for name in folder.split('/') {
            path.push(name);
            match look(&path)? {
                Some(meta) if !meta.is_dir() => return Err(Refusal::Irregular(path)),
                Some(_) => {}
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// The files of a folder. A folder that is not there has none.
    ///
    /// Read here and not through the object store, which follows links, and which fails as a
    /// whole on a single name that it cannot express.
    pub(super) fn list(&self, folder: &str) -> io::Result<Vec<Meta>> {
        let entries = match fs::read_dir(self.root.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut metas = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_leftover(&name) {
                continue;
            }
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => {}
                Ok(meta) => metas.push(Meta {
                    key: format!("{folder}/{name}"),
                    size: meta.len(),
                    modified: modified(&meta),
                    link: !meta.is_file(),
                    stamp: stamp(&meta),
                    changed: Some(changed(&meta)),
                }),
                // Deleted since the folder was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(metas)
    }

    /// Removes a file or a link, durably: what depended on it may be removed next.
    pub(super) fn remove(&self, key: &str) -> io::Result<bool> {
        let path = self.root.join(key);
        match fs::remove_file(&path) {
            Ok(()) => {
                if let Some(folder) = path.parent() {
                    sync_folder(folder)?;
                }
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether there is anything to sweep, as far as one can see.
    pub(super) fn has_leftovers(&self) -> bool {
        self.leftovers().is_ok_and(|leftovers| !leftovers.is_empty())
    }

    /// Removes leftovers and says how many there were.
    pub(super) fn sweep(&self) -> io::Result<u64> {
        let mut swept = 0;
        for path in self.leftovers()? {
            match fs::remove_file(path) {
                Ok(()) => swept += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(swept)
    }

    fn leftovers(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let cache = self.root.join(CACHE);
        let mut folders: Vec<PathBuf> =
            FOLDERS.iter().map(|folder| self.root.join(folder)).chain([cache.clone()]).collect();
        while let Some(folder) = folders.pop() {
            // Read without following links: a linked folder is not ours to sweep.
            if !fs::symlink_metadata(&folder).is_ok_and(|meta| meta.is_dir()) {
                continue;
            }
            let is_leftover = if folder == cache { is_unnamed } else { is_leftover };
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let Ok(meta) = entry.metadata() else { continue };
                if meta.is_dir() {
                    folders.push(entry.path());
                } else if meta.is_file()
                    && entry.file_name().to_str().is_some_and(is_leftover)
                    && age(&meta) > LEFTOVER_AGE
                {
                    found.push(entry.path());
                }
            }
        }
        Ok(found)
    }
}

/// Whether a file is one that the object store was still writing: `name#N` beside `name`.
fn is_leftover(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(name, number)| {
        key::is_sound(name) && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    })
}

/// Whether a file of the cache has no name of its own yet: `.tmp` and something random.
fn is_unnamed(name: &str) -> bool {
    name.strip_prefix(".tmp").is_some_and(|random| {
        !random.is_empty() && random.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

fn look(path: &Path) -> Result<Option<Metadata>, Refusal> {
    match fs::symlink_metadata(path) {
        Ok(meta) => Ok(Some(meta)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Refusal::Io(error)),
    }
}

fn modified(meta: &Metadata) -> Timestamp {
    meta.modified()
        .ok()
        .and_then(|time| Timestamp::try_from(time).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

/// What no later file of that name shares with this one, but by a change within the same moment: its
/// number on the disk, and when anything about it was changed last, which nobody can set.
fn stamp(meta: &Metadata) -> u64 {
    let parts = [meta.ino().cast_signed(), meta.ctime(), meta.ctime_nsec()];
    let bytes: Vec<u8> = parts.into_iter().flat_map(i64::to_le_bytes).collect();
    xxh3_64(&bytes)
}

fn changed(meta: &Metadata) -> Timestamp {
    let nanoseconds = i32::try_from(meta.ctime_nsec()).unwrap_or_default();
    Timestamp::new(meta.ctime(), nanoseconds).unwrap_or(Timestamp::MAX)
}

fn age(meta: &Metadata) -> Duration {
    let modified = meta.modified().unwrap_or_else(|_| SystemTime::now());
    SystemTime::now().duration_since(modified).unwrap_or_default()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
