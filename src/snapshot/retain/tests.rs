//! The rules, on snapshots that are only listed.

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
        retention: None,
    }
}

fn id(kind: &str, second: usize) -> String {
    format!("{kind}/20261122T2004{second:02}Z")
}

/// The verdicts a day after the last of these snapshots.
fn by(entries: &[Entry], retention: &Retention) -> Vec<Verdict> {
    verdicts(entries, retention, "2026-11-23T20:05:00Z".parse().expect("a moment"))
}

fn gone(entries: &[Entry], retention: &Retention) -> Vec<String> {
    let gone = by(entries, retention).into_iter().filter(|verdict| !verdict.fate.keep);
    gone.map(|verdict| verdict.snapshot.to_string()).collect()
}

fn let_go(entries: &[Entry], keep_last: usize) -> Vec<String> {
    gone(entries, &Retention::last(keep_last))
}

#[test]
fn each_kind_keeps_its_own_newest() {
    let entries: Vec<Entry> = (0..4)
        .flat_map(|second| [entry(&id("periodic", second)), entry(&id("rewind", second))])
        .collect();
    let gone = let_go(&entries, 3);
    assert_eq!(gone, [id("periodic", 0), id("rewind", 0)]);
    let verdicts = by(&entries, &Retention::last(3));
    assert_eq!(verdicts[0].fate.why, "older than the newest 3 of its kind");
    assert_eq!(verdicts[2].fate.why, "newest 3 of its kind");
}

#[test]
fn pinned_snapshots_stay_outside_the_count() {
    let mut entries: Vec<Entry> = (0..4).map(|second| entry(&id("periodic", second))).collect();
    entries[0].pinned = true;
    entries[3].pinned = true;
    assert_eq!(let_go(&entries, 1), [id("periodic", 1)]);
    assert_eq!(by(&entries, &Retention::last(1))[3].fate.why, "pinned");
}

#[test]
fn damaged_snapshots_stay_and_push_no_sound_one_out() {
    let mut entries: Vec<Entry> = (0..3).map(|second| entry(&id("rewind", second))).collect();
    entries[2].state = State::Damaged;
    assert_eq!(let_go(&entries, 2), [""; 0]);
    assert_eq!(by(&entries, &Retention::last(2))[2].fate.why, "damaged: delete it by hand");
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
    assert!(by(&entries, &Retention::last(1))[2].fate.keep);
}

/// Checkpoints at these moments.
fn at(moments: &[&str]) -> Vec<Entry> {
    let entry = |moment: &&str| {
        let moment: Timestamp = moment.parse().expect("a moment");
        entry(&format!("periodic/{}", SnapshotId::at(moment)))
    };
    moments.iter().map(entry).collect()
}

/// What options such as `keep-last=0 keep-daily=7` say.
fn said(options: &str) -> Retention {
    let mut retention = Retention::default();
    for (rule, value) in options.split(' ').filter_map(|option| option.split_once('=')) {
        retention.set(rule, value).expect("a rule");
    }
    retention
}

fn whys(entries: &[Entry], options: &str) -> Vec<String> {
    by(entries, &said(options)).into_iter().map(|verdict| verdict.fate.why).collect()
}

#[test]
fn of_each_period_that_has_one_the_newest_stays() {
    let entries = at(&[
        "2026-11-22T20:04:46Z",
        "2026-11-22T20:00:00Z",
        "2026-11-22T08:00:00Z",
        "2026-11-15T08:00:00Z",
        "2026-10-01T08:00:00Z",
        "2024-10-01T08:00:00Z",
    ]);
    let none = "kept by no rule";
    for (options, expected) in [
        (
            "keep-hourly=2",
            ["hourly 2026-11-22 20:00", none, "hourly 2026-11-22 08:00", none, none, none],
        ),
        ("keep-daily=2", ["daily 2026-11-22", none, none, "daily 2026-11-15", none, none]),
        ("keep-weekly=1", ["weekly 2026-W47", none, none, none, none, none]),
        ("keep-monthly=2", ["monthly 2026-11", none, none, none, "monthly 2026-10", none]),
        ("keep-yearly=9", ["yearly 2026", none, none, none, none, "yearly 2024"]),
    ] {
        assert_eq!(whys(&entries, &format!("keep-last=0 {options}")), expected, "{options}");
    }
}

#[test]
fn rules_add_up_and_each_that_keeps_is_named() {
    let entries = at(&["2026-11-22T20:04:46Z", "2026-11-22T08:00:00Z", "2026-11-20T08:00:00Z"]);
    assert_eq!(
        whys(&entries, "keep-last=1 keep-daily=2 keep-within=1d"),
        [
            "newest 1 of its kind, daily 2026-11-22, within 1d of the newest",
            "within 1d of the newest",
            "daily 2026-11-20",
        ]
    );
}

#[test]
fn within_is_told_from_the_newest_snapshot_by_the_calendar() {
    let entries = at(&["2026-03-31T00:00:00Z", "2026-02-28T00:00:00Z", "2026-02-27T23:59:59Z"]);
    assert_eq!(gone(&entries, &said("keep-last=0 keep-within=1mo")), ["periodic/20260227T235959Z"]);
}

#[test]
fn a_kind_has_rules_of_its_own_where_they_are_given() {
    let entries: Vec<Entry> = (0..3)
        .flat_map(|second| [entry(&id("periodic", second)), entry(&id("rewind", second))])
        .collect();
    assert_eq!(
        gone(&entries, &said("keep-last=periodic=1,rewind=2")),
        [id("periodic", 0), id("rewind", 0), id("periodic", 1)]
    );
}

