//! How things stand, for machines: liveness, and numbers in Prometheus' text format.

use std::fmt::{Display, Write as _};

use poem::{Response, handler};

use super::console::{Console, present};
use crate::snapshot::{Entry, Kind, LastVerify, List, Now, State};

/// Says that the process answers; it asks neither database nor store.
#[handler]
pub(crate) fn health() -> Response {
    Response::builder().content_type("text/plain; charset=utf-8").body("ok\n")
}

#[handler]
pub(crate) async fn show(console: Console) -> poem::Result<Response> {
    let (list, now, verify) = console
        .blocking(|snapshots| Ok((snapshots.list()?, snapshots.now()?, snapshots.last_verify())))
        .await?;
    Ok(Response::builder()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(exposition(&list, &now, verify, present().as_second())))
}

/// The text format of <https://prometheus.io/docs/instrumenting/exposition_formats/>.
fn exposition(list: &List, now: &Now, verify: Option<LastVerify>, second: i64) -> String {
    let of = |kind: Kind| list.snapshots.iter().filter(move |entry| entry.kind == kind);
    let mut text = Exposition::default();
    text.gauge("snapback_snapshots", "Snapshots in the store.");
    for kind in Kind::ALL {
        text.of_kind("snapback_snapshots", kind, of(kind).count());
    }
    text.gauge("snapback_snapshots_damaged", "Snapshots that cannot be read.");
    for kind in Kind::ALL {
        let damaged = of(kind).filter(|entry| entry.state == State::Damaged).count();
        text.of_kind("snapback_snapshots_damaged", kind, damaged);
    }
    text.gauge("snapback_newest_snapshot_age_seconds", "Time since the newest intact snapshot.");
    for kind in Kind::ALL {
        if let Some(newest) = of(kind).find(|entry| entry.state == State::Intact) {
            let age = (second - newest.created_at.as_second()).max(0);
            text.of_kind("snapback_newest_snapshot_age_seconds", kind, age);
        }
    }
    text.gauge("snapback_snapshot_new_bytes", "Bytes that the snapshots added to the store.");
    for kind in Kind::ALL {
        let bytes: u64 = of(kind).filter_map(|entry: &Entry| entry.new_bytes).sum();
        text.of_kind("snapback_snapshot_new_bytes", kind, bytes);
    }
    text.gauge("snapback_database_bytes", "Size of the database.");
    text.plain("snapback_database_bytes", now.bytes);
    if let Some(position) = now.position {
        text.gauge("snapback_event_position", "Position of the event log.");
        text.plain("snapback_event_position", position);
    }
    if let Some(verify) = verify {
        let age = (second - verify.at.as_second()).max(0);
        text.gauge("snapback_verify_age_seconds", "Time since all snapshots were read back.");
        text.plain("snapback_verify_age_seconds", age);
        text.gauge("snapback_verify_damaged", "Snapshots that were damaged then.");
        text.plain("snapback_verify_damaged", verify.damaged);
    }
    text.0
}

#[derive(Default)]
struct Exposition(String);

// Writing to a String does not fail.
impl Exposition {
    fn gauge(&mut self, name: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    fn of_kind(&mut self, name: &str, kind: Kind, value: impl Display) {
        let _ = writeln!(self.0, "{name}{{kind=\"{kind}\"}} {value}");
    }

    fn plain(&mut self, name: &str, value: impl Display) {
        let _ = writeln!(self.0, "{name} {value}");
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
        };
        let text = exposition(&list, &now, None, 0);
        assert!(text.contains("snapback_snapshots{kind=\"periodic\"} 0\n"), "{text}");
        assert!(text.contains("\nsnapback_event_position 7\n"), "{text}");
        assert!(!text.contains("age_seconds{"), "{text}");
    }
}
