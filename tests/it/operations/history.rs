//! The history: everything that is done leaves a line with all that is known of it, and is found.

use std::collections::BTreeMap;

use poem::http::Method;
use snapback::snapshot::{
    Action, Format, HistoryPage, HistoryQuery, LabelChange, Occurrence, Scope, SnapshotRef,
};
use snapback::store::Store;

use crate::app::{App, BY, named, request};

/// The newest line.
fn newest(app: &App) -> Occurrence {
    app.snapshots().history(1).expect("a history").remove(0)
}

#[track_caller]
fn assert_line(app: &App, action: Action, snapshot: Option<&SnapshotRef>, ok: bool) -> Occurrence {
    let line = newest(app);
    assert_eq!((line.action, line.ok), (action, ok), "{line:?}");
    assert_eq!(line.snapshot.as_ref(), snapshot, "{line:?}");
    assert_eq!(line.by, BY, "{line:?}");
    assert!(!line.outcome.is_empty() && line.took_ms.is_some(), "{line:?}");
    assert_eq!(line.hint.is_some(), !ok, "{line:?}");
    line
}

#[track_caller]
fn assert_numbers(line: &Occurrence, names: &[&str]) {
    let told: Vec<&str> = line.numbers.keys().map(String::as_str).collect();
    assert_eq!(told, names, "{line:?}");
}

#[test]
fn whatever_is_done_is_written_down_with_all_that_is_known_of_it() {
    let app = App::new().with_events(20).keep_last(2);
    let console = app.snapshots();
    let taken = app.take("first");
    let line = assert_line(&app, Action::Take, Some(&taken), true);
    assert_numbers(&line, &["new_bytes", "position", "rows"]);
    assert_eq!(line.numbers["position"], 20);

    app.events(10);
    let plan = app.preview(&taken).plan;
    let asked =
        snapback::snapshot::RestoreRequest { plan: plan.clone(), ..request(&taken, Scope::Rewind) };
    let restored = app.try_restore(&asked).expect("a restore");
    let line = assert_line(&app, Action::Restore, Some(&taken), true);
    assert_eq!((line.plan, line.scope), (plan, Some(Scope::Rewind)));
    assert_eq!((line.rewind, line.lock_ms), (Some(restored.rewind), Some(restored.lock_ms)));
    assert_eq!(line.numbers["events_removed"], 10);
    assert_eq!(line.numbers["tables"], i64::try_from(restored.tables.len()).expect("a number"));

    let pin = LabelChange { pinned: Some(true), note: None };
    console.label(&taken, &pin, BY).expect("a pin");
    assert_line(&app, Action::Label, Some(&taken), true);

    let file = app.export(&taken, Format::Json);
    let line = assert_line(&app, Action::Export, Some(&taken), true);
    let size = std::fs::metadata(&file).expect("the file").len();
    assert_eq!(
        line.numbers,
        BTreeMap::from([("bytes".to_owned(), size.try_into().expect("a number"))])
    );

    let imported = console.import(&file, BY).expect("an import").snapshot();
    let line = assert_line(&app, Action::Import, Some(&imported), true);
    assert_numbers(&line, &["new_bytes", "rows"]);

    console.verify(Some(&taken), BY).expect("verified");
    let line = assert_line(&app, Action::Verify, Some(&taken), true);
    assert_numbers(&line, &["bytes", "damaged", "repairs", "rows", "snapshots"]);
    console.repair(None, BY).expect("repaired");
    assert_line(&app, Action::Repair, None, true);

    console.copy_to(&taken, &Store::memory(), BY).expect("a copy");
    let line = assert_line(&app, Action::Copy, Some(&taken), true);
    assert_numbers(&line, &["bytes", "chunks"]);

    console.delete(&imported, BY).expect("deleted");
    assert_line(&app, Action::Delete, Some(&imported), true);

    console.prune(false, BY).expect("pruned");
    let line = assert_line(&app, Action::Prune, None, true);
    assert_numbers(&line, &["bytes_freed", "packs_removed", "snapshots_kept", "snapshots_removed"]);
}

#[test]
fn whatever_fails_is_written_down_too() {
    let app = App::new().with_events(5);
    let console = app.snapshots();
    let gone = named("periodic/gone");
    let asked = snapback::snapshot::RestoreRequest {
        plan: Some("a plan".to_owned()),
        ..request(&gone, Scope::Tables)
    };
    app.try_restore(&asked).expect_err("no such snapshot");
    let line = assert_line(&app, Action::Restore, Some(&gone), false);
    assert_eq!((line.plan.as_deref(), line.scope), (Some("a plan"), Some(Scope::Tables)));
    console.label(&gone, &LabelChange::default(), BY).expect_err("no such snapshot");
    assert_line(&app, Action::Label, Some(&gone), false);
    console.delete(&gone, BY).expect_err("no such snapshot");
    assert_line(&app, Action::Delete, Some(&gone), false);
    console.verify(Some(&gone), BY).expect_err("no such snapshot");
    assert_line(&app, Action::Verify, Some(&gone), false);
    console.repair(Some(&gone), BY).expect_err("no such snapshot");
    assert_line(&app, Action::Repair, Some(&gone), false);
    console.export(&gone, Format::Json, &app.file("x.json"), BY).expect_err("no such snapshot");
    assert_line(&app, Action::Export, Some(&gone), false);
    console.copy_to(&gone, &Store::memory(), BY).expect_err("no such snapshot");
    assert_line(&app, Action::Copy, Some(&gone), false);
    std::fs::write(app.file("broken.json"), "{").expect("a file");
    console.import(&app.file("broken.json"), BY).expect_err("no snapshot");
    assert_line(&app, Action::Import, None, false);
    app.sql("ALTER TABLE messages RENAME TO letters; DROP TABLE event_log");
    console.take(None, BY).expect_err("no event log");
    assert_line(&app, Action::Take, None, false);
}

