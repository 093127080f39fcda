//! One of several consoles on a store takes what is due; the others know that it does.

use std::time::Duration;

use poem::EndpointExt as _;
use snapback::snapshot::{Clock, Snapshots};
use snapback::store::Store;
use snapback::web;

use super::{Hand, quarterly};
use crate::app::{App, BY};
use crate::client::{Client, patient};
use crate::held::{Access, HeldStore};
use crate::stores::Place;

fn takes(console: &Snapshots) -> bool {
    console.take_when_due(BY).expect("looked at").is_some()
}

fn client(console: Snapshots) -> Client {
    Client::of(web::routes(console, patient()).boxed())
}

#[test]
fn who_does_not_lead_begins_nothing_and_says_so() {
    let hand = Hand::new();
    let held = HeldStore::default();
    let store = Store::over(std::sync::Arc::new(held.clone()));
    let app = App::new().store_in(store.clone()).schedule(quarterly(), hand.clock());
    let app = app.with_events(10);
    let (leader, other) = (app.snapshots(), app.reopen_in(store));
    let stopped = held.hold(Access::Write, "snapshots");
    std::thread::scope(|scope| {
        let taken = scope.spawn(|| takes(&leader));
        stopped.wait();
        // It would wait for the store's lock at the end, having read everything.
        assert!(!takes(&other));
        drop(stopped);
        assert!(taken.join().expect("no panic"));
    });
    app.events(1);
    hand.forward(15);
    assert!(!takes(&other), "that is the leader's");
    assert_eq!((leader.leads(), other.leads()), (Some(true), Some(false)));

    let (leader, other) = (client(leader), client(other));
    for (client, leads) in [(&leader, true), (&other, false)] {
        let page = client.get("/snapshots").text();
        let header = page.split("id=\"place\">").nth(1).expect("a header");
        let header = header.split("</p>").next().expect("its end");
        assert!(header.contains(" · next snapshot once anything changes"), "{header}");
        assert_eq!(header.contains(", by another console"), !leads, "{header}");
        let metrics = client.get("/metrics").text();
        let told = format!("\nsnapback_schedule_leads {}\n", u8::from(leads));
        assert!(metrics.contains(&told), "{metrics}");
        // What did not begin is not counted.
        let taken = "snapback_operations_total{verb=\"take\",outcome=\"done\"} 1\n";
        assert_eq!(metrics.contains(taken), leads, "{metrics}");
        assert_eq!(metrics.contains("verb=\"take\""), leads, "{metrics}");
    }
}

#[test]
fn when_the_leader_ends_another_console_takes_over_in_every_store() {
    for place in Place::all() {
        let hand = Hand::new();
        let app = App::new().store_in(place.open()).schedule(quarterly(), hand.clock());
        let app = app.with_events(10);
        let (other, third) = (app.reopen_in(place.open()), app.reopen_in(place.open()));
        let due = || {
            app.events(1);
            hand.forward(15);
        };
        let leader = app.reopen_in(place.open());
        assert!(takes(&leader));
        due();
        assert!(!takes(&other) && takes(&leader));
        due();
        // As at the end of a console that was closed.
        drop(leader);
        assert!(takes(&other), "{:?}", place.open());
        due();
        assert!(!takes(&third));
        // As at the end of one that is served, whose streams and copies may take a while to end.
        other.step_down();
        // A bucket is not asked again at once.
        hand.forward(1);
        assert!(takes(&third));
        assert_eq!((other.leads(), third.leads()), (None, Some(true)));
    }
}

#[test]
fn a_served_console_that_stops_leaves_the_lead_to_others() {
    let schedule = snapback::snapshot::Schedule { every_events: Some(1), ..quarterly() };
    let app = App::new().schedule(schedule, Clock::default()).with_events(3);
    let other = app.reopen_in(Store::directory(&app.store_dir()).expect("a store"));
    let server = app.serve();
    app.wait_for_snapshots(1);
    assert!(!takes(&other));
    drop(server);
    app.events(1);
    assert!(takes(&other), "though the one that was served is still open");
}

#[test]
fn a_verification_that_is_due_is_done_by_one_of_several_consoles() {
    let hand = Hand::new();
    let held = HeldStore::default();
    let store = Store::over(std::sync::Arc::new(held.clone()));
    let app = App::new().store_in(store.clone()).schedule(quarterly(), hand.clock());
    let app = app.with_events(10);
    app.take("one");
    let day = Duration::from_hours(24);
    let verify = |console: &Snapshots| console.verify_when_due(day, BY).expect("verified");
    let (one, other) = (app.reopen_in(store.clone()), app.reopen_in(store));
    let stopped = held.hold(Access::Read, "packs");
    std::thread::scope(|scope| {
        let verified = scope.spawn(|| verify(&one));
        stopped.wait();
        assert_eq!(verify(&other), Duration::from_mins(1), "it looks again soon");
        drop(stopped);
        assert_eq!(verified.join().expect("no panic"), day);
    });
    assert_eq!((one.last_verify().is_some(), other.last_verify()), (true, None));
    hand.forward(60);
    assert_eq!(verify(&other), Duration::from_hours(23), "it was done");
    hand.forward(23 * 60);
    assert_eq!(verify(&other), day);
    assert!(other.last_verify().is_some());
}
