//! What a person typed to find snapshots by: words that must all be in what a row says.

use jiff::Timestamp;

use super::format::ago;
use super::row;
use crate::snapshot::Entry;

/// The words that were typed. With a list that is loaded whole, keys.js narrows it down itself.
pub(crate) struct Filter {
    typed: String,
    words: Vec<String>,
}

impl Filter {
    pub(crate) fn new(typed: &str) -> Self {
        let words = typed.to_lowercase().split_whitespace().map(str::to_owned).collect();
        Self { typed: typed.trim().to_owned(), words }
    }

    /// What was typed.
    pub(crate) fn typed(&self) -> &str {
        &self.typed
    }

    /// Whether every word is in what the entry's row says.
    pub(crate) fn lets_through(&self, entry: &Entry, now: Timestamp) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let note = entry.note.as_deref().unwrap_or_default();
        let reason = entry.reason.as_deref().unwrap_or_default();
        let cause =
            entry.cause.as_ref().map(|cause| format!("before restore of {}", cause.restoring));
        let cause = cause.unwrap_or_default();
        let pinned = if entry.pinned { "pinned" } else { "" };
        let (id, kind, state) = (&entry.snapshot_id, entry.kind, row::state_word(entry.state));
        // The moment in full begins as a date does: 2026-11-22T20:04.
        let (moment, ago) = (entry.created_at, ago(entry.created_at, now));
        let text = format!("{id} {kind} {moment} {ago} {state} {pinned} {note} {cause} {reason}");
        let text = text.to_lowercase();
        self.words.iter().all(|word| text.contains(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Kind, State};

    #[test]
    fn a_filter_looks_at_words_of_the_row_and_at_nothing_else() {
        let entry = Entry {
            kind: Kind::Periodic,
            state: State::Damaged,
            reason: Some("ends early".to_owned()),
            note: Some("Release 2.4".to_owned()),
            pinned: true,
            ..row::tests::entry()
        };
        let now = "2026-11-23T21:00:00Z".parse().expect("a moment");
        for typed in [
            "",
            "20261122 periodic",
            "release pinned",
            "unreadable early",
            "2026-11-22 20:04",
            "yesterday",
        ] {
            assert!(Filter::new(typed).lets_through(&entry, now), "{typed}");
        }
        for typed in ["rewind", "class", "release 2.5", "2026-11-23"] {
            assert!(!Filter::new(typed).lets_through(&entry, now), "{typed}");
        }
    }
}
