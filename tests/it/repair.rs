//! What is damaged is named with what depends on it, and written anew where the rows still exist.

use std::path::Path;
use std::time::{Duration, Instant};

use snapback::snapshot::{Action, Scope, State, Verified};
use snapback::web::Options;

use crate::app::{App, BY};

/// Turns every byte of a file over: nothing in it can be read any more.
fn spoil(path: &Path) {
    let bytes = std::fs::read(path).expect("a file");
    std::fs::write(path, bytes.iter().map(|byte| !byte).collect::<Vec<_>>()).expect("written");
}

/// Changes one byte in the middle of a file's first half: in some chunk.
fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).expect("a file");
    let place = bytes.len() / 4;
    bytes[place] ^= 1;
    std::fs::write(path, bytes).expect("written");
}

fn states(verified: &[Verified]) -> Vec<State> {
    verified.iter().map(|one| one.state).collect()
}

#[test]
fn a_damaged_chunk_names_every_snapshot_that_needs_it() {
    let app = App::new().with_events(60);
    let first = app.take("first");
    let second = app.take("second, of the same rows");
    flip(&app.packs()[0]);
    let verified = app.reopen().verify(Some(&first), BY).expect("verified");
    assert_eq!(verified[0].state, State::Damaged);
    assert_eq!(verified[0].dependents, [second]);
}

#[test]
fn a_snapshot_that_shares_nothing_damaged_is_no_dependent() {
    let app = App::new().with_events(60);
    let first = app.take("first");
    let pack = app.packs().remove(0);
    app.sql("UPDATE bots SET name = name || '!'; UPDATE messages SET body = body || '!'");
    app.sql("UPDATE chats SET title = title || '!'; UPDATE memories SET text = text || '!'");
    app.sql("UPDATE event_log SET payload = '{}'; CREATE INDEX other ON messages(body)");
    app.take("other rows and another schema");
    spoil(&pack);
    let verified = app.reopen().verify(Some(&first), BY).expect("verified");
    assert_eq!((verified[0].state, verified[0].dependents.len()), (State::Damaged, 0));
}

#[test]
fn what_the_database_still_has_is_written_anew() {
    for damage in [flip, spoil, |path: &Path| std::fs::remove_file(path).expect("removed")] {
        let app = App::new().with_events(3000);
        let before = app.state();
        let snapshot = app.take("before");
        app.packs().iter().for_each(|pack| damage(pack));
        let console = app.reopen();
        let damaged = console.verify(None, BY).expect("verified");
        assert_eq!(states(&damaged), [State::Damaged]);
        let repaired = console.repair(None, BY).expect("repaired");
        assert_eq!(states(&repaired), [State::Intact], "{:?}", repaired[0].damage);
        assert!(!repaired[0].repaired.is_empty());
        assert!(repaired[0].repaired.iter().all(|line| line.ends_with("anew from the database")));
        // As good as it was, also for a process that knows nothing of the repair.
        app.events(20);
        assert_eq!(states(&app.reopen().verify(None, BY).expect("verified")), [State::Intact]);
        app.restore(&snapshot, Scope::Rewind);
        assert_eq!(app.state(), before);
    }
}

#[test]
fn what_the_database_no_longer_has_stays_damaged_and_is_said() {
    let app = App::new().with_events(60);
    let snapshot = app.take("before");
    app.sql("UPDATE bots SET name = name || '!'");
    app.packs().iter().for_each(|pack| spoil(pack));
    let console = app.reopen();
    let repaired = console.repair(Some(&snapshot), BY).expect("tried").remove(0);
    assert_eq!(repaired.state, State::Damaged);
    let tables: Vec<&str> =
        repaired.damage.iter().filter_map(|line| line.strip_prefix("table ")).collect();
    assert!(tables.iter().all(|line| line.starts_with("bots, ")), "{:?}", repaired.damage);
    assert!(repaired.repaired.iter().any(|line| line.starts_with("table messages, ")));
    let newest = console.history(1).expect("a history").remove(0);
    assert_eq!((newest.action, newest.ok), (Action::Repair, false));
    assert!(newest.outcome.starts_with("1 of 1 damaged, "), "{}", newest.outcome);
}

#[test]
fn the_console_repairs_when_it_is_asked_to() {
    let app = App::new().with_events(60);
    let id = app.take("before").id.to_string();
    app.packs().iter().for_each(|pack| flip(pack));
    let client = app.client();
    let path = format!("/snapshots/{id}/verify");
    let answer =
        client.call(poem::http::Method::POST, &path).by_htmx().form(&[("kind", "periodic")]).send();
    assert!(answer.text().contains("name=\"repair\" value=\"1\""), "{}", answer.text());
    let repaired = client
        .call(poem::http::Method::POST, &path)
        .wants_json()
        .form(&[("kind", "periodic"), ("repair", "1")])
        .send()
        .json();
    assert_eq!(repaired["state"], "intact");
    assert_eq!(repaired["repaired"].as_array().map(Vec::len), Some(1));
}

#[test]
fn all_snapshots_are_read_back_on_schedule_and_the_outcome_is_told() {
    let app = App::new().with_events(60);
    app.take("sound");
    app.take("another");
    let options = Options { verify_every: Some(Duration::from_millis(1)), ..Options::default() };
    let served = app.serve_with(options);
    let snapshots = app.snapshots();
    let start = Instant::now();
    let told = loop {
        let history = snapshots.history(10).expect("a history");
        if let Some(told) = history.into_iter().find(|one| one.by == "schedule") {
            break told;
        }
        assert!(start.elapsed() < Duration::from_mins(1), "nothing was read back");
        std::thread::yield_now();
    };
    drop(served);
    assert_eq!((told.action, told.ok), (Action::Verify, true));
    assert_eq!(told.outcome, "0 of 2 damaged");
    let metrics = app.client().get("/metrics").text();
    assert!(metrics.contains("\nsnapback_verify_damaged 0\n"), "{metrics}");
}
