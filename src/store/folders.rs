//! The objects of some folders, listed again only when they may have changed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::watch::Watch;
use super::{Meta, Store};
use crate::error::Result;

/// How long a listing is relied on at most, however quiet it is: a few ways of changing a file are
/// told by nobody.
const RELIED_ON: Duration = Duration::from_secs(1);

/// Some folders of a store.
pub(crate) struct Folders {
    store: Store,
    names: Vec<String>,
    /// `None` where nobody tells of changes, or nobody asked to be told.
    watched: Mutex<Option<Watched>>,
}

/// What was found at one moment: the objects of each folder, in the order of the folders. As long as
/// it is known that nothing changes, every reading gives the same one.
pub(crate) type Listing = Arc<Objects>;

/// The objects of each folder.
pub(crate) type Objects = Vec<Vec<Meta>>;

struct Watched {
    watch: Watch,
    listing: Option<(Listing, Instant)>,
}

impl Folders {
    /// These folders of a store; they are listed in their order.
    pub(crate) fn new(store: Store, names: Vec<String>) -> Self {
        Self { store, names, watched: Mutex::default() }
    }

    /// Has the folders watched from now on, where that can be done: to be read often then costs
    /// little.
    pub(crate) fn watch(&self) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if watched.is_none() {
            let watch = self.store.path().and_then(Watch::below);
            *watched = watch.map(|watch| Watched { watch, listing: None });
        }
    }

    /// What is there now, whoever wrote it: never what was there before.
    pub(crate) fn read(&self) -> Result<Listing> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Watched { watch, listing }) = &mut *watched else {
            drop(watched);
            return self.list();
        };
        let quiet = watch.is_quiet();
        if let Some((listing, at)) = listing.as_ref().filter(|_| quiet)
            && at.elapsed() < RELIED_ON
        {
            return Ok(Arc::clone(listing));
        }
        *listing = None;
        let at = Instant::now();
        let whole = watch.renew(&self.names);
        let found = self.list()?;
        if whole {
            *listing = Some((Arc::clone(&found), at));
        }
        Ok(found)
    }

    fn list(&self) -> Result<Listing> {
        let listed = self.names.iter().map(|name| self.store.list(name));
        listed.collect::<Result<_>>().map(Arc::new)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;

    use super::*;

    struct Scene {
        folder: tempfile::TempDir,
        folders: Folders,
    }

    impl Scene {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let store = Store::directory(folder.path()).expect("a store");
            let names = ["snapshots/periodic", "snapshots/rewind"].map(str::to_owned);
            let folders = Folders::new(store, names.into());
            folders.watch();
            Self { folder, folders }
        }

        /// Another process does something in the store's folder.
        fn other(&self, commands: &str) {
            let done = Command::new("sh")
                .args(["-euc", commands])
                .current_dir(self.folder.path())
                .status()
                .expect("a shell");
            assert!(done.success(), "{commands}");
        }

        fn names(&self) -> Vec<String> {
            let listing = self.folders.read().expect("a listing");
            let name = |meta: &Meta| PathBuf::from(&meta.key).file_name().map(ToOwned::to_owned);
            listing.iter().flatten().filter_map(name).filter_map(|n| n.into_string().ok()).collect()
        }
    }

    #[test]
    fn a_change_by_another_process_shows_in_the_very_next_listing() {
        let scene = Scene::new();
        assert!(scene.names().is_empty());
        let steps: [(&str, &[&str]); 12] = [
            ("mkdir -p snapshots/periodic", &[]),
            ("echo 1 > snapshots/periodic/a.json", &["a.json"]),
            ("mkdir snapshots/rewind; echo 1 > snapshots/rewind/b.json", &["a.json", "b.json"]),
            ("mv snapshots/periodic/a.json snapshots/periodic/c.json", &["c.json", "b.json"]),
            ("mv snapshots/rewind kept", &["c.json"]),
            ("mv kept snapshots/rewind", &["c.json", "b.json"]),
            (
                "mkdir other; echo 1 > other/d.json; rm -r snapshots/rewind; mv other snapshots/rewind",
                &["c.json", "d.json"],
            ),
            ("echo 1 > snapshots/rewind/e.json", &["c.json", "d.json", "e.json"]),
            ("rm snapshots/rewind/d.json", &["c.json", "e.json"]),
            ("mv snapshots away; mkdir -p snapshots/periodic", &[]),
            ("echo 1 > snapshots/periodic/f.json", &["f.json"]),
            ("rm -r snapshots; mv away snapshots", &["c.json", "e.json"]),
        ];
        for (commands, names) in steps {
            scene.other(commands);
            assert_eq!(scene.names(), names, "{commands}");
        }
    }

    #[test]
    fn a_file_that_keeps_its_name_and_size_is_another_one_in_the_next_listing() {
        let scene = Scene::new();
        scene.other("mkdir -p snapshots/periodic; echo 1 > snapshots/periodic/a.json");
        let seen = || Arc::clone(&scene.folders.read().expect("a listing"));
        for commands in [
            "echo 2 > snapshots/periodic/a.json",
            "echo 3 > b; mv b snapshots/periodic/a.json",
            "echo 4 > b; touch -r snapshots/periodic/a.json b; mv b snapshots/periodic/a.json",
            "chmod 600 snapshots/periodic/a.json",
            "touch -d yesterday snapshots/periodic/a.json",
        ] {
            let before = seen();
            scene.other(commands);
            let after = seen();
            assert!(!Arc::ptr_eq(&before, &after), "{commands}");
            assert_ne!(before[0][0].stamp, after[0][0].stamp, "{commands}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_quiet_folder_is_not_listed_again() {
        let scene = Scene::new();
        scene.other("mkdir -p snapshots/periodic; echo 1 > snapshots/periodic/a.json");
        // A machine that stands still for a second in between lists again, and rightly so.
        let kept = (0..100).any(|_| {
            let before = scene.folders.read().expect("a listing");
            Arc::ptr_eq(&before, &scene.folders.read().expect("a listing"))
        });
        assert!(kept);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn two_watches_of_one_folder_both_hear_and_one_goes_on_when_the_other_ends() {
        let scene = Scene::new();
        scene.other("mkdir -p snapshots/periodic");
        let other = Folders::new(scene.folders.store.clone(), scene.folders.names.clone());
        other.watch();
        let count = |folders: &Folders| folders.read().expect("a listing")[0].len();
        assert_eq!((count(&scene.folders), count(&other)), (0, 0));
        scene.other("echo 1 > snapshots/periodic/a.json");
        assert_eq!((count(&other), count(&scene.folders)), (1, 1));
        drop(other);
        scene.other("echo 1 > snapshots/periodic/b.json");
        assert_eq!(count(&scene.folders), 2);
    }
}
