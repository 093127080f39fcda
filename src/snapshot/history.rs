//! What was done: a log that only grows, one small JSON file for each entry.
//!
//! An entry is `history/<time>-<random>.json`, so keys sort by time and nobody writes over another.
//! It lies in the store and not in the database, so no restore can roll back its own record.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::error::{Error, Result};
use crate::store::{Store, fresh_name};

use super::occurrence::{HistoryPage, HistoryQuery, Occurrence};

const FOLDER: &str = "history";

/// The most that an entry may take, in bytes.
const ENTRY_BYTES: u64 = 256 << 10;

/// Lines a page when nobody says how many.
const PAGE: usize = 100;

/// Entries that are read together.
const TOGETHER: usize = 64;

/// Entries that a search looks at for one page: somebody waits for it, and each is a file.
const SEARCHED: usize = 2000;

/// Entries that are remembered, so that a search while typing reads no file twice.
const REMEMBERED: usize = SEARCHED;

/// The log of one store. An entry never changes, so what was read once is known.
pub(crate) struct History {
    store: Store,
    known: Mutex<BTreeMap<String, Occurrence>>,
}

impl History {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, known: Mutex::default() }
    }

    /// Writes down what was done.
    pub(crate) fn append(&self, occurrence: &Occurrence) -> Result<()> {
        let bytes = serde_json::to_vec(occurrence).map_err(|error| {
            Error::failed("the history cannot be written")
                .because(error)
                .on(FOLDER)
                .hint("try again")
        })?;
        // A second try is for a name that was given before, which does not happen.
        for _ in 0..2 {
            if self.store.put_new(&key(occurrence.at), bytes.clone())? {
                return Ok(());
            }
        }
        Err(Error::failed("the history gives out the same name twice").on(FOLDER).hint("try again"))
    }

    /// A page of what a query wants, newest first. Entries that cannot be read are left out.
    pub(crate) fn page(&self, query: &HistoryQuery) -> Result<HistoryPage> {
        let limit = if query.limit == 0 { PAGE } else { query.limit };
        let wants = query.matcher();
        let before = query.before.as_ref().map(|name| format!("{FOLDER}/{name}.json"));
        let listed = self.store.list(FOLDER)?;
        let keys = listed.into_iter().rev().map(|meta| meta.key);
        let keys: Vec<String> =
            keys.filter(|key| before.as_ref().is_none_or(|before| key < before)).collect();
        // Without a search every entry that can be read is a line: no more are looked at than wanted.
        let searches = !query.is_everything();
        let most = if searches { keys.len().min(SEARCHED) } else { keys.len() };
        let mut history = Vec::new();
        let mut looked = 0;
        while looked < most && history.len() < limit {
            let wanted = if searches { TOGETHER } else { limit - history.len() };
            let end = (looked + wanted.min(TOGETHER)).min(most);
            for found in self.read(&keys[looked..end]) {
                if history.len() == limit {
                    break;
                }
                looked += 1;
                history.extend(found.filter(&wants));
            }
        }
        let next = keys.get(looked).and_then(|_| keys[..looked].last()).and_then(|key| stem(key));
        Ok(HistoryPage { history, next: next.map(str::to_owned) })
    }

    /// The entries under these keys; `None` for one that cannot be read.
    fn read(&self, keys: &[String]) -> Vec<Option<Occurrence>> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<Option<Occurrence>> = {
            let known = known();
            keys.iter().map(|key| known.get(key).cloned()).collect()
        };
        let missing: Vec<usize> = (0..keys.len()).filter(|place| found[*place].is_none()).collect();
        let read = self
            .store
            .several_at_a_time(&missing, |place| (*place, read(&self.store, &keys[*place])));
        let mut known = known();
        for (place, one) in read {
            if let Some(one) = &one {
                known.insert(keys[place].clone(), one.clone());
            }
            found[place] = one;
        }
        // The oldest are the least likely to be asked for again.
        while known.len() > REMEMBERED {
            known.pop_first();
        }
        found
    }
}

