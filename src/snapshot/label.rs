//! What a person may change about a snapshot later: a note, and whether retention leaves it alone.
//!
//! A label is a small JSON file beside the manifest, `labels/<kind>/<id>.json`, since a manifest
//! is never changed. Beside the labels, `labels/newest-id` holds the greatest id ever given: it
//! outlives the snapshot of that id, so that no id is given twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::memo::{Memo, Same};
use crate::store::{Folders, Listing, Meta, Objects, Store};

use super::id::{Kind, SnapshotId, SnapshotRef};

/// The most that a label may take, in bytes.
const LABEL_BYTES: u64 = 64 << 10;

const NEWEST_ID: &str = "labels/newest-id";

/// What a person wrote beside a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Label {
    /// The note; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
    /// Whether retention leaves the snapshot alone.
    #[serde(default)]
    pub(crate) pinned: bool,
}

/// A label as it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// The label; an empty one where there is none. One that cannot be read may have been a pin,
    /// so it counts as one: retention must not remove what somebody wanted kept.
    pub(crate) label: Label,
    /// Why it cannot be read.
    pub(crate) damage: Option<String>,
}

/// Reads the label of a snapshot.
pub(crate) fn read(store: &Store, snapshot: &SnapshotRef) -> Result<Found> {
    let bytes = match store.get(&key(snapshot), LABEL_BYTES) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(Found::default()),
        Err(error) if error.kind() == ErrorKind::Damaged => return Ok(damaged(&error.what())),
        Err(error) => return Err(error),
    };
    Ok(match serde_json::from_slice(&bytes) {
        Ok(label) => Found { label, damage: None },
        Err(error) => damaged(&error.to_string()),
    })
}

/// Every label of a store, each read once and kept while its file is unchanged.
pub(crate) struct Labels {
    store: Store,
    folders: Folders,
    known: Mutex<HashMap<String, Known>>,
    all: Memo<Same<Objects>, Arc<All>>,
}

/// Labels by the snapshots that they are beside.
pub(crate) type All = HashMap<SnapshotRef, Found>;

/// A label, and what its file was like when it was read.
struct Known {
    meta: Meta,
    settled: bool,
    found: Found,
}

impl Labels {
    /// The labels of `store`.
    pub(crate) fn new(store: Store) -> Self {
        let folders = Kind::ALL.map(|kind| format!("labels/{kind}"));
        let folders = Folders::new(store.clone(), folders.into());
        Self { store, folders, known: Mutex::default(), all: Memo::default() }
    }

    /// Prepares for being read often.
    pub(crate) fn watch(&self) {
        self.folders.watch();
    }

    /// Every label that there is: the same ones as before while nothing has changed.
    pub(crate) fn read_all(&self) -> Result<Arc<All>> {
        let now = Timestamp::now();
        let listing = self.folders.read()?;
        self.all.get(Some(Same(Arc::clone(&listing))), || self.read_listed(&listing, now))
    }

    fn read_listed(&self, listing: &Listing, now: Timestamp) -> Result<Arc<All>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut labels = HashMap::new();
        let mut still = HashMap::new();
        for (kind, metas) in Kind::ALL.into_iter().zip(listing.iter()) {
            for meta in metas {
                let name = meta.key.rsplit('/').next().and_then(|name| name.strip_suffix(".json"));
                let Some(Ok(id)) = name.map(str::parse) else { continue };
                let snapshot = SnapshotRef::new(kind, id);
                let unchanged =
                    known.remove(&meta.key).filter(|known| known.settled && known.meta == *meta);
                let label = match unchanged {
                    Some(known) => known,
                    None => Known {
                        meta: meta.clone(),
                        settled: meta.is_settled(now),
                        found: read(&self.store, &snapshot)?,
                    },
                };
                labels.insert(snapshot, label.found.clone());
                still.insert(meta.key.clone(), label);
            }
        }
        *known = still;
        Ok(Arc::new(labels))
    }
}

/// The longest note, in characters.
pub(crate) const LONGEST_NOTE: usize = 500;

/// A note as it was given, without space around it; `None` where nothing is left.
pub(crate) fn checked_note(note: &str) -> Result<Option<String>> {
    let note = note.trim();
    if note.chars().count() > LONGEST_NOTE {
        return Err(Error::invalid(format!("the note is longer than {LONGEST_NOTE} characters"))
            .on("note")
            .hint("shorten it"));
    }
    Ok((!note.is_empty()).then(|| note.to_owned()))
}

/// Writes the label of a snapshot; an empty one is no file.
pub(crate) fn write(store: &Store, snapshot: &SnapshotRef, label: &Label) -> Result<()> {
    if *label == Label::default() {
        return remove(store, snapshot);
    }
    let bytes = serde_json::to_vec(label).map_err(|error| {
        Error::failed("the label cannot be written").because(error).on(snapshot).hint("try again")
    })?;
    if bytes.len() as u64 > LABEL_BYTES {
        return Err(Error::new(ErrorKind::TooLarge, "the note is too long")
            .on(snapshot)
            .hint(format!("write less than {} KiB", LABEL_BYTES >> 10)));
    }
    store.put(&key(snapshot), bytes)
}

