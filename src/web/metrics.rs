//! How things stand, for machines: liveness, and numbers in Prometheus' text format.

mod exposition;
mod requests;

use poem::{Response, handler};

use super::console::{Console, present};
use super::overview;
use crate::many::{Condition, Figures, Status};
use crate::snapshot::tally::Tally;
use crate::snapshot::{Entry, Kind, LastVerify, List, Now, State};
use exposition::Exposition;
pub(crate) use requests::{Requests, Sort};

/// Says that the process answers; it asks neither database nor store.
#[handler]
pub(crate) fn health() -> Response {
    Response::builder().content_type("text/plain; charset=utf-8").body("ok\n")
}

#[handler]
pub(crate) async fn show(console: Console) -> poem::Result<Response> {
    let standing = console
        .blocking(|snapshots| {
            Ok(Standing {
                list: snapshots.list()?,
                now: snapshots.now()?,
                verify: snapshots.last_verify(),
                stored_bytes: snapshots.stored_bytes()?,
                tally: snapshots.tally(),
                second: present().as_second(),
            })
        })
        .await?;
    let mut text = Exposition::default();
    build(&mut text);
    standing.write(&mut text);
    requests(&mut text, console.requests());
    Ok(answer(text))
}

/// The numbers of many databases: what is known of each without opening it.
#[handler]
pub(crate) async fn of_many(console: Console) -> poem::Result<Response> {
    let databases = console.databases()?;
    let statuses = overview::look(databases).await;
    let mut text = Exposition::default();
    build(&mut text);
    many(&mut text, &statuses, databases.open_now(), present().as_second());
    requests(&mut text, console.requests());
    Ok(answer(text))
}

fn answer(text: Exposition) -> Response {
    Response::builder()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(text.into_text())
}

fn many(text: &mut Exposition, statuses: &[Status], open: usize, second: i64) {
    text.gauge("snapback_databases", "Databases, by what is known of them.");
    let conditions =
        [("ready", Condition::Ready), ("failed", Condition::Failed), ("unread", Condition::Unread)];
    for (name, condition) in conditions {
        let count = statuses.iter().filter(|status| status.condition == condition).count();
        text.sample("snapback_databases", &[("state", name)], count);
    }
    text.gauge("snapback_databases_open", "Databases that are open now.");
    text.sample("snapback_databases_open", &[], open);
    let of_each = |text: &mut Exposition, name, help, value: &dyn Fn(&Figures) -> Option<i64>| {
        text.gauge(name, help);
        for status in statuses {
            if let Some(value) = status.figures.as_ref().and_then(value) {
                text.sample(name, &[("database", &status.title)], value);
            }
        }
    };
    let whole = |number: usize| i64::try_from(number).ok();
    let (name, help) = ("snapback_database_snapshots", "Snapshots, by database.");
    of_each(text, name, help, &|figures| whole(figures.snapshots));
    let help = "Snapshots that cannot be read, by database.";
    of_each(text, "snapback_database_snapshots_damaged", help, &|figures| whole(figures.damaged));
    let help = "Time since the newest intact snapshot, by database.";
    of_each(text, "snapback_database_newest_snapshot_age_seconds", help, &|figures| {
        figures.newest.as_ref().map(|newest| (second - newest.created_at.as_second()).max(0))
    });
    let help = "Position of the event log, by database.";
    of_each(text, "snapback_database_event_position", help, &|figures| figures.position);
}

/// How database and store stand, and what was done to them.
struct Standing {
    list: List,
    now: Now,
    verify: Option<LastVerify>,
    stored_bytes: u64,
    tally: Tally,
    /// The Unix time.
    second: i64,
}

impl Standing {
    fn write(&self, text: &mut Exposition) {
        self.snapshots(text);
        text.gauge("snapback_store_bytes", "Size of the store: manifests and packs.");
        text.sample("snapback_store_bytes", &[], self.stored_bytes);
        text.gauge("snapback_database_bytes", "Size of the database.");
        text.sample("snapback_database_bytes", &[], self.now.bytes);
        if let Some(position) = self.now.position {
            text.gauge("snapback_event_position", "Position of the event log.");
            text.sample("snapback_event_position", &[], position);
        }
        if let Some(leads) = self.now.leads {
            let help = "Whether this console takes what its schedule says, not another one.";
            text.gauge("snapback_schedule_leads", help);
            text.sample("snapback_schedule_leads", &[], u8::from(leads));
        }
        if let Some(verify) = self.verify {
            let age = (self.second - verify.at.as_second()).max(0);
            text.gauge("snapback_verify_age_seconds", "Time since all snapshots were read back.");
            text.sample("snapback_verify_age_seconds", &[], age);
            text.gauge("snapback_verify_damaged", "Snapshots that were damaged then.");
            text.sample("snapback_verify_damaged", &[], verify.damaged);
        }
        self.operations(text);
    }

