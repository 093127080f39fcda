//! Reading back all snapshots of several databases, again and again.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use snapback::snapshot::{Alarm, Failure, HistoryQuery};
use snapback::web;

use super::tenants::{Tenants, client, name, serve};
use crate::client::patient;
use crate::operations::prometheus::Metrics;

#[test]
fn each_database_is_verified_closed_ones_too_and_a_damaged_one_is_told_everywhere() {
    let told: Arc<Mutex<Vec<Failure>>> = Arc::default();
    let hears = told.clone();
    let alarm = Alarm::new(move |failure| hears.lock().expect("a list").push(failure.clone()));
    let tenants = Tenants::new().alarm(alarm).with(&["acme", "beta", "gamma"]);
    let databases = tenants.soon_closed();
    for tenant in ["acme", "beta", "gamma"] {
        databases.open(&name(tenant)).expect("opened").take(None, "a test").expect("taken");
    }
    let packs = std::fs::read_dir(tenants.file("beta.snapback/packs")).expect("packs");
    for pack in packs {
        let path = pack.expect("a file").path();
        let mut bytes = std::fs::read(&path).expect("its bytes");
        bytes[20] ^= 1;
        std::fs::write(&path, bytes).expect("damaged");
    }
    databases.look();
    assert_eq!(databases.open_now(), 0);

    let every = Some(Duration::from_hours(24));
    let options = web::Options { verify_every: every, ..web::Options::default() };
    let server = serve(databases.clone(), options);
    let metrics = || Metrics::read(&client(databases.clone(), patient()).get("/metrics").text());
    let damaged = |tenant: &str| {
        let of = [("database", tenant)];
        metrics().find("snapback_verify_damaged", &of)
    };
    let start = Instant::now();
    while ["acme", "beta", "gamma"].iter().any(|tenant| damaged(tenant).is_none()) {
        assert!(start.elapsed() < Duration::from_mins(1), "not all are verified");
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(server);
    let damaged = ["acme", "beta", "gamma"].map(|tenant| damaged(tenant).expect("verified"));
    assert_eq!(damaged.map(|count| count > 0.0), [false, true, false]);
    for tenant in ["acme", "beta", "gamma"] {
        let verify = HistoryQuery {
            action: Some(snapback::snapshot::Action::Verify),
            ..HistoryQuery::default()
        };
        let page = databases.visit(&name(tenant), |snapshots| snapshots.history_page(&verify));
        let lines = page.expect("a history").history;
        assert_eq!(lines.len(), 1, "{tenant}: once, for it is not due again");
        assert_eq!((lines[0].ok, lines[0].by.as_str()), (tenant != "beta", "schedule"));
    }
    let told = told.lock().expect("a list");
    let told: Vec<_> = told.iter().map(|failure| (failure.verb, &*failure.what)).collect();
    assert_eq!(told, [("verify", "1 of 1 damaged")]);
}
