//! What is known of every database without opening it: read once, and anew when it has changed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::keep::Tried;
use super::name::Name;
use super::place::Place;
use super::stamp::Stamp;
use super::{Databases, folder, stamp};
use crate::error::{Error, ErrorKind, Result};
use crate::snapshot::tally::Tally;
use crate::snapshot::{Kind, KindNumbers, LastVerify, SnapshotRef, Snapshots, State};

/// How many databases one look reads anew at most: those that changed; one that was never read
/// comes on top.
const PER_LOOK: usize = 32;

/// How often what tells nothing from outside is read.
const UNSTAMPED: Duration = Duration::from_mins(1);

/// What is told of one database among many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// The event log's position; `None` without a log or events.
    pub position: Option<i64>,
    /// The database's size in bytes.
    pub database_bytes: u64,
    /// How many snapshots of both kinds there are.
    pub snapshots: usize,
    /// How many of them cannot be read.
    pub damaged: usize,
    /// The newest intact snapshot of either kind.
    pub newest: Option<Newest>,
    /// When the next checkpoint is due by the clock.
    pub next_take: Option<Timestamp>,
    /// The position at which it is, if events tell.
    pub next_take_position: Option<i64>,
    /// Whether this console takes it, and no other one on the same store; `None` before that was asked.
    pub leads: Option<bool>,
    /// The snapshots of each kind.
    #[serde(skip)]
    pub(crate) kinds: [KindNumbers; 2],
}

/// A snapshot, and when it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Newest {
    /// The snapshot.
    pub snapshot: SnapshotRef,
    /// When it was taken.
    pub created_at: Timestamp,
}

impl Figures {
    pub(super) fn read(snapshots: &Snapshots) -> Result<Self> {
        let (list, now) = (snapshots.list()?, snapshots.now()?);
        let newest = list.snapshots.iter().find(|entry| entry.state == State::Intact);
        let kinds = Kind::ALL.map(|kind| list.numbers(kind));
        Ok(Self {
            position: now.position,
            database_bytes: now.bytes,
            snapshots: list.snapshots.len(),
            damaged: kinds.iter().map(|kind| kind.damaged).sum(),
            newest: newest
                .map(|entry| Newest { snapshot: entry.snapshot(), created_at: entry.created_at }),
            next_take: now.next_take,
            next_take_position: now.next_take_position,
            leads: now.leads,
            kinds,
        })
    }
}

/// How it stands with one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// It was not looked at yet.
    Unread,
    /// It can be opened.
    Ready,
    /// It cannot be opened, and the reason is known.
    Failed,
}

/// One database, as an overview shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// Its name; that of its file when that cannot be a name.
    #[serde(rename = "database")]
    pub title: String,
    /// Its name, when it has one and can be asked for.
    #[serde(skip)]
    pub name: Option<Name>,
    /// Its file.
    pub path: String,
    /// How it stands with it.
    #[serde(rename = "state")]
    pub condition: Condition,
    /// Why it cannot be opened.
    pub reason: Option<String>,
    /// What to do about that.
    pub hint: Option<String>,
    /// What was read last, when it could be read.
    #[serde(flatten)]
    pub figures: Option<Figures>,
}

/// What was done to one database since the process began, whether it is open or not.
pub(crate) struct Deeds {
    pub(crate) tally: Tally,
    pub(crate) last_verify: Option<LastVerify>,
}

/// What is known of every database.
#[derive(Default)]
pub(super) struct Known {
    databases: BTreeMap<Name, Watched>,
    /// Files of the folders that cannot be served, by their paths, and why.
    misfits: BTreeMap<String, Error>,
}

struct Watched {
    place: Place,
    stamp: Option<Stamp>,
    read: Option<(Instant, Result<Figures>)>,
    tried: Tried,
}

impl Known {
    pub(super) fn place(&self, name: &Name) -> Option<&Place> {
        self.databases.get(name).map(|watched| &watched.place)
    }

    pub(super) fn names(&self) -> Vec<Name> {
        self.databases.keys().cloned().collect()
    }

