//! Which snapshots retention keeps, and why.
//!
//! The rules are those that restic and borg made usual: the newest few, the newest of each of the
//! last hours, days, weeks, months and years, and all of the last stretch of time. A period without a
//! snapshot counts for nothing, so a database that nobody wrote to loses none; and what is within a
//! stretch of time is told from the newest snapshot, not from the clock.

mod rules;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

pub use rules::{Period, Retention, Rules, Within};

use super::facts::{Entry, Fate, State, Verdict};
use super::id::{Kind, SnapshotId, SnapshotRef};

const PINNED: &str = "pinned";

/// The verdict on every snapshot at the moment `now`, in the order given.
pub(crate) fn verdicts(entries: &[Entry], retention: &Retention, now: Timestamp) -> Vec<Verdict> {
    let all: Vec<&Entry> = entries.iter().collect();
    let kept = kept(&all, retention);
    // What goes when one more of its kind comes.
    let next: Vec<Entry> =
        Kind::ALL.into_iter().filter_map(|kind| one_more(entries, kind, now)).collect();
    let after: Vec<HashMap<SnapshotRef, Vec<String>>> = next
        .iter()
        .map(|next| self::kept(&all.iter().copied().chain([next]).collect::<Vec<_>>(), retention))
        .collect();
    let verdict = |entry: &Entry| {
        let snapshot = entry.snapshot();
        let reasons = always(entry, retention, now).map(|reason| vec![reason]);
        let stays = reasons.is_some();
        let reasons = reasons.or_else(|| kept.get(&snapshot).cloned());
        let next_to_go = !stays
            && reasons.is_some()
            && next
                .iter()
                .zip(&after)
                .any(|(next, kept)| next.kind == entry.kind && !kept.contains_key(&snapshot));
        let (keep, why) = match reasons {
            Some(reasons) => (true, reasons.join(", ")),
            None => (false, let_go(retention.rules(entry.kind))),
        };
        Verdict { snapshot, fate: Fate { keep, why, next_to_go } }
    };
    entries.iter().map(verdict).collect()
}

/// What becomes of a snapshot that a person wants kept.
pub(crate) fn pinned() -> Fate {
    Fate { keep: true, why: PINNED.to_owned(), next_to_go: false }
}

/// Why a snapshot stays whatever the rules say: a person said so, or a person should look.
fn always(entry: &Entry, retention: &Retention, now: Timestamp) -> Option<String> {
    if entry.pinned {
        return Some(PINNED.to_owned());
    }
    if entry.state == State::Damaged {
        return Some("damaged: delete it by hand".to_owned());
    }
    let age = retention.rewind_age.filter(|_| entry.kind == Kind::Rewind)?;
    (entry.created_at > age.before(now)).then(|| format!("a safety copy younger than {age}"))
}

/// What the rules keep of those that count, and by which of them. Pinned and damaged ones stay
/// outside the count.
fn kept(entries: &[&Entry], retention: &Retention) -> HashMap<SnapshotRef, Vec<String>> {
    let mut kept: HashMap<SnapshotRef, Vec<String>> = HashMap::new();
    for kind in Kind::ALL {
        let mut counted: Vec<&Entry> = entries
            .iter()
            .copied()
            .filter(|entry| entry.kind == kind && !entry.pinned && entry.state == State::Intact)
            .collect();
        counted.sort_by_key(|entry| {
            let order = entry.snapshot_id.order(entry.created_at);
            std::cmp::Reverse((order, &entry.snapshot_id))
        });
        for (entry, reason) in by_rules(&counted, retention.rules(kind)) {
            kept.entry(entry.snapshot()).or_default().push(reason);
        }
    }
    kept
}

/// What the rules of one kind keep; the newest comes first in `counted`.
fn by_rules<'e>(counted: &[&'e Entry], rules: &Rules) -> Vec<(&'e Entry, String)> {
    if rules.keeps_all() {
        return counted.iter().map(|entry| (*entry, "retention keeps all".to_owned())).collect();
    }
    let newest = format!("newest {} of its kind", rules.last);
    let mut kept: Vec<_> =
        counted.iter().take(rules.last).map(|entry| (*entry, newest.clone())).collect();
    for (period, &count) in Period::ALL.into_iter().zip(&rules.periods) {
        let mut periods: Vec<String> = Vec::new();
        for entry in counted {
            if periods.len() == count {
                break;
            }
            let name = period.of(entry.created_at);
            // Newest first: the first of a period is its newest.
            if !periods.contains(&name) {
                kept.push((*entry, format!("{} {name}", period.rule())));
                periods.push(name);
            }
        }
    }
    if let (Some(within), Some(newest)) = (rules.within, counted.first()) {
        let oldest = within.before(newest.created_at);
        let young = counted.iter().take_while(|entry| entry.created_at >= oldest);
        kept.extend(young.map(|entry| (*entry, format!("within {within} of the newest"))));
    }
    kept
}

/// Why a snapshot goes.
fn let_go(rules: &Rules) -> String {
    if *rules == Rules::last(rules.last) {
        format!("older than the newest {} of its kind", rules.last)
    } else {
        "kept by no rule".to_owned()
    }
}

/// The snapshot that would be taken next.
fn one_more(entries: &[Entry], kind: Kind, now: Timestamp) -> Option<Entry> {
    let like = entries.iter().find(|entry| entry.kind == kind)?;
    let order = |entry: &Entry| entry.snapshot_id.order(entry.created_at);
    let newest = entries.iter().map(order).max().unwrap_or(now).max(now);
    Some(Entry {
        created_at: newest.checked_add(SignedDuration::from_secs(1)).ok()?,
        snapshot_id: SnapshotId::with_suffix(newest, "next"),
        pinned: false,
        state: State::Intact,
        ..like.clone()
    })
}
