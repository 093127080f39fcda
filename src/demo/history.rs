//! Two weeks of the demo's past: events, snapshots between them, two mistakes and their restores.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Transaction};
use snapback::Result;
use snapback::snapshot::{LabelChange, RestoreRequest, Scope, SnapshotRef, Snapshots};

use super::past::{self, Past};
use super::random::Random;
use super::{app, cannot, failed, rhythm, stamp, story};

/// How far the history goes back.
const HOURS: u32 = 14 * 24;
/// How many events it has.
const EVENTS: u64 = 16_000;
/// How many events a mistake makes.
const BLUNDERS: u64 = 60;

/// How long ago the damaged file was copied; the list goes by that.
const COPIED_BEFORE: SignedDuration = SignedDuration::from_hours(10 * 24 + 9);

/// Something that somebody did, and how many minutes before the present.
struct Deed {
    before: i64,
    what: What,
}

enum What {
    /// A snapshot, with or without a note, by its scheduler or by hand.
    Take { note: Option<&'static str>, by: &'static str },
    /// The snapshot before is kept for good.
    Pin,
    /// Many events go wrong at once.
    Blunder,
    /// Back to the snapshot before.
    GoBack(Scope),
}

const SCHEDULER: &str = "scheduler";
const OWNER: &str = "mara";

/// Oldest first.
const DEEDS: [Deed; 13] = [
    take(days(12, 14), Some("release 2.4"), OWNER),
    Deed { before: days(12, 14) - 1, what: What::Pin },
    take(days(8, 16), Some("before the bulk edit of personas"), OWNER),
    Deed { before: days(8, 15), what: What::Blunder },
    Deed { before: days(7, 22), what: What::GoBack(Scope::Tables) },
    take(days(5, 12), Some("personas reviewed one by one"), OWNER),
    take(days(3, 4), None, SCHEDULER),
    take(days(1, 4), Some("before the search index was changed"), OWNER),
    take(days(0, 9), None, SCHEDULER),
    take(125, None, SCHEDULER),
    Deed { before: 100, what: What::Blunder },
    Deed { before: 88, what: What::GoBack(Scope::Rewind) },
    take(12, Some("before the persona import"), OWNER),
];

const fn days(days: i64, hours: i64) -> i64 {
    (days * 24 + hours) * 60
}

const fn take(before: i64, note: Option<&'static str>, by: &'static str) -> Deed {
    Deed { before, what: What::Take { note, by } }
}

/// What the history is written with.
pub(super) struct Author<'a> {
    pub(super) chats: Connection,
    /// They go by the clock of the past.
    pub(super) snapshots: &'a Snapshots,
    /// The folder of their store.
    pub(super) store: &'a Path,
    pub(super) past: Past,
}

impl Author<'_> {
    /// Writes the history that ends now, doing deeds on the way.
    pub(super) fn write(mut self, now: Timestamp) -> Result<()> {
        let mut random = Random::new(2026);
        let times = rhythm::moments(now, HOURS, EVENTS, &mut random);
        let begin = now - SignedDuration::from_hours(i64::from(HOURS));
        let opening = story::opening();
        batch(&mut self.chats, |tx| {
            opening.iter().try_for_each(|event| app::record(tx, &stamp(begin), event))
        })?;
        let mut written = 0;
        let mut newest = None;
        for deed in &DEEDS {
            let at = now - SignedDuration::from_mins(deed.before);
            let until = times.partition_point(|time| *time <= at);
            tell(&mut self.chats, &times[written..until], &mut random)?;
            written = until;
            self.past.move_to(at);
            self.act(&deed.what, &mut newest, at, &mut random)?;
            past::date(self.store, at).map_err(|source| cannot(self.store, source))?;
        }
        tell(&mut self.chats, &times[written..], &mut random)
    }

    fn act(
        &mut self,
        what: &What,
        newest: &mut Option<SnapshotRef>,
        at: Timestamp,
        random: &mut Random,
    ) -> Result<()> {
        match (what, newest) {
            (What::Take { note, by }, newest) => {
                *newest = Some(self.snapshots.take(*note, by)?.snapshot());
            }
            (What::Pin, Some(snapshot)) => {
                let pin = LabelChange { note: None, pinned: Some(true) };
                self.snapshots.label(snapshot, &pin, OWNER)?;
            }
            (What::GoBack(scope), Some(snapshot)) => {
                self.snapshots.restore(&back_to(snapshot, *scope))?;
            }
            (What::Blunder, _) => batch(&mut self.chats, |tx| {
                (0..BLUNDERS).try_for_each(|_| {
                    let event = story::blunder(tx, random)?;
                    app::record(tx, &stamp(at), &event)
                })
            })?,
            (What::Pin | What::GoBack(_), None) => {}
        }
        Ok(())
    }
}

fn back_to(snapshot: &SnapshotRef, scope: Scope) -> RestoreRequest {
    RestoreRequest {
        snapshot: snapshot.clone(),
        scope,
        tables: Vec::new(),
        plan: None,
        moving: false,
        accept_schema: false,
        by: OWNER.to_owned(),
    }
}

/// One event for each of these moments.
fn tell(chats: &mut Connection, times: &[Timestamp], random: &mut Random) -> Result<()> {
    batch(chats, |tx| {
        times.iter().try_for_each(|at| {
            let event = story::next(tx, random)?;
            app::record(tx, &stamp(*at), &event)
        })
    })
}

/// Writes in one transaction, so that the history takes a second and not a minute.
fn batch(
    chats: &mut Connection,
    write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
) -> Result<()> {
    let tx = chats.transaction().map_err(failed)?;
    write(&tx).and_then(|()| tx.commit()).map_err(failed)
}

/// Puts a file into the store as a copy that broke off would leave it: listed, and damaged.
pub(super) fn leave_a_damaged_file(store: &Path, now: Timestamp) -> io::Result<()> {
    let folder = store.join("snapshots").join("periodic");
    std::fs::create_dir_all(&folder)?;
    let begun = r#"{"last_event_id": 1204, "event_log": [{"id": 1, "event_type": "bot_crea"#;
    let mut file = File::create(folder.join("from-the-old-laptop.json"))?;
    file.write_all(begun.as_bytes())?;
    file.set_modified(SystemTime::from(now - COPIED_BEFORE))
}