    fn snapshots(&self, text: &mut Exposition) {
        let of = |kind: Kind| self.list.snapshots.iter().filter(move |entry| entry.kind == kind);
        text.gauge("snapback_snapshots", "Snapshots in the store.");
        for kind in Kind::ALL {
            text.sample("snapback_snapshots", &[("kind", kind.name())], of(kind).count());
        }
        text.gauge("snapback_snapshots_damaged", "Snapshots that cannot be read.");
        for kind in Kind::ALL {
            let damaged = of(kind).filter(|entry| entry.state == State::Damaged).count();
            text.sample("snapback_snapshots_damaged", &[("kind", kind.name())], damaged);
        }
        text.gauge(
            "snapback_newest_snapshot_age_seconds",
            "Time since the newest intact snapshot.",
        );
        for kind in Kind::ALL {
            if let Some(newest) = of(kind).find(|entry| entry.state == State::Intact) {
                let age = (self.second - newest.created_at.as_second()).max(0);
                text.sample("snapback_newest_snapshot_age_seconds", &[("kind", kind.name())], age);
            }
        }
        text.gauge("snapback_snapshot_new_bytes", "Bytes that the snapshots added to the store.");
        for kind in Kind::ALL {
            let bytes: u64 = of(kind).filter_map(|entry: &Entry| entry.new_bytes).sum();
            text.sample("snapback_snapshot_new_bytes", &[("kind", kind.name())], bytes);
        }
    }

    fn operations(&self, text: &mut Exposition) {
        let actions = &self.tally.actions;
        text.gauge("snapback_operations_under_way", "What is being done, by verb.");
        for (action, tally) in actions {
            let labels = [("verb", action.name())];
            text.sample("snapback_operations_under_way", &labels, tally.under_way);
        }
        text.counter("snapback_operations_total", "What was done, by verb and outcome.");
        for (action, tally) in actions {
            let outcomes =
                [("done", tally.done), ("failed", tally.failed), ("cancelled", tally.cancelled)];
            for (outcome, count) in outcomes {
                let labels = [("verb", action.name()), ("outcome", outcome)];
                text.sample("snapback_operations_total", &labels, count);
            }
        }
        let failures: u64 = actions.values().map(|tally| tally.failed).sum();
        text.counter("snapback_failures_total", "What failed, whatever it was.");
        text.sample("snapback_failures_total", &[], failures);
        text.durations("snapback_operation_duration_seconds", "How long it took, by verb.");
        for (action, tally) in actions {
            let labels = [("verb", action.name())];
            text.histogram("snapback_operation_duration_seconds", &labels, &tally.took);
        }
        let help = "How long writers of the database waited for restores.";
        text.durations("snapback_restore_lock_seconds", help);
        text.histogram("snapback_restore_lock_seconds", &[], &self.tally.lock);
    }
}

fn build(text: &mut Exposition) {
    text.gauge("snapback_build_info", "Which program this is, and the SQLite in it.");
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("sqlite", rusqlite::version())];
    text.sample("snapback_build_info", &labels, 1);
}

fn requests(text: &mut Exposition, requests: &Requests) {
    let name = "snapback_http_request_duration_seconds";
    text.durations(name, "Time until an answer began, by route, method and class of status.");
    for (sort, histogram) in requests.read() {
        let labels = [("route", &*sort.route), ("method", sort.method), ("status", sort.status)];
        text.histogram(name, &labels, &histogram);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_store_has_counts_and_no_age() {
        let list = List { current_event_log_max_id: Some(7), snapshots: Vec::new() };
        let now = Now {
            name: "chat.db".to_owned(),
            path: "/data/chat.db".to_owned(),
            position: Some(7),
            bytes: 4096,
            event_table: Some("events".to_owned()),
            journal_mode: "wal".to_owned(),
            next_take: None,
            next_take_position: None,
            leads: None,
        };
        let standing = Standing {
            list,
            now,
            verify: None,
            stored_bytes: 0,
            tally: Tally::default(),
            second: 0,
        };
        let mut text = Exposition::default();
        standing.write(&mut text);
        let text = text.into_text();
        assert!(text.contains("snapback_snapshots{kind=\"periodic\"} 0\n"), "{text}");
        assert!(text.contains("\nsnapback_event_position 7\n"), "{text}");
        assert!(!text.contains("age_seconds{"), "{text}");
    }
}
