//! Checkpoints that are taken by themselves.

mod leader;

use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use object_store::memory::InMemory;
use snapback::snapshot::{Clock, Kind, Schedule, Scope, Snapshots};
use snapback::store::Store;

use crate::app::{App, BY};
use crate::faults::store::FaultyStore;

/// A clock that goes on only when it is told to.
#[derive(Clone)]
struct Hand(Arc<Mutex<Timestamp>>);

impl Hand {
    fn new() -> Self {
        Self(Arc::new(Mutex::new("2026-11-23T10:00:00Z".parse().expect("a moment"))))
    }

    fn clock(&self) -> Clock {
        let hand = self.clone();
        Clock::new(move || *hand.0.lock().expect("a clock"))
    }

    fn forward(&self, minutes: i64) {
        *self.0.lock().expect("a clock") += SignedDuration::from_mins(minutes);
    }
}

/// A checkpoint every quarter of an hour.
fn quarterly() -> Schedule {
    Schedule { every: Some(Duration::from_mins(15)), ..Schedule::default() }
}

fn takes(app: &App) -> bool {
    app.snapshots().take_when_due(BY).expect("looked at").is_some()
}

#[test]
fn one_is_taken_when_it_is_due_and_something_has_changed() {
    let hand = Hand::new();
    let app = App::new().schedule(quarterly(), hand.clock()).with_events(10);
    assert!(takes(&app), "the first one");
    app.events(1);
    hand.forward(14);
    assert!(!takes(&app), "too early");
    hand.forward(1);
    assert!(takes(&app));
    hand.forward(15);
    assert!(!takes(&app), "nothing has changed");
    app.events(1);
    assert!(!takes(&app), "that was looked at just now");
    hand.forward(15);
    assert!(takes(&app));
    assert_eq!(app.listed().len(), 3);
}

#[test]
fn what_was_missed_is_caught_up_once() {
    let hand = Hand::new();
    let app = App::new().schedule(quarterly(), hand.clock()).with_events(10);
    assert!(takes(&app));
    app.events(1);
    hand.forward(7 * 24 * 60);
    assert!(takes(&app));
    app.events(1);
    assert!(!takes(&app));
    let next = app.snapshots().next_take().expect("looked at").expect("a moment");
    assert_eq!(next.to_string(), "2026-11-30T10:15:00Z");
}

#[test]
fn without_an_event_log_the_rows_tell_whether_anything_has_changed() {
    let hand = Hand::new();
    let app = App::new()
        .schedule(quarterly(), hand.clock())
        .tables_only("CREATE TABLE notes(id INTEGER PRIMARY KEY, text TEXT)");
    app.sql("INSERT INTO notes(text) VALUES('one')");
    assert!(takes(&app));
    hand.forward(15);
    assert!(!takes(&app));
    app.sql("UPDATE notes SET text = 'two'");
    hand.forward(15);
    assert!(takes(&app));
}

#[test]
fn safety_copies_are_no_checkpoints() {
    let hand = Hand::new();
    let app = App::new().schedule(quarterly(), hand.clock()).with_events(10);
    let first = app.take("first");
    app.events(5);
    hand.forward(14);
    app.restore(&first, Scope::Tables);
    hand.forward(1);
    assert!(takes(&app));
}

#[test]
fn the_first_one_by_the_calendar_is_taken_at_its_moment() {
    let hand = Hand::new();
    let cron = Some("0 12 * * *".parse().expect("cron"));
    let app = App::new().schedule(Schedule { cron, ..Schedule::default() }, hand.clock());
    app.events(10);
    assert!(!takes(&app), "it waits for its moment");
    hand.forward(2 * 60 + 1);
    assert!(takes(&app));
    app.events(1);
    assert!(!takes(&app));
    hand.forward(24 * 60);
    assert!(takes(&app));
}

#[test]
fn a_clock_that_is_set_back_stops_no_schedule() {
    let hand = Hand::new();
    let app = App::new().keep_last(3).schedule(quarterly(), hand.clock()).with_events(10);
    hand.forward(365 * 24 * 60);
    assert!(takes(&app));
    hand.forward(15);
    assert!(!takes(&app), "nothing has changed");
    hand.forward(-365 * 24 * 60);
    for _ in 0..5 {
        app.events(1);
        assert!(takes(&app));
        app.events(1);
        assert!(!takes(&app));
        hand.forward(15);
    }
    let newest = app.snapshots().list().expect("a list").snapshots.remove(0);
    assert_eq!(newest.last_event_id, Some(19), "the newest comes first, and stays");
}

