//! Metrics and readiness of many databases at once.

use poem::EndpointExt as _;
use snapback::many::{Builder, Place};
use snapback::snapshot::Options;
use snapback::web;

use super::prometheus::Metrics;
use crate::app::App;
use crate::client::{Client, patient};

/// A console of two databases: one that is there, and one that is not.
fn console(app: &App) -> Client {
    let place = |file: &str| {
        let store = app.file("stores").join(file);
        Place::with_options(app.file(file), &store.display().to_string(), Options::default())
    };
    std::fs::create_dir_all(app.file("stores")).expect("a folder");
    let databases = Builder::default()
        .database("there".parse().expect("a name"), place("app.db"))
        .and_then(|builder| builder.database("gone".parse().expect("a name"), place("gone.db")))
        .expect("two names")
        .build();
    databases.look();
    Client::of(web::many(databases, patient()).boxed())
}

#[test]
fn the_numbers_of_each_database_have_its_name() {
    let app = App::new().with_events(7);
    let client = console(&app);
    client.post("/d/there/snapshots/take", &[]);
    let told = Metrics::read(&client.get("/metrics").text());
    assert_eq!(told.count("snapback_databases", &[("state", "ready")]), 1);
    assert_eq!(told.count("snapback_databases", &[("state", "failed")]), 1);
    let there = [("database", "there")];
    assert_eq!(told.count("snapback_event_position", &there), 7);
    assert_eq!(told.find("snapback_event_position", &[("database", "gone")]), None);
    let sort = [("route", "/snapshots/take"), ("method", "POST"), ("status", "3xx")];
    assert_eq!(told.count("snapback_http_request_duration_seconds_count", &sort), 1);
    let of_one = Metrics::read(&client.get("/d/there/metrics").text());
    assert_eq!(of_one.count("snapback_snapshots", &[("kind", "periodic")]), 1);
}

#[test]
fn one_database_that_cannot_be_opened_keeps_nobody_from_the_others() {
    let app = App::new().with_events(1);
    let client = console(&app);
    assert_eq!(client.get("/readyz").text(), "ok\n");
    assert_eq!(client.get("/d/there/readyz").text(), "ok\n");
    assert_eq!(client.get("/d/gone/readyz").status, 404);
}
