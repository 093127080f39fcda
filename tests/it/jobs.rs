//! Long work: shown while it lasts, cancelled where that is safe, told wherever somebody is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use poem::http::Method;
use serde_json::Value;
use snapback::snapshot::SnapshotRef;
use snapback::web::Options;

use crate::app::App;
use crate::client::{Answer, Client};
use crate::held::{Access, HeldStore};

/// How long a condition may take to come true: far more than it needs, for a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// An application on a store that can be held.
fn app(store: &HeldStore) -> App {
    App::new().with_events(40).store_over(Arc::new(store.clone()))
}

/// A client whose pages are shown the progress soon.
fn hasty(app: &App) -> Client {
    app.client_with(Options { grace: Duration::from_millis(50), ..Options::default() })
}

fn by_htmx(client: &Client, method: Method, path: &str, fields: &[(&str, &str)]) -> Answer {
    let sends_a_form = method == Method::POST;
    let call = client.call(method, path).by_htmx();
    if sends_a_form { call.form(fields).send() } else { call.send() }
}

/// Starts work by htmx that is held, and gives back its address.
fn begin(client: &Client, path: &str, fields: &[(&str, &str)]) -> String {
    let begun = by_htmx(client, Method::POST, path, fields);
    assert_eq!(begun.status, 202, "{}", begun.text());
    let jobs = client.json("/jobs");
    assert_eq!(jobs["jobs"].as_array().map(Vec::len), Some(1), "{jobs}");
    format!("/jobs/{}", jobs["jobs"][0]["id"].as_str().expect("a name"))
}

/// Waits until the work has ended, and answers with its outcome as htmx gets it.
fn outcome(client: &Client, address: &str) -> Answer {
    let start = Instant::now();
    loop {
        let answer = by_htmx(client, Method::GET, address, &[]);
        if answer.header("HX-Retarget") == "#result" {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "no outcome: {}", answer.text());
        std::thread::yield_now();
    }
}

fn verify(snapshot: &SnapshotRef) -> (String, [(&'static str, &'static str); 1]) {
    (format!("/snapshots/{}/verify", snapshot.id), [("kind", snapshot.kind.name())])
}