    /// Takes over which databases there are; what is known of those that stay is kept. The answer
    /// is those that are gone.
    fn replace(
        &mut self,
        found: BTreeMap<Name, Place>,
        misfits: BTreeMap<String, Error>,
    ) -> Vec<Name> {
        let mut before = std::mem::take(&mut self.databases);
        for (name, place) in found {
            let watched =
                before.remove(&name).filter(|watched| watched.place.path() == place.path());
            let watched = watched.unwrap_or(Watched::new(place));
            self.databases.insert(name, watched);
        }
        self.misfits = misfits;
        before.into_keys().collect()
    }

    pub(super) fn learn(&mut self, name: &Name, stamp: Option<Stamp>, figures: Result<Figures>) {
        let Some(watched) = self.databases.get_mut(name) else { return };
        let is_busy = figures.as_ref().is_err_and(|error| error.kind() == ErrorKind::Busy);
        // What was busy is no worse for that, and is looked at again.
        if !(is_busy && watched.read.is_some()) {
            watched.stamp = stamp.filter(|_| !is_busy);
            watched.read = Some((Instant::now(), figures));
        }
    }

    /// Those whose schedules say that a checkpoint is due.
    pub(super) fn due(&self, now: Timestamp) -> Vec<Name> {
        let due = self.databases.iter().filter(|(_, watched)| {
            let figures = watched.figures();
            figures.is_some_and(|figures| watched.tried.is_due(figures, now))
        });
        due.map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn is_scheduled(&self) -> bool {
        self.databases.values().any(|watched| !watched.place.schedule().is_empty())
    }

    /// A checkpoint was due, and could not be taken.
    pub(super) fn put_off(&mut self, name: &Name, until: Timestamp) {
        if let Some(watched) = self.databases.get_mut(name) {
            watched.tried.until = Some(until);
        }
    }

    fn statuses(&self) -> Vec<Status> {
        let served = self.databases.iter().map(|(name, watched)| {
            let read = watched.read.as_ref().map(|(_, read)| read);
            Status {
                title: name.to_string(),
                name: Some(name.clone()),
                path: watched.place.path().display().to_string(),
                condition: match read {
                    None => Condition::Unread,
                    Some(Ok(_)) => Condition::Ready,
                    Some(Err(_)) => Condition::Failed,
                },
                reason: read.and_then(|read| read.as_ref().err()).map(Error::what),
                hint: read
                    .and_then(|read| read.as_ref().err())
                    .map(|error| error.next_step().to_owned()),
                figures: read.and_then(|read| read.as_ref().ok()).cloned(),
            }
        });
        let misfits = self.misfits.iter().map(|(path, error)| Status {
            title: error.thing().to_owned(),
            name: None,
            path: path.clone(),
            condition: Condition::Failed,
            reason: Some(error.what()),
            hint: Some(error.next_step().to_owned()),
            figures: None,
        });
        let mut statuses: Vec<Status> = served.chain(misfits).collect();
        statuses.sort_by(|a, b| a.title.cmp(&b.title));
        statuses
    }

    fn watched(&self) -> Vec<(Name, Seen)> {
        let seen = |watched: &Watched| Seen {
            place: watched.place.clone(),
            stamp: watched.stamp.clone(),
            read_at: watched.read.as_ref().map(|(at, _)| *at),
            failed: watched.read.as_ref().is_some_and(|(_, read)| read.is_err()),
        };
        self.databases.iter().map(|(name, watched)| (name.clone(), seen(watched))).collect()
    }
}

impl Watched {
    fn new(place: Place) -> Self {
        Self { place, stamp: None, read: None, tried: Tried::default() }
    }

