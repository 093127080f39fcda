//! Which snapshots retention keeps, and why.

use std::collections::HashSet;

use super::facts::{Entry, State, Verdict};
use super::id::{Kind, SnapshotRef};

/// The verdict on every snapshot, in the order given.
///
/// Of each kind the newest `keep_last` stay; 0 keeps all. Pinned and damaged ones stay outside
/// that count: a person said so, or a person should look.
pub(crate) fn verdicts(entries: &[Entry], keep_last: usize) -> Vec<Verdict> {
    let newest: HashSet<SnapshotRef> =
        Kind::ALL.into_iter().flat_map(|kind| newest(entries, kind, keep_last)).collect();
    let verdict = |entry: &Entry| {
        let snapshot = entry.snapshot();
        let (keep, why) = if entry.pinned {
            (true, "pinned".to_owned())
        } else if entry.state == State::Damaged {
            (true, "damaged: delete it by hand".to_owned())
        } else if keep_last == 0 {
            (true, "retention keeps all".to_owned())
        } else if newest.contains(&snapshot) {
            (true, format!("newest {keep_last} of its kind"))
        } else {
            (false, format!("older than the newest {keep_last} of its kind"))
        };
        Verdict { snapshot, keep, why }
    };
    entries.iter().map(verdict).collect()
}

/// The newest of one kind among those that count.
fn newest(entries: &[Entry], kind: Kind, keep_last: usize) -> Vec<SnapshotRef> {
    let mut counted: Vec<&Entry> = entries
        .iter()
        .filter(|entry| entry.kind == kind && !entry.pinned && entry.state == State::Intact)
        .collect();
    counted.sort_by_key(|entry| std::cmp::Reverse((entry.created_at, &entry.snapshot_id)));
    counted.into_iter().take(keep_last).map(Entry::snapshot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(name: &str) -> Entry {
        let snapshot: SnapshotRef = name.parse().expect("a snapshot's name");
        Entry {
            filename: format!("{}.json", snapshot.id),
            created_at: snapshot.id.moment().expect("an id that tells its time"),
            snapshot_id: snapshot.id,
            kind: snapshot.kind,
            copied_at: None,
            file_size_bytes: None,
            last_event_id: None,
            event_delta: None,
            rows: None,
            new_bytes: None,
            state: State::Intact,
            reason: None,
            note: None,
            pinned: false,
            cause: None,
        }
    }

    fn id(kind: &str, second: usize) -> String {
        format!("{kind}/20261122T2004{second:02}Z")
    }

    fn let_go(entries: &[Entry], keep_last: usize) -> Vec<String> {
        let gone = verdicts(entries, keep_last).into_iter().filter(|verdict| !verdict.keep);
        gone.map(|verdict| verdict.snapshot.to_string()).collect()
    }

    #[test]
    fn each_kind_keeps_its_own_newest() {
        let entries: Vec<Entry> = (0..4)
            .flat_map(|second| [entry(&id("periodic", second)), entry(&id("rewind", second))])
            .collect();
        let gone = let_go(&entries, 3);
        assert_eq!(gone, [id("periodic", 0), id("rewind", 0)]);
        let verdicts = verdicts(&entries, 3);
        assert_eq!(verdicts[0].why, "older than the newest 3 of its kind");
        assert_eq!(verdicts[2].why, "newest 3 of its kind");
    }

    #[test]
    fn pinned_snapshots_stay_outside_the_count() {
        let mut entries: Vec<Entry> = (0..4).map(|second| entry(&id("periodic", second))).collect();
        entries[0].pinned = true;
        entries[3].pinned = true;
        assert_eq!(let_go(&entries, 1), [id("periodic", 1)]);
        assert_eq!(verdicts(&entries, 1)[3].why, "pinned");
    }

    #[test]
    fn damaged_snapshots_stay_and_push_no_sound_one_out() {
        let mut entries: Vec<Entry> = (0..3).map(|second| entry(&id("rewind", second))).collect();
        entries[2].state = State::Damaged;
        assert_eq!(let_go(&entries, 2), [""; 0]);
        assert_eq!(verdicts(&entries, 2)[2].why, "damaged: delete it by hand");
    }

    #[test]
    fn none_goes_when_all_are_to_be_kept() {
        let entries: Vec<Entry> = (0..9).map(|second| entry(&id("periodic", second))).collect();
        assert_eq!(let_go(&entries, 0), [""; 0]);
    }

    #[test]
    fn of_one_moment_the_greater_id_is_the_newer() {
        let entries = [
            entry("periodic/20261122T200446Z-2"),
            entry("periodic/20261122T200446Z"),
            entry("periodic/20261122T200446Z-3"),
        ];
        assert_eq!(let_go(&entries, 1).len(), 2);
        assert!(verdicts(&entries, 1)[2].keep);
    }

    proptest! {
        #[test]
        fn the_order_of_the_list_changes_no_verdict(
            seconds in proptest::collection::hash_set(0_usize..60, 0..12),
            keep_last in 0_usize..6,
        ) {
            let listed: Vec<Entry> =
                seconds.iter().map(|second| entry(&id("periodic", *second))).collect();
            let mut gone = let_go(&listed, keep_last);
            gone.sort();
            let mut oldest: Vec<usize> = seconds.into_iter().collect();
            oldest.sort_unstable();
            let kept = if keep_last == 0 { oldest.len() } else { keep_last.min(oldest.len()) };
            oldest.truncate(oldest.len() - kept);
            let expected: Vec<String> =
                oldest.into_iter().map(|second| id("periodic", second)).collect();
            prop_assert_eq!(gone, expected);
        }
    }
}
