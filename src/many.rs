//! Many databases by name: opened when they are wanted, so many at a time, and looked at from
//! outside otherwise.
//!
//! There may be hundreds, one for each tenant of an application. What is told of all of them is
//! kept in memory and read anew only for those that have changed.

mod figures;
mod folder;
mod keep;
mod name;
mod opened;
mod place;
mod stamp;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::snapshot::{Lead, Mirror, Snapshots};
use folder::Folder;
use opened::Opened;

pub use figures::{Condition, Figures, Newest, Status};
pub use name::Name;
pub use place::Place;

/// How many databases may be open at once unless somebody says otherwise.
pub const OPEN_AT_ONCE: usize = 32;

/// How long a database stays open that nobody asks for, unless somebody says otherwise.
const IDLE: Duration = Duration::from_mins(5);

/// Several databases, each with its own store. Cheap to clone.
#[derive(Clone)]
pub struct Databases {
    inner: Arc<Inner>,
}

struct Inner {
    named: BTreeMap<Name, Place>,
    folders: Vec<Folder>,
    opened: Opened,
    /// What was found in the folders last, and what is known of every database.
    known: Mutex<figures::Known>,
    /// Held by whoever looks: one look at a time.
    looking: Mutex<()>,
}

/// Puts [`Databases`] together.
pub struct Builder {
    named: BTreeMap<Name, Place>,
    folders: Vec<Folder>,
    open_at_once: usize,
    idle: Duration,
}

impl Default for Builder {
    fn default() -> Self {
        Self { named: BTreeMap::new(), folders: Vec::new(), open_at_once: OPEN_AT_ONCE, idle: IDLE }
    }
}

impl Builder {
    /// How many databases may be open at once, one at least.
    #[must_use]
    pub fn open_at_once(mut self, count: usize) -> Self {
        self.open_at_once = count;
        self
    }

    /// How long a database stays open that nobody asks for: five minutes if nothing is said.
    #[must_use]
    pub fn close_after(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Adds a database. A name that is taken is an error.
    pub fn database(mut self, name: Name, place: Place) -> Result<Self> {
        if let Some(other) = self.named.get(&name) {
            return Err(Error::invalid("two databases have the same name")
                .on(&name)
                .hint(format!("give another name to one of them: NAME={}", place.path().display()))
                .details(vec![
                    other.path().display().to_string(),
                    place.path().display().to_string(),
                ]));
        }
        self.named.insert(name, place);
        Ok(self)
    }

    /// Adds the databases whose paths fit a pattern such as `tenants/*.db`, those too that come
    /// later. Each is named after its file without its ending; `place` says how it is opened.
    pub fn folder(
        mut self,
        pattern: &str,
        place: impl Fn(&Name, &std::path::Path) -> Place + Send + Sync + 'static,
    ) -> Result<Self> {
        self.folders.push(Folder::new(pattern, Box::new(place))?);
        Ok(self)
    }

    /// All of them. Nothing is opened yet.
    #[must_use]
    pub fn build(self) -> Databases {
        let inner = Inner {
            named: self.named,
            folders: self.folders,
            opened: Opened::new(self.open_at_once, self.idle),
            known: Mutex::default(),
            looking: Mutex::new(()),
        };
        Databases { inner: Arc::new(inner) }
    }
}

impl Databases {
    /// The snapshots of one database, opened if they are not. Blocks.
    ///
    /// A name that is not known is an error, and so is one more than may be open at once, when work
    /// is under way in all of those.
    pub fn open(&self, name: &Name) -> Result<Snapshots> {
        let place = self.place(name)?;
        self.inner.opened.open(name, &place)
    }

    /// Where one database is. New files of the folders are looked for when the name is not known.
    pub fn place(&self, name: &Name) -> Result<Place> {
        let found = || {
            let named = self.inner.named.get(name).cloned();
            named.or_else(|| self.known().place(name).cloned())
        };
        if let Some(place) = found() {
            return Ok(place);
        }
        self.search();
        found().ok_or_else(|| {
            Error::not_found("there is no database of this name")
                .on(name)
                .hint("open the overview and choose one")
        })
    }

    /// The names of the databases that there are now; folders are looked into. Blocks.
    #[must_use]
    pub fn names(&self) -> Vec<Name> {
        self.search();
        self.known().names()
    }

    /// Gives hooks under way so much time to end, in every database that is open.
    pub(crate) fn end_hooks_within(&self, time: Duration) {
        self.inner.opened.each(|snapshots| snapshots.end_hooks_within(time));
    }

    /// Leaves it to other consoles to take checkpoints of the databases by themselves. Blocks.
    pub(crate) fn step_down(&self) {
        self.leads().iter().for_each(|lead| lead.step_down());
    }

    /// What copies to the mirrors of the open databases.
    pub(crate) fn mirrors(&self) -> Vec<Arc<Mirror>> {
        self.inner.opened.each(Snapshots::mirror).into_iter().flatten().collect()
    }

    /// The leads of the open databases with a schedule.
    fn leads(&self) -> Vec<Arc<Lead>> {
        self.inner.opened.each(Snapshots::lead).into_iter().flatten().collect()
    }

    /// How many databases are open now.
    #[must_use]
    pub fn open_now(&self) -> usize {
        self.inner.opened.count()
    }

    /// How many may be open at once.
    #[must_use]
    pub fn open_at_once(&self) -> usize {
        self.inner.opened.limit()
    }

    fn known(&self) -> MutexGuard<'_, figures::Known> {
        self.inner.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