    fn figures(&self) -> Option<&Figures> {
        self.read.as_ref().and_then(|(_, read)| read.as_ref().ok())
    }
}

/// A database as it was when it was looked at last.
struct Seen {
    place: Place,
    stamp: Option<Stamp>,
    read_at: Option<Instant>,
    failed: bool,
}

impl Seen {
    /// Whether it is to be read anew, if it looks like this now.
    fn is_old(&self, now: Option<&Stamp>) -> bool {
        let Some(read_at) = self.read_at else { return true };
        let waited = read_at.elapsed() > UNSTAMPED;
        match (&self.stamp, now) {
            (Some(then), Some(now)) => !then.still_holds(now) || (self.failed && waited),
            (None, Some(_)) => true,
            (_, None) => waited,
        }
    }
}

impl Databases {
    /// How it stands with every database, as it was when they were looked at last. Reads nothing.
    #[must_use]
    pub fn statuses(&self) -> Vec<Status> {
        self.known().statuses()
    }

    /// What was done to a database in this process; `None` when it was never opened.
    pub(crate) fn deeds(&self, name: &Name) -> Option<Deeds> {
        let lasting = self.inner.opened.lasting(name)?;
        Some(Deeds { tally: lasting.tally(), last_verify: lasting.last_verify() })
    }

    /// Looks for files that came or went, and reads anew what may have changed, unless somebody
    /// else is at it. Blocks. Databases that are not open are opened one after the other, and
    /// closed again.
    pub fn look(&self) {
        let Ok(_looking) = self.inner.looking.try_lock() else { return };
        self.search();
        for (name, place, stamp, is_new) in self.to_read() {
            let figures = self.in_passing(&name, &place, |snapshots| {
                if is_new {
                    // What an earlier run of the program did not get done.
                    snapshots.catch_up();
                }
                Figures::read(snapshots)
            });
            self.known().learn(&name, stamp, figures);
        }
        self.inner.opened.close_idle();
    }

    /// Works with a database, and leaves it open only if it was open before.
    pub(super) fn in_passing<T>(
        &self,
        name: &Name,
        place: &Place,
        work: impl FnOnce(&Snapshots) -> Result<T>,
    ) -> Result<T> {
        let was_open = self.inner.opened.is_open(name);
        let outcome = self.inner.opened.open(name, place).and_then(|snapshots| work(&snapshots));
        if !was_open {
            self.inner.opened.close(name);
        }
        outcome
    }

    /// Those never read, which the answer says of them, and of those that may have changed the ones whose figures are oldest.
    fn to_read(&self) -> Vec<(Name, Place, Option<Stamp>, bool)> {
        let watched = self.known().watched();
        let mut old: Vec<_> = watched
            .into_iter()
            .filter_map(|(name, seen)| {
                let stamp = Stamp::of(&seen.place);
                seen.is_old(stamp.as_ref()).then_some((seen.read_at, name, seen.place, stamp))
            })
            .collect();
        old.sort_by_key(|(read_at, ..)| *read_at);
        let unread = old.iter().filter(|(read_at, ..)| read_at.is_none()).count();
        old.truncate(unread + PER_LOOK);
        old.into_iter()
            .map(|(read_at, name, place, stamp)| (name, place, stamp, read_at.is_none()))
            .collect()
    }

    /// Finds out which databases there are.
    pub(super) fn search(&self) {
        let mut found = self.inner.named.clone();
        let mut misfits = BTreeMap::new();
        for fit in self.inner.folders.iter().flat_map(folder::Folder::search) {
            let path = fit.path.display().to_string();
            match fit.place {
                Err(error) => {
                    misfits.insert(
                        path,
                        error.hint("rename the file, or give it a name with --db NAME=FILE"),
                    );
                }
                Ok((name, place)) => match found.get(&name) {
                    // A file that is named and fits a pattern too is one database.
                    Some(other) if stamp::File::at(other.path()) == stamp::File::at(&fit.path) => {}
                    Some(other) => {
                        let error =
                            Error::invalid("another database has this name").on(&name).hint(
                                format!("rename the file: {} has the name", other.path().display()),
                            );
                        misfits.insert(path, error);
                    }
                    None => {
                        found.insert(name, place);
                    }
                },
            }
        }
        let gone = self.known().replace(found, misfits);
        for name in gone {
            self.inner.opened.close(&name);
            self.inner.opened.forget(&name);
        }
    }
}
