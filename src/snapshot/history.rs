//! What was done: a log that only grows, one small JSON file for each entry.
//!
//! An entry is `history/<time>-<random>.json`, so keys sort by time and nobody writes over another.
//! It lies in the store and not in the database, so no restore can roll back its own record.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::error::{Error, Result};
use crate::store::{Store, fresh_name};

use super::facts::Occurrence;

const FOLDER: &str = "history";

/// The most that an entry may take, in bytes.
const ENTRY_BYTES: u64 = 256 << 10;

/// Writes down what was done.
pub(crate) fn append(store: &Store, occurrence: &Occurrence) -> Result<()> {
    let bytes = serde_json::to_vec(occurrence).map_err(|error| {
        Error::failed("the history cannot be written").because(error).on(FOLDER).hint("try again")
    })?;
    // A second try is for a name that was given before, which does not happen.
    for _ in 0..2 {
        if store.put_new(&key(occurrence.at), bytes.clone())? {
            return Ok(());
        }
    }
    Err(Error::failed("the history gives out the same name twice").on(FOLDER).hint("try again"))
}

/// The newest entries, newest first, `limit` at most. Those that cannot be read are left out.
pub(crate) fn newest(store: &Store, limit: usize) -> Result<Vec<Occurrence>> {
    let metas = store.list(FOLDER)?;
    Ok(metas.iter().rev().filter_map(|meta| read(store, &meta.key)).take(limit).collect())
}

fn read(store: &Store, key: &str) -> Option<Occurrence> {
    let bytes = store.get(key, ENTRY_BYTES).ok()??;
    serde_json::from_slice(&bytes).ok()
}

/// A key that sorts by time and that no other entry has.
fn key(at: Timestamp) -> String {
    let time = at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%S.%9fZ").to_string();
    let mut random = fresh_name();
    random.truncate(8);
    format!("{FOLDER}/{time}-{random}.json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Action;

    fn occurrence(at: &str, outcome: &str) -> Occurrence {
        Occurrence {
            at: at.parse().expect("a timestamp"),
            action: Action::Take,
            snapshot: Some("periodic/a".parse().expect("a name")),
            by: "console".to_owned(),
            ok: true,
            outcome: outcome.to_owned(),
            rewind: None,
            scope: None,
        }
    }

    fn outcomes(store: &Store, limit: usize) -> Vec<String> {
        newest(store, limit).expect("a history").into_iter().map(|entry| entry.outcome).collect()
    }

    #[test]
    fn the_newest_entries_come_first_whatever_order_they_were_written_in() {
        let store = Store::memory();
        for (at, outcome) in [
            ("2026-11-22T20:04:46.5Z", "second"),
            ("2026-11-22T20:04:46Z", "first"),
            ("2026-12-01T00:00:00.000000001Z", "fourth"),
            ("2026-12-01T00:00:00Z", "third"),
        ] {
            append(&store, &occurrence(at, outcome)).expect("appended");
        }
        assert_eq!(outcomes(&store, 10), ["fourth", "third", "second", "first"]);
        assert_eq!(outcomes(&store, 2), ["fourth", "third"]);
        assert_eq!(outcomes(&store, 0), [""; 0]);
    }

    #[test]
    fn entries_of_one_moment_are_all_kept() {
        let store = Store::memory();
        for outcome in ["a", "b", "c"] {
            append(&store, &occurrence("2026-11-22T20:04:46Z", outcome)).expect("appended");
        }
        let mut kept = outcomes(&store, 10);
        kept.sort();
        assert_eq!(kept, ["a", "b", "c"]);
    }

    #[test]
    fn an_unreadable_entry_does_not_hide_the_others() {
        let store = Store::memory();
        append(&store, &occurrence("2026-11-22T20:04:46Z", "sound")).expect("appended");
        store.put("history/20261123T000000.000000000Z-0.json", &b"{"[..]).expect("put");
        store.put("history/20261124T000000.000000000Z-0.json", vec![0; 300_000]).expect("put");
        store.put("history/readme", &b"not an entry"[..]).expect("put");
        assert_eq!(outcomes(&store, 1), ["sound"]);
    }
}
