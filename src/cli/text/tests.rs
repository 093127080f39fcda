use jiff::Timestamp;
use snapback::snapshot::{
    Cause, Entry, EventCount, Fate, Kind, List, Preview, Pruned, Restored, Scope, SnapshotRef,
    State, TableCounts, TableDone, Verdict, Verified,
};

use super::*;

fn named(text: &str) -> SnapshotRef {
    text.parse().expect("a snapshot's name")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

fn entry(name: &str) -> Entry {
    let SnapshotRef { kind, id } = named(name);
    Entry {
        filename: format!("{id}.json"),
        snapshot_id: id,
        kind,
        created_at: at("2026-11-22T20:04:46Z"),
        copied_at: None,
        file_size_bytes: Some(1_900_000),
        last_event_id: Some(48_070),
        event_delta: Some(143),
        rows: Some(96_412),
        new_bytes: Some(118_400),
        state: State::Intact,
        reason: None,
        note: None,
        pinned: false,
        cause: None,
        retention: None,
    }
}

#[test]
fn the_list_is_aligned_and_says_what_each_snapshot_is() {
    let rewind = Entry {
        cause: Some(Cause { restoring: named("periodic/a"), scope: Scope::Rewind }),
        ..entry("rewind/20261122T190000Z")
    };
    let pinned = Entry {
        pinned: true,
        note: Some("release 2.4".into()),
        copied_at: Some(at("2026-11-25T08:00:00Z")),
        ..entry("periodic/20261122T200446Z")
    };
    let damaged = Entry {
        file_size_bytes: None,
        last_event_id: None,
        event_delta: None,
        rows: None,
        new_bytes: None,
        state: State::Damaged,
        reason: Some("ends early, at byte 4096".into()),
        ..entry("periodic/b")
    };
    let told = list(&List {
        current_event_log_max_id: Some(48_213),
        snapshots: vec![pinned, rewind, damaged],
    });
    insta::assert_snapshot!(told);
}

#[test]
fn an_empty_list_says_how_to_begin() {
    let empty = List { current_event_log_max_id: None, snapshots: Vec::new() };
    assert_eq!(list(&empty), "no snapshots yet; take the first with `snapback take`\n");
}

fn table(name: &str, added: u64, removed: u64, changed: u64) -> TableCounts {
    TableCounts { name: name.into(), added, removed, changed, unchanged: 9_000 }
}

fn a_preview() -> Preview {
    Preview {
        snapshot_id: Some(named("periodic/20261122T200446Z").id),
        kind: Some(Kind::Periodic),
        filename: Some("20261122T200446Z.json".into()),
        from: "now".into(),
        created_at: Some(at("2026-11-22T20:04:46Z")),
        file_size_bytes: Some(1_900_000),
        last_event_id: Some(48_070),
        current_event_log_max_id: Some(48_213),
        event_delta: Some(143),
        event_log_rows_in_snapshot: Some(48_070),
        tables: vec![
            table("bots", 0, 0, 1),
            table("chats", 1, 4, 9),
            table("memories", 0, 0, 0),
            table("messages", 0, 1_310, 2),
        ],
        event_log: Some(table("event_log", 0, 143, 0)),
        events_since: vec![
            EventCount { kind: "message_posted".into(), count: 131, newest: 48_213 },
            EventCount { kind: "chat_renamed".into(), count: 12, newest: 48_171 },
        ],
        schema_differences: vec!["messages has a new column mood".into()],
        notes: vec!["message_search is rebuilt".into()],
        plan: Some("4f2a".into()),
    }
}

#[test]
fn a_preview_counts_what_a_restore_would_change() {
    insta::assert_snapshot!(preview(&a_preview()));
}

#[test]
fn a_dry_run_says_what_happens_to_the_log_and_that_nothing_did() {
    let told = plan(&a_preview(), Scope::Rewind);
    assert!(told.ends_with("the event log would be put back too; nothing was changed\n"), "{told}");
}

#[test]
fn a_restore_tells_numbers_and_its_undo() {
    let told = restored(&Restored {
        restored: named("periodic/20261122T200446Z"),
        scope: Scope::Rewind,
        rewind: named("rewind/20261122T200501Z"),
        tables: vec![
            TableDone { name: "event_log".into(), added: 0, removed: 1_431, changed: 0 },
            TableDone { name: "messages".into(), added: 0, removed: 1_310, changed: 2 },
        ],
        events_removed: 1_431,
        events_added: 0,
        lock_ms: 12,
        notes: Vec::new(),
    });
    insta::assert_snapshot!(told);
}

#[test]
fn verify_lists_the_damage_under_its_snapshot() {
    let sound = Verified {
        snapshot: named("periodic/a"),
        state: State::Intact,
        rows: 96_412,
        bytes: 21_000_000,
        damage: Vec::new(),
        dependents: Vec::new(),
        repaired: Vec::new(),
    };
    let damaged = Verified {
        snapshot: named("rewind/b"),
        state: State::Damaged,
        damage: vec!["a chunk of messages is missing".into()],
        ..sound.clone()
    };
    insta::assert_snapshot!(verified(&[sound, damaged]));
}

#[test]
fn prune_says_why_each_snapshot_stays_or_goes() {
    let verdict = |name: &str, keep, why: &str| Verdict {
        snapshot: named(name),
        fate: Fate { keep, why: why.to_owned(), next_to_go: false },
    };
    let mut outcome = Pruned {
        dry_run: true,
        snapshots: vec![
            verdict("periodic/b", true, "newest 5 of its kind"),
            verdict("periodic/a", false, "older than the newest 5 of its kind"),
        ],
        packs_removed: 1,
        bytes_freed: 64_000_000,
        held_back: None,
    };
    let dry = pruned(&outcome);
    outcome.dry_run = false;
    insta::assert_snapshot!(format!("{dry}---\n{}", pruned(&outcome)));
}

#[test]
fn prune_says_why_it_looked_at_no_pack() {
    let outcome = Pruned {
        dry_run: false,
        snapshots: Vec::new(),
        packs_removed: 0,
        bytes_freed: 0,
        held_back: Some("periodic/a is damaged".into()),
    };
    assert_eq!(pruned(&outcome), "no pack was looked at: periodic/a is damaged\n");
}

#[test]
fn a_hostile_note_stays_on_its_line() {
    let hostile =
        Entry { note: Some("x\n\u{1b}]0;owned\u{7}\u{202e}y".into()), ..entry("periodic/a") };
    let told = list(&List { current_event_log_max_id: Some(1), snapshots: vec![hostile] });
    assert_eq!(told.lines().count(), 3, "{told}");
    assert!(!told.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{told:?}");
}