/// Removes the label of a snapshot, if there is one.
pub(crate) fn remove(store: &Store, snapshot: &SnapshotRef) -> Result<()> {
    store.delete(&key(snapshot)).map(drop)
}

/// The greatest id that was ever given in this store; `None` when that is not known.
pub(crate) fn newest_id(store: &Store) -> Result<Option<SnapshotId>> {
    match store.get(NEWEST_ID, 1 << 10) {
        Ok(bytes) => Ok(bytes.and_then(|bytes| {
            let text = str::from_utf8(&bytes).ok()?;
            text.trim_end().parse().ok()
        })),
        // A damaged mark is no mark: the ids of the snapshots that are there still count.
        Err(error) if error.kind() == ErrorKind::Damaged => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes down the greatest id that was given. The caller holds the store's lock.
pub(crate) fn keep_newest_id(store: &Store, id: &SnapshotId) -> Result<()> {
    store.put(NEWEST_ID, format!("{id}\n"))
}

fn key(snapshot: &SnapshotRef) -> String {
    format!("labels/{}/{}.json", snapshot.kind, snapshot.id)
}

fn damaged(why: &str) -> Found {
    let label = Label { note: None, pinned: true };
    Found { label, damage: Some(format!("its label cannot be read: {why}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(name: &str) -> SnapshotRef {
        name.parse().expect("a snapshot's name")
    }

    fn label(note: &str, pinned: bool) -> Label {
        Label { note: Some(note.to_owned()), pinned }
    }

    #[test]
    fn a_label_reads_back_and_goes() {
        let store = Store::memory();
        let name = snapshot("periodic/a");
        assert_eq!(read(&store, &name).expect("no label"), Found::default());
        write(&store, &name, &label("before the \"move\"\n🙂", true)).expect("written");
        let found = read(&store, &name).expect("a label");
        assert_eq!(found, Found { label: label("before the \"move\"\n🙂", true), damage: None });
        remove(&store, &name).expect("deleted");
        assert_eq!(read(&store, &name).expect("no label"), Found::default());
        remove(&store, &name).expect("nothing to delete");
    }

    #[test]
    fn an_emptied_label_leaves_no_file() {
        let store = Store::memory();
        let name = snapshot("periodic/a");
        write(&store, &name, &label("a note", false)).expect("written");
        write(&store, &name, &Label::default()).expect("emptied");
        assert!(store.list("labels/periodic").expect("a listing").is_empty());
    }

    #[test]
    fn a_damaged_label_is_told_and_counts_as_a_pin() {
        let store = Store::memory();
        write(&store, &snapshot("rewind/b"), &label("kept", true)).expect("written");
        store.put("labels/periodic/a.json", &b"{\"note\":"[..]).expect("put");
        store.put("labels/periodic/long.json", vec![b' '; 70_000]).expect("put");
        store.put("labels/periodic/notes.txt", &b"not a label"[..]).expect("put");
        let labels = Labels::new(store.clone()).read_all().expect("labels");
        assert_eq!(labels.len(), 3);
        assert_eq!(labels[&snapshot("rewind/b")].label, label("kept", true));
        for name in ["periodic/a", "periodic/long"] {
            let found = &labels[&snapshot(name)];
            assert_eq!(found.label, Label { note: None, pinned: true });
            assert!(found.damage.as_ref().is_some_and(|why| why.starts_with("its label")));
        }
    }

    #[test]
    fn labels_that_are_read_again_are_the_present_ones() {
        let store = Store::memory();
        let labels = Labels::new(store.clone());
        let name = snapshot("periodic/a");
        for note in ["one", "two", "six"] {
            write(&store, &name, &label(note, false)).expect("written");
            let found = labels.read_all().expect("labels");
            assert_eq!(found[&name].label, label(note, false));
        }
        remove(&store, &name).expect("removed");
        assert!(labels.read_all().expect("labels").is_empty());
    }

    #[test]
    fn a_note_that_could_not_be_read_back_is_refused() {
        let store = Store::memory();
        let name = snapshot("periodic/a");
        let error = write(&store, &name, &label(&"x".repeat(70_000), false)).expect_err("too long");
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert_eq!(read(&store, &name).expect("no label"), Found::default());
    }

    #[test]
    fn the_newest_id_reads_back_and_a_damaged_one_is_none() {
        let store = Store::memory();
        assert_eq!(newest_id(&store).expect("none"), None);
        let id: SnapshotId = "20261122T200446Z-2".parse().expect("an id");
        keep_newest_id(&store, &id).expect("written");
        assert_eq!(newest_id(&store).expect("an id"), Some(id));
        for damage in [&b"../x"[..], &[0xff; 3], &[b'a'; 2000], b""] {
            store.put(NEWEST_ID, damage).expect("put");
            assert_eq!(newest_id(&store).expect("none"), None);
        }
    }
}
