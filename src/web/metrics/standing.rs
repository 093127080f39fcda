//! How databases and their stores stand, and what was done to them: the same numbers of one and of
//! each of many, where the name of the database is a label.

use std::fmt::Display;

use super::exposition::Exposition;
use crate::snapshot::tally::Tally;
use crate::snapshot::{Kind, KindNumbers, LastVerify};

/// How one database stands. What is not known has no sample.
#[derive(Default)]
pub(super) struct Standing<'s> {
    /// Its name, where there are several.
    pub(super) database: Option<&'s str>,
    pub(super) kinds: Option<[KindNumbers; 2]>,
    pub(super) stored_bytes: Option<u64>,
    pub(super) database_bytes: Option<u64>,
    pub(super) position: Option<i64>,
    pub(super) leads: Option<bool>,
    pub(super) verify: Option<LastVerify>,
    pub(super) tally: Tally,
}

impl<'s> Standing<'s> {
    /// Labels, with that of the database.
    fn labels(&self, more: &[(&'s str, &'s str)]) -> Vec<(&'s str, &'s str)> {
        let database = self.database.map(|name| ("database", name));
        database.into_iter().chain(more.iter().copied()).collect()
    }
}

/// Writes each metric of all of them, at a second of the Unix time.
pub(super) fn write(text: &mut Exposition, all: &[Standing<'_>], second: i64) {
    let age = |at: jiff::Timestamp| (second - at.as_second()).max(0);
    kinds(text, all, "snapshots", "Snapshots in the store.", |kind| Some(kind.snapshots));
    let help = "Snapshots that cannot be read.";
    kinds(text, all, "snapshots_damaged", help, |kind| Some(kind.damaged));
    let help = "Time since the newest intact snapshot.";
    kinds(text, all, "newest_snapshot_age_seconds", help, |kind| kind.newest.map(age));
    let help = "Bytes that the snapshots added to the store.";
    kinds(text, all, "snapshot_new_bytes", help, |kind| Some(kind.new_bytes));
    gauge(text, all, "store_bytes", "Size of the store: manifests and packs.", |one| {
        one.stored_bytes
    });
    gauge(text, all, "database_bytes", "Size of the database.", |one| one.database_bytes);
    gauge(text, all, "event_position", "Position of the event log.", |one| one.position);
    let help = "Whether this console takes what its schedule says, not another one.";
    gauge(text, all, "schedule_leads", help, |one| one.leads.map(u8::from));
    let help = "Time since all snapshots were read back.";
    gauge(text, all, "verify_age_seconds", help, |one| one.verify.map(|verify| age(verify.at)));
    let help = "Snapshots that were damaged then.";
    gauge(text, all, "verify_damaged", help, |one| one.verify.map(|verify| verify.damaged));
    operations(text, all);
}

/// A number of each database. A metric that nobody knows is left out.
fn gauge<T: Display>(
    text: &mut Exposition,
    all: &[Standing<'_>],
    name: &str,
    help: &str,
    value: impl Fn(&Standing<'_>) -> Option<T>,
) {
    let name = format!("snapback_{name}");
    let known: Vec<_> = all.iter().filter_map(|one| Some((one, value(one)?))).collect();
    if !known.is_empty() {
        text.gauge(&name, help);
    }
    for (one, value) in known {
        text.sample(&name, &one.labels(&[]), value);
    }
}

/// A number of each kind.
fn kinds<T: Display>(
    text: &mut Exposition,
    all: &[Standing<'_>],
    name: &str,
    help: &str,
    value: impl Fn(&KindNumbers) -> Option<T>,
) {
    let name = format!("snapback_{name}");
    text.gauge(&name, help);
    for one in all {
        for (kind, numbers) in Kind::ALL.iter().zip(one.kinds.iter().flatten()) {
            if let Some(value) = value(numbers) {
                text.sample(&name, &one.labels(&[("kind", kind.name())]), value);
            }
        }
    }
}

fn operations(text: &mut Exposition, all: &[Standing<'_>]) {
    let name = "snapback_operations_under_way";
    text.gauge(name, "What is being done, by verb.");
    for one in all {
        for (action, tally) in &one.tally.actions {
            text.sample(name, &one.labels(&[("verb", action.name())]), tally.under_way);
        }
    }
    let name = "snapback_operations_total";
    text.counter(name, "What was done, by verb and outcome.");
    for one in all {
        for (action, tally) in &one.tally.actions {
            let outcomes =
                [("done", tally.done), ("failed", tally.failed), ("cancelled", tally.cancelled)];
            for (outcome, count) in outcomes {
                let labels = [("verb", action.name()), ("outcome", outcome)];
                text.sample(name, &one.labels(&labels), count);
            }
        }
    }
    let name = "snapback_failures_total";
    text.counter(name, "What failed, whatever it was.");
    for one in all {
        let failures: u64 = one.tally.actions.values().map(|tally| tally.failed).sum();
        text.sample(name, &one.labels(&[]), failures);
    }
    let name = "snapback_operation_duration_seconds";
    text.durations(name, "How long it took, by verb.");
    for one in all {
        for (action, tally) in &one.tally.actions {
            text.histogram(name, &one.labels(&[("verb", action.name())]), &tally.took);
        }
    }
    let name = "snapback_restore_lock_seconds";
    text.durations(name, "How long writers of the database waited for restores.");
    for one in all {
        let is_quiet = one.database.is_some() && one.tally.lock.count() == 0;
        // Of hundreds of databases few were restored.
        if !is_quiet {
            text.histogram(name, &one.labels(&[]), &one.tally.lock);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_store_has_counts_and_no_age() {
        let standing = Standing {
            kinds: Some(<[KindNumbers; 2]>::default()),
            position: Some(7),
            ..Standing::default()
        };
        let mut text = Exposition::default();
        write(&mut text, &[standing], 0);
        let text = text.into_text();
        assert!(text.contains("snapback_snapshots{kind=\"periodic\"} 0\n"), "{text}");
        assert!(text.contains("\nsnapback_event_position 7\n"), "{text}");
        assert!(!text.contains("age_seconds{"), "{text}");
    }
}
