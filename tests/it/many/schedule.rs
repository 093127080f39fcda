//! Schedules of databases that are closed most of the time.

use std::time::Duration;

use snapback::snapshot::{Progress, Schedule};

use super::tenants::{Tenants, name};

fn every_events(count: u64) -> Schedule {
    Schedule { every_events: Some(count), ..Schedule::default() }
}

#[test]
fn only_databases_where_something_is_due_are_taken() {
    let tenants = Tenants::new().schedule(every_events(5)).with(&["busy", "quiet"]);
    let databases = tenants.databases(1);
    let progress = Progress::default();
    let taken = |name_of: &str| {
        let list = databases.visit(&name(name_of), snapback::snapshot::Snapshots::list);
        list.expect("a list").snapshots.len()
    };
    databases.take_when_due("schedule", &progress);
    assert_eq!((taken("busy"), taken("quiet")), (0, 0));
    tenants.events("busy", 6);
    databases.take_when_due("schedule", &progress);
    assert_eq!((taken("busy"), taken("quiet")), (1, 0));
    databases.take_when_due("schedule", &progress);
    assert_eq!(taken("busy"), 1, "once");
    assert_eq!(databases.open_now(), 0);
}

#[test]
fn what_has_not_changed_is_looked_at_once_an_interval_and_not_opened_between() {
    let hourly = Schedule { every: Some(Duration::from_hours(1)), ..Schedule::default() };
    let tenants = Tenants::new().schedule(hourly).with(&["acme"]);
    let databases = tenants.databases(1);
    let progress = Progress::default();
    databases.take_when_due("schedule", &progress);
    let list = databases.visit(&name("acme"), snapback::snapshot::Snapshots::list);
    assert_eq!(list.expect("a list").snapshots.len(), 1);
    // Its figures are read until what was written is old enough to be trusted.
    let start = std::time::Instant::now();
    loop {
        let before = tenants.openings();
        databases.take_when_due("schedule", &progress);
        if tenants.openings() == before {
            break;
        }
        assert!(start.elapsed().as_secs() < 60, "it is opened again and again");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_database_that_another_console_leads_is_left_alone() {
    let tenants = Tenants::new().schedule(every_events(5)).with(&["acme", "beta"]);
    let (databases, others) = (tenants.databases(2), tenants.databases(2));
    let progress = Progress::default();
    // One of them is looked at in the other console, which leads there.
    let looked_at = others.open(&name("acme")).expect("opened");
    others.take_when_due("schedule", &progress);
    assert_eq!(looked_at.leads(), Some(true));
    tenants.events("acme", 6);
    tenants.events("beta", 6);
    databases.take_when_due("schedule", &progress);
    let status = |name: &str| {
        let statuses = databases.statuses();
        let status = statuses.into_iter().find(|status| status.title == name).expect("a status");
        let figures = status.figures.expect("figures");
        (figures.snapshots, figures.leads)
    };
    assert_eq!(status("acme"), (0, Some(false)));
    assert_eq!(status("beta"), (1, Some(true)));
    assert_eq!(databases.open_now(), 0);
    others.take_when_due("schedule", &progress);
    assert_eq!(looked_at.list().expect("a list").snapshots.len(), 1);
}
