//! Which snapshots there are: manifests and foreign files, read once and kept while unchanged.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::facts::{Entry, State};
use super::foreign::{self, Foreign};
use super::id::{Kind, SnapshotId, SnapshotRef};
use super::label::{self, Label};
use super::manifest::{self, Manifest};
use crate::error::{Error, ErrorKind, Result};
use crate::memo::{Memo, Same};
use crate::store::{Folders, Listing, Meta, Objects, Store, fresh_name};

/// How far the file's time may be from the manifest's before the list says so.
const COPIED_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// The snapshots of a store.
pub(crate) struct Catalog {
    store: Store,
    folders: Folders,
    known: Mutex<HashMap<String, Known>>,
    all: Memo<Same<Objects>, Arc<Vec<Listed>>>,
}

/// A file that was read, and what it was like then: while it is that, it is not read again.
struct Known {
    meta: Meta,
    settled: bool,
    found: Found,
}

/// What a file turned out to be.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// A snapshot of Snapback's own.
    Stored(Arc<Manifest>),
    /// A whole snapshot in one file, written by others.
    Foreign(Arc<Foreign>),
    /// Neither; the reason.
    Damaged(String),
}

/// A look at one file.
struct Look {
    listed: Listed,
    /// Whether it could not be read, for a reason that may pass.
    failed: bool,
}

/// One file of the list.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) snapshot: SnapshotRef,
    pub(crate) size: u64,
    pub(crate) modified: Timestamp,
    pub(crate) found: Found,
}

impl Listed {
    /// When it was taken.
    pub(crate) fn created_at(&self) -> Timestamp {
        match &self.found {
            Found::Stored(manifest) => manifest.created_at,
            Found::Foreign(_) | Found::Damaged(_) => self.modified,
        }
    }

    /// What the newest first goes by.
    fn order(&self) -> Timestamp {
        self.snapshot.id.order(self.created_at())
    }

    /// Its position.
    pub(crate) fn position(&self) -> Option<i64> {
        match &self.found {
            Found::Stored(manifest) => manifest.last_event_id,
            Found::Foreign(foreign) => foreign.last_event_id,
            Found::Damaged(_) => None,
        }
    }

    /// The file as the list shows it, `position` being where the database is now.
    pub(crate) fn entry(&self, label: Label, position: Option<i64>) -> Entry {
        let (stored, foreign) = match &self.found {
            Found::Stored(manifest) => (Some(manifest), None),
            Found::Foreign(foreign) => (None, Some(foreign)),
            Found::Damaged(_) => (None, None),
        };
        let last_event_id = self.position();
        let created_at = self.created_at();
        Entry {
            snapshot_id: self.snapshot.id.clone(),
            kind: self.snapshot.kind,
            filename: format!("{}.json", self.snapshot.id),
            created_at,
            copied_at: (self.modified.duration_since(created_at).abs() > COPIED_AFTER)
                .then_some(self.modified),
            file_size_bytes: Some(self.size + stored.map_or(0, |manifest| manifest.stored_bytes)),
            last_event_id,
            event_delta: behind(position, last_event_id),
            rows: stored.map(|manifest| manifest.rows()).or(foreign.map(|foreign| foreign.rows())),
            new_bytes: Some(self.size + stored.map_or(0, |manifest| manifest.new_bytes)),
            state: if matches!(self.found, Found::Damaged(_)) {
                State::Damaged
            } else {
                State::Intact
            },
            reason: match &self.found {
                Found::Damaged(reason) => Some(reason.clone()),
                _ => None,
            },
            note: label.note,
            pinned: label.pinned,
            cause: stored.and_then(|manifest| manifest.cause.clone()),
            retention: None,
        }
    }

    /// Whether Snapback wrote it: its name is an id of Snapback's own form.
    pub(crate) fn is_own(&self) -> bool {
        self.snapshot.id.moment().is_some()
    }

    /// The error of using it; `None` when it is sound.
    pub(crate) fn damage(&self) -> Option<Error> {
        match &self.found {
            Found::Damaged(reason) => Some(
                Error::damaged(format!("the snapshot is damaged: {reason}"))
                    .on(&self.snapshot)
                    .hint("restore another snapshot; delete this one when it is not needed"),
            ),
            _ => None,
        }
    }
}

impl Catalog {
    /// The snapshots of `store`.
    pub(crate) fn new(store: Store) -> Self {
        let folders = Kind::ALL.map(|kind| format!("snapshots/{kind}"));
        let folders = Folders::new(store.clone(), folders.into());
        Self { store, folders, known: Mutex::default(), all: Memo::default() }
    }

    /// Prepares for being listed often.
    pub(crate) fn watch(&self) {
        self.folders.watch();
    }

    /// The key of a snapshot's file.
    pub(crate) fn key(snapshot: &SnapshotRef) -> String {
        format!("snapshots/{}/{}.json", snapshot.kind, snapshot.id)
    }