#[test]
fn a_restore_that_fails_while_writers_wait_tells_how_long_they_did() {
    let app = App::new().schema(
        "CREATE TABLE event_log (id INTEGER PRIMARY KEY);
         CREATE TABLE parents (id INTEGER PRIMARY KEY);
         CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents);",
    );
    let taken = app.take("empty");
    app.sql("INSERT INTO parents VALUES (1); INSERT INTO children VALUES (1, 1)");
    let mut only_parents = request(&taken, Scope::Tables);
    only_parents.tables = vec!["parents".to_owned()];
    app.try_restore(&only_parents).expect_err("an orphan");
    let line = assert_line(&app, Action::Restore, Some(&taken), false);
    assert!(line.lock_ms.is_some(), "{line:?}");
}

/// What the pages of a search find, page by page.
fn found(app: &App, mut query: HistoryQuery) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    loop {
        let HistoryPage { history, next } = app.snapshots().history_page(&query).expect("a page");
        pages.push(history.into_iter().map(|one| one.outcome).collect());
        if next.is_none() {
            return pages;
        }
        query.before = next;
    }
}

#[test]
fn a_search_in_pages_finds_what_a_search_at_once_does() {
    let app = App::new().with_events(1).keep_last(0);
    for _ in 0..5 {
        app.take("one more");
        app.snapshots().delete(&named("rewind/gone"), BY).expect_err("no such snapshot");
    }
    let query = |ok, limit| HistoryQuery { ok: Some(ok), limit, ..HistoryQuery::default() };
    for ok in [true, false] {
        let pages = found(&app, query(ok, 2));
        assert!(pages.iter().all(|page| page.len() <= 2) && pages.len() >= 3, "{pages:?}");
        assert_eq!(pages.concat(), found(&app, query(ok, 100)).concat());
        assert_eq!(pages.concat().len(), 5);
    }
}

#[test]
fn the_page_is_searched_by_a_form_and_paged_by_links() {
    let app = App::new().with_events(3).keep_last(0);
    let names: Vec<String> = (0..3).map(|_| app.take("one more").to_string()).collect();
    app.snapshots().delete(&named("rewind/gone"), BY).expect_err("no such snapshot");
    let client = app.client();
    let page = client.get("/history?what=delete").text();
    assert!(page.contains("<option value=\"delete\" selected>"), "{page}");
    assert!(page.contains("rewind/gone") && !page.contains(&names[0]), "{page}");
    let lines = |path: &str| client.json(path)["history"].as_array().map_or(0, Vec::len);
    assert_eq!(lines("/history?what=take"), 3);
    assert_eq!(lines("/history?outcome=failed"), 1);
    assert_eq!(lines(&format!("/history?q={}&what=&outcome=done", names[1])), 1);
    assert_eq!(lines("/history?q=nothing+of+this"), 0);
    let none = client.get("/history?q=nothing+of+this").text();
    assert!(none.contains("Nothing in the history matches."), "{none}");

    // The way to the earlier lines keeps what was searched for.
    let first = client.get("/history?what=take&limit=2").text();
    let next = first.split("class=\"more\" href=\"").nth(1).expect("a link");
    let next = next.split('"').next().expect("an address").replace("&amp;", "&");
    assert!(first.contains(&names[2]) && !first.contains(&names[0]), "{first}");
    let second = client.get(&next).text();
    assert!(second.contains(&names[0]) && !second.contains(&names[2]), "{second}");
    assert!(
        second.contains("<!DOCTYPE html>") && second.contains("Back to the newest"),
        "{second}"
    );
    let rows = client.call(Method::GET, &next).by_htmx().send().text();
    assert!(rows.starts_with("<tr>") && !rows.contains("<table"), "{rows}");
    let facts = client.json("/history?what=take&limit=2");
    assert!(next.contains(facts["next"].as_str().expect("the next page")), "{facts}");
}

#[test]
fn a_search_for_what_there_cannot_be_is_refused_with_the_choice() {
    let client = App::new().client();
    for (path, hint) in [
        ("/history?what=dance", "state one of take, restore, "),
        ("/history?outcome=maybe", "state outcome=done or outcome=failed"),
        ("/history?limit=0", "send limit=200"),
    ] {
        let answer = client.call(Method::GET, path).wants_json().send();
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.text().contains(hint), "{}", answer.text());
    }
}