#[test]
fn a_young_safety_copy_stays_whatever_the_rules_say() {
    let entries: Vec<Entry> = (0..3).map(|second| entry(&id("rewind", second))).collect();
    // They are a day old.
    assert_eq!(gone(&entries, &said("keep-last=1 keep-rewind-age=25h")), [""; 0]);
    assert_eq!(
        whys(&entries, "keep-last=1 keep-rewind-age=25h")[0],
        "a safety copy younger than 25h"
    );
    assert_eq!(gone(&entries, &said("keep-last=1 keep-rewind-age=1h")).len(), 2);
}

#[test]
fn the_next_to_go_is_what_one_more_of_its_kind_pushes_out() {
    let mut entries: Vec<Entry> = (0..3).map(|second| entry(&id("periodic", second))).collect();
    let next = |entries: &[Entry], options: &str| -> Vec<bool> {
        by(entries, &said(options)).into_iter().map(|verdict| verdict.fate.next_to_go).collect()
    };
    assert_eq!(next(&entries, "keep-last=3"), [true, false, false]);
    assert_eq!(next(&entries, "keep-last=4"), [false; 3]);
    assert_eq!(next(&entries, "keep-last=0"), [false; 3]);
    entries[0].pinned = true;
    assert_eq!(next(&entries, "keep-last=2"), [false, true, false]);
}

#[test]
fn a_rule_or_a_value_that_is_none_is_refused_with_the_way_to_write_it() {
    for (rule, value) in [
        ("keep-fortnightly", "1"),
        ("keep-last", "some"),
        ("keep-last", "-1"),
        ("keep-daily", "weekly=3"),
        ("keep-within", "-3d"),
        ("keep-within", "soon"),
        ("keep-rewind-age", ""),
    ] {
        let error = Retention::default().set(rule, value).expect_err(value);
        assert!(!error.next_step().is_empty(), "{rule}={value}: {error:?}");
    }
}

/// Any rules for both kinds.
fn rules() -> impl Strategy<Value = Retention> {
    let kind =
        || (0_usize..4, proptest::array::uniform5(0_usize..4), proptest::option::of(1_u8..90));
    let rules = |(last, periods, within): (usize, [usize; 5], Option<u8>)| Rules {
        last,
        periods,
        within: within.map(|hours| format!("{hours}h").parse().expect("a length of time")),
    };
    (kind(), kind()).prop_map(move |(periodic, rewind)| Retention {
        periodic: rules(periodic),
        rewind: rules(rewind),
        rewind_age: None,
    })
}

/// Snapshots of both kinds at so many minutes after the year's beginning.
fn snapshots() -> impl Strategy<Value = Vec<Entry>> {
    let moment = (0_i64..600_000, proptest::bool::ANY);
    proptest::collection::hash_set(moment, 0..25).prop_map(|moments| {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a moment");
        let entry = |(minutes, periodic): (i64, bool)| {
            let moment = start + SignedDuration::from_mins(minutes);
            let kind = if periodic { Kind::Periodic } else { Kind::Rewind };
            entry(&SnapshotRef::new(kind, SnapshotId::at(moment)).to_string())
        };
        moments.into_iter().map(entry).collect()
    })
}

/// The rules said plainly: is this one kept by one of them?
fn stays(entry: &Entry, entries: &[Entry], rules: &Rules) -> bool {
    let alike = || entries.iter().filter(|other| other.kind == entry.kind);
    let newer: Vec<&Entry> = alike().filter(|other| other.created_at > entry.created_at).collect();
    let of_period = |(period, &count): (Period, &usize)| {
        let own = period.of(entry.created_at);
        let mut later: Vec<String> =
            newer.iter().map(|other| period.of(other.created_at)).collect();
        later.sort();
        later.dedup();
        count > 0 && !later.contains(&own) && later.len() < count
    };
    let newest = alike().map(|other| other.created_at).max();
    rules.keeps_all()
        || newer.len() < rules.last
        || Period::ALL.into_iter().zip(&rules.periods).any(of_period)
        || rules
            .within
            .zip(newest)
            .is_some_and(|(within, newest)| entry.created_at >= within.before(newest))
}

proptest! {
    #[test]
    fn what_stays_is_what_the_rules_say_one_by_one(
        entries in snapshots(),
        retention in rules(),
    ) {
        for (entry, verdict) in entries.iter().zip(by(&entries, &retention)) {
            let expected = stays(entry, &entries, retention.rules(entry.kind));
            prop_assert_eq!(verdict.fate.keep, expected, "{}", verdict.snapshot);
        }
    }

    #[test]
    fn the_options_that_rules_are_shown_as_say_the_same(retention in rules()) {
        let mut read = Retention::default();
        for (rule, value) in retention.options() {
            read.set(rule, &value).expect("a rule");
        }
        prop_assert_eq!(read, retention);
    }

    #[test]
    fn nothing_goes_that_was_not_next_to_go(
        entries in snapshots(),
        retention in rules(),
    ) {
        let now = "2027-11-23T20:05:00Z".parse().expect("a moment");
        let before = verdicts(&entries, &retention, now);
        let Some(next) = one_more(&entries, Kind::Periodic, now) else { return Ok(()) };
        let after: Vec<Entry> = entries.iter().cloned().chain([next]).collect();
        for (one, other) in before.iter().zip(verdicts(&after, &retention, now)) {
            let goes = one.fate.keep && !other.fate.keep;
            if one.snapshot.kind == Kind::Periodic {
                prop_assert_eq!(goes, one.fate.next_to_go, "{}", one.snapshot);
            }
        }
    }

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
