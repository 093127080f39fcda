//! The numbers for Prometheus: read by a strict reader, and true.

use poem::http::Method;
use snapback::snapshot::{LabelChange, Scope};
use snapback::web::Options;

use super::prometheus::Metrics;
use crate::app::{App, BY, named};
use crate::client::{Client, patient};

fn metrics(client: &Client) -> Metrics {
    let answer = client.get("/metrics");
    assert_eq!(answer.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    Metrics::read(&answer.text())
}

#[test]
fn the_numbers_tell_how_database_and_store_stand() {
    let app = App::new().with_events(30);
    let taken = app.take("one");
    app.restore(&taken, Scope::Tables);
    let told = metrics(&app.client());
    for kind in ["periodic", "rewind"] {
        let of = [("kind", kind)];
        assert_eq!(told.count("snapback_snapshots", &of), 1);
        assert_eq!(told.count("snapback_snapshots_damaged", &of), 0);
        assert!(told.value("snapback_newest_snapshot_age_seconds", &of) < 600.0);
    }
    let files = |folder: &str| -> u64 {
        let files = std::fs::read_dir(app.store_dir().join(folder)).expect("a folder");
        files.map(|file| file.expect("a file").metadata().expect("its size").len()).sum()
    };
    let stored = files("packs") + files("snapshots/periodic") + files("snapshots/rewind");
    assert_eq!(told.count("snapback_store_bytes", &[]), stored);
    assert_eq!(told.count("snapback_event_position", &[]), 30);
    let sqlite = [("sqlite", rusqlite::version()), ("version", env!("CARGO_PKG_VERSION"))];
    assert_eq!(told.count("snapback_build_info", &sqlite), 1);
}

#[test]
fn what_was_done_and_what_failed_is_counted() {
    let app = App::new().with_events(30);
    let client = app.client();
    assert_eq!(
        metrics(&client)
            .find("snapback_operations_total", &[("verb", "take"), ("outcome", "done")]),
        None
    );
    let taken = app.take("one");
    app.take("two");
    app.events(5);
    app.restore(&taken, Scope::Rewind);
    app.snapshots().delete(&named("periodic/gone"), BY).expect_err("no such snapshot");
    app.snapshots().label(&taken, &LabelChange::default(), BY).expect("no change");
    let told = metrics(&client);
    let count = |verb, outcome| {
        told.count("snapback_operations_total", &[("verb", verb), ("outcome", outcome)])
    };
    assert_eq!((count("take", "done"), count("take", "failed")), (2, 0));
    assert_eq!((count("restore", "done"), count("restore", "cancelled")), (1, 0));
    assert_eq!((count("delete", "done"), count("delete", "failed")), (0, 1));
    assert_eq!(told.count("snapback_failures_total", &[]), 1);
    let verb = [("verb", "take")];
    assert_eq!(told.count("snapback_operation_duration_seconds_count", &verb), 2);
    assert_eq!(told.count("snapback_operations_under_way", &verb), 0);
    assert_eq!(told.count("snapback_restore_lock_seconds_count", &[]), 1);
    assert_eq!(told.types["snapback_restore_lock_seconds"], "histogram");
}

#[test]
fn requests_are_counted_by_route_and_class_of_status_and_not_by_address() {
    for mount in ["", "/admin"] {
        let app = App::new().with_events(3);
        let id = app.take("one").id;
        let client = app.client_with(Options { mount: mount.to_owned(), ..patient() });
        for path in [
            format!("{mount}/snapshots"),
            format!("{mount}/snapshots/{id}/preview?kind=periodic"),
            format!("{mount}/snapshots/{id}/preview?kind=none"),
            format!("{mount}/nowhere/at/all"),
        ] {
            client.get(&path);
            client.call(Method::GET, &path).header("Accept-Encoding", "gzip").send();
        }
        client.post(&format!("{mount}/snapshots"), &[]);
        let told = Metrics::read(&client.get(&format!("{mount}/metrics")).text());
        let name = "snapback_http_request_duration_seconds_count";
        let count = |route, method, status| {
            told.count(name, &[("route", route), ("method", method), ("status", status)])
        };
        assert_eq!(count("/snapshots", "GET", "2xx"), 2);
        assert_eq!(count("/snapshots/:id/preview", "GET", "2xx"), 2);
        assert_eq!(count("/snapshots/:id/preview", "GET", "4xx"), 2);
        assert_eq!(count("/snapshots", "POST", "4xx"), 1);
        assert_eq!(count("none", "GET", "4xx"), 2);
        assert!(!told.values_of(name, "route").iter().any(|route| route.contains(id.as_str())));
    }
}
