//! What is kept between two requests is never old: whoever changes what, the next answer says it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use object_store::memory::InMemory;
use poem::EndpointExt as _;
use snapback::snapshot::{Clock, Kind, LabelChange, Schedule, Scope, Snapshots};
use snapback::web;

use crate::app::{App, BY, named};
use crate::client::{Client, patient};
use crate::faults::seeded::Seeded;
use crate::faults::store::{Fault, FaultyStore};

/// A whole snapshot in one file, always of the same length.
fn foreign(position: u64) -> String {
    format!("{{\"last_event_id\": {:04}, \"event_log\": [], \"bots\": []}}", 1000 + position % 9000)
}

/// The page and the JSON of the list, without the moment at which the page was asked for.
fn told(client: &Client) -> (String, String) {
    let page = client.get("/snapshots").text();
    let at = page.find("data-at=\"").expect("the page says when it was asked for");
    let end = at + page[at..].find(' ').or_else(|| page[at..].find('>')).expect("its end");
    let page = format!("{}{}", &page[..at], &page[end..]);
    (page, client.json("/snapshots").to_string())
}

/// A console that was never asked anything.
fn new_client(app: &App) -> Client {
    Client::of(web::routes(app.reopen(), patient()).boxed())
}

/// Somebody else's console changes something.
fn change(app: &App, other: &Snapshots, seeded: &mut Seeded, round: u64) -> &'static str {
    let listed: Vec<_> = app.listed();
    let one = listed.get(seeded.below(listed.len().max(1))).cloned();
    let file = named("periodic/chat.v2");
    match (seeded.below(11), one) {
        (0, _) => {
            other.take(Some(&format!("round {round}")), BY).expect("taken");
            "take"
        }
        (1, Some(one)) if listed.len() > 2 => {
            other.delete(&one, BY).expect("deleted");
            "delete"
        }
        (2, Some(one)) => {
            let change = LabelChange { note: Some(format!("note {}", round % 7)), pinned: None };
            other.label(&one, &change, BY).expect("labelled");
            "note"
        }
        (3, Some(one)) => {
            let change = LabelChange { note: None, pinned: Some(round.is_multiple_of(2)) };
            other.label(&one, &change, BY).expect("labelled");
            "pin"
        }
        (4, Some(one)) if one.kind == Kind::Periodic && one != file => {
            // One that was damaged before is refused.
            let _ = other.restore(&crate::app::request(&one, Scope::Tables));
            "restore"
        }
        (5, Some(one)) => {
            let path = app.manifest(&one);
            let mut bytes = std::fs::read(&path).expect("a manifest");
            let last = bytes.len() - 2;
            bytes[last] ^= 1;
            std::fs::write(&path, bytes).expect("written in place");
            "damage, or its repair"
        }
        (6, _) => {
            app.sql(&format!("UPDATE event_log SET created_at = '2026-11-0{}'", round % 9 + 1));
            "times of events"
        }
        (7, _) => {
            app.sql(
                "CREATE TABLE IF NOT EXISTS filler(a); INSERT INTO filler VALUES (zeroblob(9000))",
            );
            "size of the database"
        }
        (8, _) => {
            app.drop_in(&file, foreign(round));
            "a file written in place"
        }
        (9, _) => {
            let beside = app.file("beside");
            std::fs::write(&beside, foreign(round)).expect("written");
            let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_760_000_000);
            let opened = std::fs::File::options().append(true).open(&beside).expect("the file");
            opened.set_modified(old).expect("an old time");
            std::fs::create_dir_all(app.manifest(&file).parent().expect("a folder")).expect("made");
            std::fs::rename(&beside, app.manifest(&file)).expect("renamed");
            "a file of the same size and time put in the place of another"
        }
        _ => {
            app.events(1);
            "event"
        }
    }
}

#[test]
fn a_console_that_was_asked_before_says_what_a_new_one_says() {
    let app = App::in_memory().with_events(30).keep_last(0);
    app.take("first");
    let (kept, other) = (app.client(), app.reopen());
    let mut seeded = Seeded::new("a console that was asked before");
    let mut compared = 0;
    for round in 0..60 {
        told(&kept);
        let what = change(&app, &other, &mut seeded, round);
        // Ages are told to the second: both are asked within one.
        let second = || Timestamp::now().as_second();
        let begun = second();
        let says = told(&kept);
        let new = told(&new_client(&app));
        if begun == second() {
            assert_eq!(says, new, "round {round}: {what}");
            compared += 1;
        }
    }
    assert!(compared > 15, "only {compared} rounds were within a second");
}

#[test]
fn an_age_in_words_grows_while_nobody_changes_anything() {
    let app = App::new().with_events(3);
    let file = named("periodic/chat.v2");
    app.drop_in(&file, foreign(1));
    let opened = std::fs::File::options().append(true).open(app.manifest(&file)).expect("a file");
    opened.set_modified(SystemTime::now() - Duration::from_secs(57)).expect("a time");
    let client = app.client();
    assert!(client.get("/snapshots").text().contains("seconds ago"));
    let begin = Instant::now();
    while !client.get("/snapshots").text().contains("1 minute ago") {
        assert!(begin.elapsed() < Duration::from_secs(30), "it stays young");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_the_time_lets_go_is_said_when_the_time_has_come() {
    let now = Arc::new(AtomicI64::new(Timestamp::now().as_second()));
    let clock = {
        let now = Arc::clone(&now);
        Clock::new(move || Timestamp::from_second(now.load(Ordering::Relaxed)).expect("a time"))
    };
    let every = Schedule { every: Some(Duration::from_mins(15)), ..Schedule::default() };
    let app = App::new().with_events(3).schedule(every, clock);
    app.take("first");
    let client = app.client();
    let next = |client: &Client| {
        let page = client.get("/snapshots").text();
        let at = page.find("next snapshot ").expect("the next snapshot");
        page[at..].split("</time>").next().expect("its time").to_owned()
    };
    let before = next(&client);
    // The application works on, and the snapshot that was due finds nothing new: the wait begins anew.
    now.fetch_add(20 * 60, Ordering::Relaxed);
    assert_eq!(app.snapshots().take_when_due(BY).expect("a look"), None);
    assert_ne!(next(&client), before);
}

#[test]
fn a_list_of_any_length_costs_the_store_the_same_while_nothing_changes() {
    let operations = |snapshots: usize| {
        let store = FaultyStore::over(Arc::new(InMemory::new()));
        let app = App::new().with_events(3).keep_last(0).store_over(Arc::new(store.clone()));
        for _ in 0..snapshots {
            app.take("one of many");
        }
        let client = app.client();
        client.get("/snapshots");
        // Counts, and strikes never.
        store.set(Fault::Fails(usize::MAX));
        assert_eq!(client.get("/snapshots").status, 200);
        store.seen()
    };
    // Both kinds and the labels of both are listed; no manifest and no label is read.
    assert_eq!((operations(3), operations(30)), (4, 4));
}