fn read(store: &Store, key: &str) -> Option<Occurrence> {
    let bytes = store.get(key, ENTRY_BYTES).ok()??;
    serde_json::from_slice(&bytes).ok()
}

/// The name of an entry, by which a next page begins.
fn stem(key: &str) -> Option<&str> {
    key.strip_prefix(FOLDER)?
        .strip_prefix('/')
        .map(|name| name.strip_suffix(".json").unwrap_or(name))
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
            hint: None,
            rewind: None,
            scope: None,
            plan: None,
            numbers: BTreeMap::new(),
            lock_ms: None,
            took_ms: None,
        }
    }

    fn query(words: &str, limit: usize) -> HistoryQuery {
        HistoryQuery { words: words.to_owned(), limit, ..HistoryQuery::default() }
    }

    /// The outcomes of every page, a line of text a page.
    fn pages(history: &History, mut query: HistoryQuery) -> Vec<String> {
        let mut pages = Vec::new();
        loop {
            let page = history.page(&query).expect("a page");
            let outcomes: Vec<_> = page.history.into_iter().map(|one| one.outcome).collect();
            pages.push(outcomes.join(" "));
            query.before = page.next;
            if query.before.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn the_newest_entries_come_first_whatever_order_they_were_written_in() {
        let history = History::new(Store::memory());
        for (at, outcome) in [
            ("2026-11-22T20:04:46.5Z", "second"),
            ("2026-11-22T20:04:46Z", "first"),
            ("2026-12-01T00:00:00.000000001Z", "fourth"),
            ("2026-12-01T00:00:00Z", "third"),
        ] {
            history.append(&occurrence(at, outcome)).expect("appended");
        }
        assert_eq!(pages(&history, query("", 0)), ["fourth third second first"]);
        assert_eq!(pages(&history, query("", 3)), ["fourth third second", "first"]);
        assert_eq!(pages(&history, query("", 2)), ["fourth third", "second first"]);
        assert_eq!(pages(&history, query("FIR", 2)), ["first"]);
        assert_eq!(pages(&history, query("ir", 1)), ["third", "first"]);
    }

    #[test]
    fn entries_of_one_moment_are_all_kept() {
        let history = History::new(Store::memory());
        for outcome in ["a", "b", "c"] {
            history.append(&occurrence("2026-11-22T20:04:46Z", outcome)).expect("appended");
        }
        let mut kept = pages(&history, query("", 1));
        kept.sort();
        assert_eq!(kept, ["a", "b", "c"]);
    }

    #[test]
    fn an_unreadable_entry_does_not_hide_the_others() {
        let store = Store::memory();
        let history = History::new(store.clone());
        history.append(&occurrence("2026-11-22T20:04:46Z", "sound")).expect("appended");
        store.put("history/20261123T000000.000000000Z-0.json", &b"{"[..]).expect("put");
        store.put("history/20261124T000000.000000000Z-0.json", vec![0; 300_000]).expect("put");
        store.put("history/readme", &b"not an entry"[..]).expect("put");
        assert_eq!(pages(&history, query("", 1)), ["sound"]);
    }

    #[test]
    fn a_search_looks_at_so_many_entries_and_says_where_to_go_on() {
        let history = History::new(Store::memory());
        history.append(&occurrence("2026-11-22T00:00:00Z", "needle")).expect("appended");
        for number in 0..SEARCHED {
            let at = format!("2026-11-23T00:{:02}:{:02}Z", number / 60, number % 60);
            history.append(&occurrence(&at, "hay")).expect("appended");
        }
        let first = history.page(&query("needle", 10)).expect("a page");
        assert!(first.history.is_empty());
        let rest = HistoryQuery { before: first.next, ..query("needle", 10) };
        let rest = history.page(&rest).expect("a page");
        assert_eq!(rest.history.len(), 1);
        assert_eq!(rest.next, None);
    }
}