    /// Every file of both kinds, newest first; the kinds of one moment in their order. The same list
    /// as before while nothing has changed.
    pub(crate) fn list(&self) -> Result<Arc<Vec<Listed>>> {
        let now = Timestamp::now();
        let listing = self.folders.read()?;
        let listed = self.all.get(Some(Same(Arc::clone(&listing))), || {
            let (listed, whole) = self.look_at_all(&listing, now);
            // What could not be read is tried again the next time.
            if whole { Ok(Arc::new(listed)) } else { Err(Arc::new(listed)) }
        });
        Ok(listed.unwrap_or_else(|unread| unread))
    }

    /// Every file of a listing, and whether all of them could be read.
    fn look_at_all(&self, listing: &Listing, now: Timestamp) -> (Vec<Listed>, bool) {
        let files: Vec<(SnapshotRef, &Meta)> = Kind::ALL
            .into_iter()
            .zip(listing.iter())
            .flat_map(|(kind, metas)| metas.iter().map(move |meta| (kind, meta)))
            .filter_map(|(kind, meta)| named(kind, &meta.key).map(|snapshot| (snapshot, meta)))
            .collect();
        let looks = self
            .store
            .several_at_a_time(&files, |(snapshot, meta)| self.look(snapshot.clone(), meta, now));
        let whole = looks.iter().flatten().all(|look| !look.failed);
        let mut listed: Vec<Listed> = looks.into_iter().flatten().map(|look| look.listed).collect();
        let seen: HashSet<&str> = files.iter().map(|(_, meta)| meta.key.as_str()).collect();
        self.known().retain(|key, _| seen.contains(key.as_str()));
        listed.sort_by(|a, b| {
            (b.order(), &b.snapshot.id)
                .cmp(&(a.order(), &a.snapshot.id))
                .then(a.snapshot.kind.cmp(&b.snapshot.kind))
        });
        (listed, whole)
    }

    /// One file, damaged or not.
    pub(crate) fn find(&self, snapshot: &SnapshotRef) -> Result<Listed> {
        let (key, now) = (Self::key(snapshot), Timestamp::now());
        let metas = self.store.list(&format!("snapshots/{}", snapshot.kind))?;
        let meta = metas.iter().find(|meta| meta.key == key);
        let look = meta.and_then(|meta| self.look(snapshot.clone(), meta, now));
        look.map(|look| look.listed).ok_or_else(|| no_such(snapshot))
    }

    /// One file that can be used; else the error that says why not.
    pub(crate) fn sound(&self, snapshot: &SnapshotRef) -> Result<Listed> {
        let listed = self.find(snapshot)?;
        match listed.damage() {
            Some(damage) => Err(damage),
            None => Ok(listed),
        }
    }

    /// A new id: the second of `now`, or the next one behind the newest id there ever was. In a
    /// store that would let two writers of one id both win, a random suffix keeps ids apart. The
    /// caller holds the store's lock.
    pub(crate) fn next_id(&self, now: Timestamp) -> Result<SnapshotId> {
        let mut newest = label::newest_id(&self.store)?.and_then(|id| id.moment());
        for kind in Kind::ALL {
            for meta in self.store.list(&format!("snapshots/{kind}"))? {
                newest =
                    newest.max(named(kind, &meta.key).and_then(|snapshot| snapshot.id.moment()));
            }
        }
        let moment = match newest {
            Some(newest) if newest.as_second() >= now.as_second() => newest
                .checked_add(SignedDuration::from_secs(1))
                .map_err(|error| Error::failed("there is no later id").because(error))?,
            _ => now,
        };
        Ok(if self.store.keeps_create_only()? {
            SnapshotId::at(moment)
        } else {
            SnapshotId::with_suffix(moment, &fresh_name()[..4])
        })
    }

    /// Writes a manifest that does not exist yet, its label before it: what is listed has its note.
    /// A label without a snapshot is never seen, as its id is never given again. The caller holds
    /// the store's lock.
    pub(crate) fn add(&self, manifest: &Manifest, label: &Label) -> Result<()> {
        let snapshot = SnapshotRef::new(manifest.kind, manifest.snapshot_id.clone());
        label::keep_newest_id(&self.store, &snapshot.id)?;
        if *label != Label::default() {
            label::write(&self.store, &snapshot, label)?;
        }
        if self.store.put_new(&Self::key(&snapshot), manifest.to_bytes()?)? {
            Ok(())
        } else {
            Err(Error::conflict("a snapshot of this name exists already")
                .on(snapshot)
                .hint("try again"))
        }
    }