#[test]
fn a_page_is_shown_the_progress_of_what_takes_long_and_then_its_outcome() {
    let store = HeldStore::default();
    let (app, hold) = (app(&store), store.hold(Access::Write, "packs/"));
    let client = hasty(&app);
    let begun = by_htmx(&client, Method::POST, "/snapshots/take", &[("note", "large")]);
    assert_eq!(begun.status, 202);
    let shown = begun.text();
    for part in
        ["<progress", "Taking a snapshot", r##"hx-target="#jobs""##, r##"hx-target="#tool""##]
    {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let job = client.json("/jobs")["jobs"][0].clone();
    assert_eq!((&job["action"], &job["ended"]), (&"take".into(), &false.into()));
    let address = format!("/jobs/{}", job["id"].as_str().expect("a name"));
    assert!(client.get("/history").text().contains(&address), "every page shows it");
    drop(hold);
    let outcome = outcome(&client, &address);
    assert_eq!(outcome.status, 200);
    let shown = outcome.text();
    assert!(
        shown.contains("Snapshot taken") && shown.contains(r##"hx-target="#rows""##),
        "{shown}"
    );
    assert!(shown.contains(r#"hx-swap="delete""#), "what showed the progress goes");
    assert_eq!(client.json("/jobs")["jobs"], Value::Array(Vec::new()));
}

#[test]
fn rows_done_are_told_of_rows_expected() {
    let store = HeldStore::default();
    let app = app(&store);
    let snapshot = app.take("whole");
    let rows = app.snapshots().entry(&snapshot).expect("an entry").rows;
    let hold = store.hold(Access::Read, "packs/");
    let client = hasty(&app);
    let (path, form) = verify(&snapshot);
    let address = begin(&client, &path, &form);
    hold.wait();
    let told = client.json(&address);
    assert_eq!(told["expected"].as_u64(), rows);
    assert!(told["done"].as_u64() < rows, "{told}");
    assert_eq!(told["snapshot"], snapshot.to_string());
    drop(hold);
    assert!(outcome(&client, &address).text().contains("is intact"));
}

#[test]
fn a_program_waits_for_the_end_and_gets_what_it_always_got() {
    let store = HeldStore::default();
    let (app, hold) = (app(&store), store.hold(Access::Write, "packs/"));
    let client = hasty(&app);
    let answer = std::thread::scope(|scope| {
        let call = || client.call(Method::POST, "/snapshots/take").wants_json().form(&[]).send();
        let waiting = scope.spawn(call);
        hold.wait();
        drop(hold);
        waiting.join().expect("an answer")
    });
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json()["kind"], "periodic");
}

#[test]
fn an_outcome_that_nobody_was_told_waits_on_the_next_page() {
    let store = HeldStore::default();
    let (app, hold) = (app(&store), store.hold(Access::Write, "packs/"));
    let client = hasty(&app);
    let address = begin(&client, "/snapshots/take", &[]);
    drop(hold);
    let start = Instant::now();
    let page = loop {
        let page = client.get("/history").text();
        if page.contains("See what came of it") {
            break page;
        }
        assert!(start.elapsed() < PATIENCE, "{page}");
    };
    assert!(page.contains(r#"hx-trigger="load""#), "the page asks for it by itself");
    let told = client.get(&address);
    assert_eq!((told.status, told.header("Location")), (303, "/snapshots"));
    assert!(!client.get("/history").text().contains(&address), "it was told");
}

#[test]
fn what_is_cancelled_ends_with_nothing_changed() {
    let store = HeldStore::default();
    let app = app(&store);
    let snapshot = app.take("whole");
    let client = hasty(&app);
    let hold = store.hold(Access::Read, "packs/");
    let (path, form) = verify(&snapshot);
    let address = begin(&client, &path, &form);
    let cancel = format!("{address}/cancel");
    let cancelled = client.call(Method::POST, &cancel).wants_json().form(&[]).send();
    assert_eq!(cancelled.status, 202);
    assert_eq!(cancelled.json()["cancelling"], true);
    drop(hold);
    let outcome = outcome(&client, &address);
    assert_eq!(outcome.status, 409);
    assert!(outcome.text().contains("The operation was cancelled."), "{}", outcome.text());
    let again = client.call(Method::POST, &cancel).wants_json().form(&[]).send();
    assert_eq!(again.status, 409);
    assert_eq!(again.json()["error"]["what"], "the work cannot be cancelled: it has ended already");
}

#[test]
fn a_take_that_is_cancelled_leaves_no_snapshot() {
    let store = HeldStore::default();
    let (app, hold) = (app(&store), store.hold(Access::Write, "packs/"));
    let client = hasty(&app);
    let address = begin(&client, "/snapshots/take", &[]);
    assert_eq!(client.post(&format!("{address}/cancel"), &[]).header("Location"), "/jobs");
    drop(hold);
    assert_eq!(outcome(&client, &address).status, 409);
    assert_eq!(app.listed(), Vec::new());
}

#[test]
fn a_restore_that_writes_says_that_it_cannot_be_cancelled() {
    let store = HeldStore::default();
    let app = app(&store);
    let snapshot = app.take("before");
    let before = app.dump("messages");
    app.events(10);
    let client = hasty(&app);
    let hold = store.hold(Access::Write, "snapshots/rewind/");
    let path = format!("/snapshots/restore/{}", snapshot.id);
    let address =
        begin(&client, &path, &[("kind", "periodic"), ("confirm_id", snapshot.id.as_str())]);
    hold.wait();
    let refused = by_htmx(&client, Method::POST, &format!("{address}/cancel"), &[]);
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("too late to cancel"), "{}", refused.text());
    drop(hold);
    let outcome = outcome(&client, &address);
    assert_eq!(outcome.status, 200, "{}", outcome.text());
    assert_eq!(app.dump("messages"), before);
}

#[test]
fn an_error_of_long_work_comes_with_its_status_and_its_offers() {
    let store = HeldStore::default();
    let app = app(&store);
    let snapshot = app.take("before");
    app.events(10);
    let client = hasty(&app);
    let hold = store.hold(Access::Read, "packs/");
    let id = snapshot.id.as_str();
    let form = [("kind", "periodic"), ("confirm_id", id), ("plan", "an older one")];
    let address = begin(&client, &format!("/snapshots/restore/{id}"), &form);
    drop(hold);
    let outcome = outcome(&client, &address);
    assert_eq!(outcome.status, 409);
    let shown = outcome.text();
    assert!(shown.contains(&format!(r#"name="confirm_id" value="{id}""#)), "{shown}");
}

#[test]
fn an_export_that_nobody_waited_for_can_be_downloaded_once() {
    let store = HeldStore::default();
    let app = app(&store);
    let snapshot = app.take("whole");
    let client = hasty(&app);
    let hold = store.hold(Access::Read, "packs/");
    let export = format!("/snapshots/{}/export?kind=periodic", snapshot.id);
    assert_eq!(by_htmx(&client, Method::GET, &export, &[]).status, 202);
    let id = client.json("/jobs")["jobs"][0]["id"].as_str().expect("a name").to_owned();
    let address = format!("/jobs/{id}");
    drop(hold);
    let shown = outcome(&client, &address).text();
    assert!(shown.contains(&format!(r#"href="{address}" download"#)), "{shown}");
    let file = client.get(&address);
    assert_eq!(file.json()["last_event_id"], 40);
    assert_eq!(client.get(&address).status, 409);
}

#[test]
fn work_that_is_not_known_is_told_as_such() {
    let client = App::new().client();
    assert_eq!(client.get("/jobs/1").status, 404);
    assert_eq!(client.post("/jobs/1/cancel", &[]).status, 404);
    assert!(client.get("/jobs").text().contains("Nothing is under way."));
}
