//! Two weeks of the demo's past: events, snapshots between them, a mistake and its restore.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Transaction};
use snapback::Result;
use snapback::snapshot::{LabelChange, RestoreRequest, Scope, Snapshots};

use super::random::Random;
use super::{app, failed, rhythm, stamp, story};

/// How far the history goes back.
const HOURS: u32 = 14 * 24;
/// How many events it has.
const EVENTS: u64 = 10_000;
/// How many of them were the mistake that is taken back.
const BLUNDERS: u64 = 90;

/// How long ago the damaged file was copied; the list goes by that.
const COPIED_BEFORE: Duration = Duration::from_hours(9 * 24);

/// A part of the history, and what is done at its end.
struct Stage {
    /// The event that ends it, counted from the first.
    until: usize,
    /// What the snapshot taken then is called.
    note: &'static str,
    then: Then,
}

enum Then {
    GoOn,
    Pin,
    /// Many events go wrong, and the snapshot just taken is restored with its event log.
    BlunderAndGoBack,
}

const STAGES: [Stage; 4] = [
    Stage { until: 3_100, note: "release 2.4", then: Then::Pin },
    Stage { until: 6_200, note: "before the bulk edit of personas", then: Then::BlunderAndGoBack },
    Stage { until: 8_300, note: "personas reviewed one by one", then: Then::GoOn },
    Stage { until: 9_700, note: "before the search index was changed", then: Then::GoOn },
];

/// Writes the history that ends now, taking snapshots on the way.
pub(super) fn write(mut chats: Connection, snapshots: &Snapshots, now: Timestamp) -> Result<()> {
    let mut random = Random::new(2026);
    let times = rhythm::moments(now, HOURS, EVENTS, &mut random);
    let begin = now - SignedDuration::from_hours(i64::from(HOURS));
    let opening = story::opening();
    batch(&mut chats, |tx| {
        opening.iter().try_for_each(|event| app::record(tx, &stamp(begin), event))
    })?;
    let mut written = 0;
    for stage in &STAGES {
        tell(&mut chats, &times[written..stage.until], &mut random)?;
        written = stage.until;
        end(stage, &mut chats, snapshots, times[written - 1], &mut random)?;
    }
    tell(&mut chats, &times[written..], &mut random)
}

fn end(
    stage: &Stage,
    chats: &mut Connection,
    snapshots: &Snapshots,
    at: Timestamp,
    random: &mut Random,
) -> Result<()> {
    let taken = snapshots.take(Some(stage.note), "scheduler")?.snapshot();
    match stage.then {
        Then::GoOn => {}
        Then::Pin => {
            let pin = LabelChange { note: None, pinned: Some(true) };
            snapshots.label(&taken, &pin, "mara")?;
        }
        Then::BlunderAndGoBack => {
            batch(chats, |tx| {
                (0..BLUNDERS).try_for_each(|_| {
                    let event = story::blunder(tx, random)?;
                    app::record(tx, &stamp(at), &event)
                })
            })?;
            snapshots.restore(&RestoreRequest {
                snapshot: taken,
                scope: Scope::Rewind,
                tables: Vec::new(),
                plan: None,
                moving: false,
                accept_schema: false,
                by: "mara".to_owned(),
            })?;
        }
    }
    Ok(())
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
pub(super) fn leave_a_damaged_file(store: &Path) -> io::Result<()> {
    let folder = store.join("snapshots").join("periodic");
    std::fs::create_dir_all(&folder)?;
    let begun = r#"{"last_event_id": 1204, "event_log": [{"id": 1, "event_type": "bot_crea"#;
    let mut file = File::create(folder.join("from-the-old-laptop.json"))?;
    file.write_all(begun.as_bytes())?;
    file.set_modified(SystemTime::now() - COPIED_BEFORE)
}
