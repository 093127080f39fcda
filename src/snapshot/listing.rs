//! The list as people see it, and what else a page says of the present: made anew only when what it
//! tells of has changed.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::Core;
use super::catalog::{self, Listed};
use super::clock::whole_second;
use super::facts::{Activity, Entry, List};
use super::{activity, label, retain};
use crate::database::Version;
use crate::error::Result;
use crate::memo::{Memo, Same};

/// What was made last.
#[derive(Default)]
pub(crate) struct Lists {
    list: Mutex<Option<(Made, Arc<List>)>>,
    present: Memo<Version, Arc<Present>>,
    activity: Memo<(Version, Timestamp, usize, Timestamp), Option<Activity>>,
}

/// What a list is made of, besides the database's position. What is said of the future changes with
/// the time; it is told for the second.
#[derive(PartialEq)]
struct Made {
    files: Same<Vec<Listed>>,
    labels: Same<label::All>,
    second: Timestamp,
}

/// What the database tells of itself.
pub(crate) struct Present {
    pub(crate) position: Option<i64>,
    pub(crate) bytes: u64,
    pub(crate) journal_mode: String,
}

/// Every snapshot, newest first: the same list as before while nothing in it has changed.
pub(crate) fn list(core: &Core) -> Result<Arc<List>> {
    let second = whole_second(core.now());
    // In this order: a snapshot that is listed has its label, and a position that was reached.
    let files = core.catalog.list()?;
    core.lasting().schedule.learn(&files);
    let labels = core.labels.read_all()?;
    let position = core.position()?;
    let made = Made { files: Same(files), labels: Same(labels), second };
    let kept = || core.lists.list.lock().unwrap_or_else(PoisonError::into_inner);
    let known = kept().as_ref().filter(|(of, _)| *of == made).map(|(_, list)| Arc::clone(list));
    let list = match known {
        Some(list) if list.current_event_log_max_id == position => return Ok(list),
        Some(list) => moved(&list, position),
        None => make(core, &made, position),
    };
    let list = Arc::new(list);
    *kept() = Some((made, Arc::clone(&list)));
    Ok(list)
}

fn make(core: &Core, made: &Made, position: Option<i64>) -> List {
    let label = |listed: &Listed| {
        made.labels.0.get(&listed.snapshot).map(|found| found.label.clone()).unwrap_or_default()
    };
    let files = made.files.0.iter();
    let mut snapshots: Vec<Entry> =
        files.map(|listed| listed.entry(label(listed), position)).collect();
    let verdicts = retain::verdicts(&snapshots, &core.options.retention, made.second);
    for (entry, verdict) in snapshots.iter_mut().zip(verdicts) {
        entry.retention = Some(verdict.fate);
    }
    List { current_event_log_max_id: position, snapshots }
}

/// The same list at another position.
fn moved(list: &List, position: Option<i64>) -> List {
    let mut list = list.clone();
    list.current_event_log_max_id = position;
    for entry in &mut list.snapshots {
        entry.event_delta = catalog::behind(position, entry.last_event_id);
    }
    list
}

/// What the database tells of itself now.
pub(crate) fn present(core: &Core) -> Result<Arc<Present>> {
    let database = &core.database;
    core.lists.present.get(database.version(), || {
        let transaction = database.read()?;
        let view = transaction.view();
        Ok(Arc::new(Present {
            position: database.event_log().map(|log| view.position(log)).transpose()?,
            bytes: view.bytes()?,
            journal_mode: view.journal_mode()?,
        }))
    })
}

/// Events over time.
pub(crate) fn activity(
    core: &Core,
    since: Timestamp,
    intervals: usize,
) -> Result<Option<Activity>> {
    let now = whole_second(core.now());
    let key = core.database.version().map(|version| (version, since, intervals, now));
    core.lists.activity.get(key, || activity::activity(core, since, now, intervals))
}