    /// Takes over a foreign file that does not exist yet, as a stream. The caller holds the store's
    /// lock.
    pub(crate) fn add_file(
        &self,
        snapshot: &SnapshotRef,
        mut file: impl std::io::Read,
    ) -> Result<()> {
        label::keep_newest_id(&self.store, &snapshot.id)?;
        let mut upload = self.store.upload(&Self::key(snapshot))?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = file.read(&mut buffer).map_err(|error| {
                Error::failed("the file cannot be read").on(snapshot).because(error)
            })?;
            if read == 0 {
                return upload.finish().map(drop);
            }
            upload.write(&buffer[..read])?;
        }
    }

    /// Removes a snapshot's file and its label. `false` when there was none.
    pub(crate) fn remove(&self, snapshot: &SnapshotRef) -> Result<bool> {
        let removed = self.store.delete(&Self::key(snapshot))?;
        // The snapshot is gone, whatever becomes of what was written beside it.
        if let Err(error) = label::remove(&self.store, snapshot) {
            tracing::warn!(%error, "a label stays behind its snapshot");
        }
        Ok(removed)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` when the file has gone since it was listed.
    fn look(&self, snapshot: SnapshotRef, meta: &Meta, now: Timestamp) -> Option<Look> {
        let (size, modified) = (meta.size, meta.modified);
        let known = self
            .known()
            .get(&meta.key)
            .and_then(|known| (known.settled && known.meta == *meta).then(|| known.found.clone()));
        if let Some(found) = known {
            let listed = Listed { snapshot, size, modified, found };
            return Some(Look { listed, failed: false });
        }
        let read = if meta.link {
            Ok(Found::Damaged("is a symbolic link, which is not followed".to_owned()))
        } else {
            self.read_file(&snapshot, meta)
        };
        let (found, failed) = match read {
            Ok(found) => (found, false),
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => (Found::Damaged(error.what()), error.kind() != ErrorKind::Damaged),
        };
        // What looks damaged may have been so on its way here only: it is looked at again, unless
        // that takes long.
        let passing = matches!(found, Found::Damaged(_)) && (failed || size <= manifest::LARGEST);
        if !passing {
            let settled = meta.is_settled(now);
            let known = Known { meta: meta.clone(), settled, found: found.clone() };
            self.known().insert(meta.key.clone(), known);
        }
        Some(Look { listed: Listed { snapshot, size, modified, found }, failed })
    }

    fn read_file(&self, snapshot: &SnapshotRef, meta: &Meta) -> Result<Found> {
        use std::io::Read as _;

        // A file of another store, size or time is another file.
        let modified = meta.modified.as_nanosecond();
        let as_it_is = (self.store.location(), &meta.key, meta.size, modified, meta.stamp);
        let cached_as =
            format!("{}.manifest", blake3::hash(format!("{as_it_is:?}").as_bytes()).to_hex());
        if let Some(bytes) = self.store.cache().and_then(|cache| cache.get(&cached_as))
            && let Ok(manifest) = Manifest::from_bytes(&bytes, snapshot)
        {
            return Ok(Found::Stored(Arc::new(manifest)));
        }
        let mut file = self.store.reader(&meta.key)?;
        let mut opening = Vec::new();
        let unreadable = |error: std::io::Error| Error::failed("cannot be read").because(error);
        file.by_ref().take(16).read_to_end(&mut opening).map_err(unreadable)?;
        if Manifest::begins(&opening) {
            return match self.store.get(&meta.key, manifest::LARGEST)? {
                Some(bytes) => {
                    let manifest = Manifest::from_bytes(&bytes, snapshot)?;
                    if let Some(cache) = self.store.cache() {
                        cache.put(&cached_as, &bytes);
                    }
                    Ok(Found::Stored(Arc::new(manifest)))
                }
                None => Err(no_such(snapshot)),
            };
        }
        let whole = std::io::Cursor::new(opening).chain(file);
        Ok(match foreign::read(whole, &mut |_, _| Ok(())) {
            Ok(foreign) => Found::Foreign(Arc::new(foreign)),
            Err(error) if error.is_io() => return Err(unreadable(error.into())),
            Err(error) => Found::Damaged(foreign::reason(&error, meta.size)),
        })
    }
}

/// How far the database is ahead of a snapshot.
pub(crate) fn behind(position: Option<i64>, last_event_id: Option<i64>) -> Option<i64> {
    position.zip(last_event_id).map(|(now, then)| now.saturating_sub(then))
}

/// The snapshot whose file a key is; `None` for other files.
fn named(kind: Kind, key: &str) -> Option<SnapshotRef> {
    let stem = key.rsplit('/').next()?.strip_suffix(".json")?;
    stem.parse().ok().map(|id| SnapshotRef::new(kind, id))
}

/// The error of naming a snapshot that does not exist.
pub(crate) fn no_such(snapshot: &SnapshotRef) -> Error {
    Error::not_found("there is no such snapshot")
        .on(snapshot)
        .hint("open the list and choose a snapshot")
}