#[test]
fn events_are_counted_from_where_a_log_was_rewound_to() {
    let by_events = Schedule { every_events: Some(100), ..Schedule::default() };
    let app = App::new().schedule(by_events, Hand::new().clock()).with_events(20);
    let first = app.take("first");
    app.events(99);
    assert!(!takes(&app));
    app.events(1);
    assert!(takes(&app));
    let restored = app.restore(&first, Scope::Rewind);
    let next = || app.snapshots().next_take_position().expect("looked at");
    assert_eq!(next(), Some(120));
    app.events(99);
    assert!(!takes(&app));
    app.undo(&restored);
    assert_eq!(next(), Some(220));
    app.events(99);
    assert!(!takes(&app));
    app.events(1);
    assert!(takes(&app));
}

#[test]
fn the_store_is_left_alone_while_nothing_is_due() {
    let hand = Hand::new();
    let faulty = FaultyStore::over(Arc::new(InMemory::new()));
    let app = App::new().schedule(quarterly(), hand.clock()).store_over(Arc::new(faulty.clone()));
    let app = app.with_events(10);
    assert!(takes(&app));
    app.events(1);
    assert!(!takes(&app));
    let before = faulty.seen();
    for _ in 0..10 {
        hand.forward(1);
        assert!(!takes(&app));
        app.snapshots().next_take().expect("known").expect("a moment");
    }
    assert_eq!(faulty.seen(), before);
    hand.forward(10);
    assert!(takes(&app));
    assert!(faulty.seen() > before);
}

#[test]
fn of_several_consoles_that_all_lead_one_takes_it() {
    let hand = Hand::new();
    let app = App::in_memory().keep_last(0).schedule(quarterly(), hand.clock()).with_events(10);
    let store = || Store::directory(&app.store_dir()).expect("a store");
    let consoles = [app.snapshots(), app.reopen_in(store()), app.reopen_in(store())];
    for console in &consoles {
        // All of them lead, as after a pause or where a server forgets: that must do no harm.
        let _ = std::fs::remove_file(app.store_dir().join("take-leader"));
        console.take_when_due(BY).expect("looked at");
        assert_eq!(console.leads(), Some(true));
    }
    assert_eq!(app.listed().len(), 1);
    for round in 2..=21 {
        hand.forward(15);
        app.events(1);
        let together = Barrier::new(consoles.len());
        let look = |console: &Snapshots| {
            together.wait();
            console.take_when_due(BY).expect("looked at").is_some()
        };
        let taken = std::thread::scope(|scope| {
            let threads: Vec<_> =
                consoles.iter().map(|console| scope.spawn(|| look(console))).collect();
            let taken = threads.into_iter().map(|thread| thread.join().expect("no panic"));
            taken.filter(|taken| *taken).count()
        });
        assert_eq!(taken, 1, "round {round}");
        assert_eq!(app.listed().len(), round);
    }
}

#[test]
fn a_served_console_takes_what_is_due_and_says_when_the_next_one_is() {
    let schedule = Schedule { every_events: Some(3), ..quarterly() };
    let app = App::new().schedule(schedule, Clock::default()).with_events(10);
    let server = app.serve();
    app.wait_for_snapshots(1);
    app.events(3);
    app.wait_for_snapshots(2);
    let entry = app.snapshots().list().expect("a list").snapshots.remove(0);
    assert_eq!((entry.kind, entry.last_event_id), (Kind::Periodic, Some(13)));
    let page = app.client().get("/snapshots").text();
    assert!(page.contains(" · next snapshot <time"), "{page}");
    assert!(page.contains("</time> or at event 16<"), "{page}");
    let by = app.snapshots().history(1).expect("a history").remove(0).by;
    assert_eq!(by, "schedule");
    drop(server);
}

#[test]
fn a_clock_that_is_set_back_lets_go_of_nothing_new() {
    let hand = Hand::new();
    let app = App::new().keep_last(2).schedule(Schedule::default(), hand.clock()).with_events(10);
    let first = app.take("first");
    app.pin(&first);
    let rewind = |app: &App| {
        app.events(1);
        app.restore(&first, Scope::Rewind).rewind
    };
    for _ in 0..2 {
        app.take("of next year");
        rewind(&app);
        hand.forward(365 * 24 * 60);
    }
    hand.forward(-3 * 365 * 24 * 60);
    let (taken, copy) = (app.take("of now"), rewind(&app));
    let newest = |kind| app.listed().into_iter().find(|snapshot| snapshot.kind == kind);
    assert_eq!(newest(Kind::Periodic), Some(taken));
    assert_eq!(newest(Kind::Rewind), Some(copy.clone()));
    let last = app.snapshots().last_rewind().expect("looked at").expect("a copy");
    assert_eq!(last.snapshot(), copy, "what is undone is the last restore");
}
