//! Databases that nobody asks for in a while are closed, and opened when they are wanted again.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use snapback::web;

use super::tenants::{Tenants, name, serve};
use crate::client::patient;
use crate::operations::prometheus::Metrics;

#[test]
fn what_nobody_asks_for_is_closed_whole_and_opens_again_when_it_is_wanted() {
    let tenants = Tenants::new().with(&["acme"]);
    let (kept, closed) = (tenants.databases(8), tenants.soon_closed());
    let take = |databases: &snapback::many::Databases| {
        let snapshots = databases.open(&name("acme")).expect("opened");
        snapshots.take(None, "a test").expect("taken");
        snapshots
    };
    drop(take(&kept));
    kept.look();
    assert_eq!(kept.open_now(), 1, "its time is not over");
    drop(kept);
    assert_eq!(tenants.all_open(), [""; 0].map(std::path::PathBuf::from));

    let in_use = take(&closed);
    closed.look();
    assert_eq!(closed.open_now(), 1, "somebody is at it");
    assert_eq!(tenants.files_open(), [tenants.db("acme")]);
    drop(in_use);
    closed.look();
    assert_eq!(closed.open_now(), 0);
    assert_eq!(tenants.all_open(), [""; 0].map(std::path::PathBuf::from));

    tenants.events("acme", 1);
    let again = take(&closed);
    let list = again.list().expect("a list");
    assert_eq!((list.snapshots.len(), list.snapshots[0].last_event_id), (3, Some(2)));
}

#[test]
fn a_served_console_closes_them_though_nobody_looks_at_the_overview() {
    let tenants = Tenants::new().with(&["acme"]);
    let server = serve(tenants.soon_closed(), web::Options::default());
    let mut stream = TcpStream::connect(server.address()).expect("a connection");
    write!(stream, "GET /d/acme/snapshots HTTP/1.0\r\nHost: {}\r\n\r\n", server.address())
        .expect("a request");
    let mut page = String::new();
    stream.read_to_string(&mut page).expect("an answer");
    assert!(page.starts_with("HTTP/1.0 200"), "{page}");
    assert!(tenants.openings() > 0);
    let start = Instant::now();
    while !tenants.all_open().is_empty() {
        assert!(start.elapsed() < Duration::from_mins(1), "open: {:?}", tenants.all_open());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn numbers_never_fall_back_when_a_database_is_closed() {
    let tenants = Tenants::new().with(&["acme", "beta"]);
    let databases = tenants.soon_closed();
    let client = super::tenants::client(databases.clone(), patient());
    let told = |path: &str| Metrics::read(&client.get(path).text());
    let closed = || {
        databases.look();
        assert_eq!(databases.open_now(), 0);
    };
    let done = [("database", "acme"), ("verb", "take"), ("outcome", "done")];
    for round in 1..=3 {
        client.post("/d/acme/snapshots/take", &[]);
        databases.open(&name("acme")).expect("opened").verify(None, "a test").expect("verified");
        closed();
        let of_all = told("/metrics");
        assert_eq!(of_all.count("snapback_operations_total", &done), round);
        let took = [("database", "acme"), ("verb", "take")];
        assert_eq!(of_all.count("snapback_operation_duration_seconds_count", &took), round);
        let kind = [("database", "acme"), ("kind", "periodic")];
        assert_eq!(of_all.count("snapback_snapshots", &kind), round);
        assert_eq!(of_all.count("snapback_verify_damaged", &[("database", "acme")]), 0);
        let untouched = [("database", "beta"), ("verb", "take"), ("outcome", "done")];
        assert_eq!(of_all.find("snapback_operations_total", &untouched), None);
        assert_eq!(of_all.count("snapback_event_position", &[("database", "beta")]), 1);
        closed();
        let of_one = told("/d/acme/metrics");
        assert_eq!(of_one.count("snapback_operations_total", &done[1..]), round);
        assert_eq!(of_one.count("snapback_verify_damaged", &[]), 0);
    }
}
