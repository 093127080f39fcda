//! Hidden columns: their values are in no page, no JSON, no command's answer and no log.

use poem::http::Method;
use snapback::snapshot::{Change, Page, Point, Scope, SnapshotRef, TableRows};

use crate::app::App;

const SECRET: &str = "hunter2";

/// An application with a secret in a key, in a column, in a type and in a time of its events.
fn app(redact: &[&str]) -> (App, SnapshotRef) {
    let app = App::new().schema(
        "CREATE TABLE events(id INTEGER PRIMARY KEY, type TEXT, created_at TEXT, data TEXT);
         CREATE TABLE users(email TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID;
         CREATE TABLE notes(id TEXT PRIMARY KEY, body TEXT);
         CREATE TABLE plain(id INTEGER PRIMARY KEY, body TEXT);",
    );
    let app = redact.iter().fold(app, |app, pattern| app.redact(pattern));
    let snapshot = app.take("before");
    app.sql(
        "INSERT INTO users SELECT 'hunter2-' || value, 'name ' || value FROM json_each('[1,2,3,4,5]');
         INSERT INTO notes SELECT 'hunter2-' || value, 'hunter2' FROM json_each('[1,2,3,4,5]');
         INSERT INTO plain(body) VALUES('seen');
         INSERT INTO events(type, created_at, data) VALUES('hunter2', '2026-01-01', 'hunter2');",
    );
    (app, snapshot)
}

const ALL: [&str; 5] =
    ["users.email", "notes.*", "events.type", "EVENTS.created_at", "events.data"];

fn rows(app: &App, snapshot: &SnapshotRef, page: &Page) -> TableRows {
    let to = Point::Snapshot(snapshot.clone());
    app.snapshots().rows(&Point::Now, &to, "users", page).expect("rows")
}

#[test]
fn a_hidden_value_is_on_no_page_and_in_no_json() {
    let (app, snapshot) = app(&ALL);
    let client = app.client();
    let id = &snapshot.id;
    let paths = [
        "/snapshots".to_owned(),
        format!("/snapshots/{id}/preview?kind=periodic"),
        format!("/snapshots/{id}/tables/users?kind=periodic"),
        format!("/snapshots/{id}/tables/users?kind=periodic&limit=2"),
        format!("/snapshots/{id}/tables/notes?kind=periodic"),
        format!("/snapshots/{id}/events?kind=periodic"),
        format!("/snapshots/{id}/restore?kind=periodic&scope=rewind"),
        format!("/snapshots/compare?from=periodic/{id}&to=now"),
        format!("/snapshots/compare?from=periodic/{id}&to=now&table=notes"),
        "/history".to_owned(),
        "/metrics".to_owned(),
    ];
    for path in &paths {
        for call in [
            client.call(Method::GET, path),
            client.call(Method::GET, path).by_htmx(),
            client.call(Method::GET, path).wants_json(),
        ] {
            let text = call.send().text();
            assert!(!text.contains(SECRET), "{path}: {text}");
        }
    }
    let users = client.json(&paths[2]);
    assert_eq!(users["rows"][0]["key"], serde_json::json!(["[redacted]"]));
    assert_eq!(users["rows"][0]["before"], serde_json::json!(["[redacted]", "name 1"]));
}

#[test]
fn without_redaction_the_same_pages_show_the_values() {
    let (app, snapshot) = app(&[]);
    let path = format!("/snapshots/{}/tables/users?kind=periodic", snapshot.id);
    assert!(app.client().get(&path).text().contains(SECRET));
}

#[test]
fn pages_of_rows_with_hidden_keys_follow_one_another() {
    let (app, snapshot) = app(&ALL);
    let mut names = Vec::new();
    let mut page = Page { limit: 2, change: Some(Change::Removed), after: None };
    loop {
        let found = rows(&app, &snapshot, &page);
        names.extend(found.rows.iter().map(|row| format!("{:?}", row.before)));
        assert!(!format!("{:?}", found.next).contains(SECRET));
        page.after = found.next;
        if page.after.is_none() {
            break;
        }
    }
    assert_eq!(names.len(), 5);
    names.dedup();
    assert_eq!(names.len(), 5, "no row comes twice: {names:?}");
}

#[test]
fn hidden_types_cannot_be_guessed_by_asking_for_them() {
    let (app, snapshot) = app(&ALL);
    let preview = app.preview(&snapshot);
    assert_eq!(
        (preview.events_since[0].kind.as_str(), preview.events_since[0].count),
        ("[redacted]", 1)
    );
    let path = format!("/snapshots/{}/events?kind=periodic&type=hunter2", snapshot.id);
    assert_eq!(app.client().get(&path).status, 403);
}

#[test]
fn a_whole_export_is_refused_over_http_only() {
    let (app, snapshot) = app(&ALL);
    let path = format!("/snapshots/{}/export?kind=periodic", snapshot.id);
    let refused = app.client().call(Method::GET, &path).wants_json().send();
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.json()["error"]["what"],
        "a whole snapshot holds values that are hidden here"
    );
    let later = app.take("with the secret");
    let file = app.export(&later, snapback::snapshot::Format::Json);
    assert!(
        std::fs::read_to_string(file).expect("an export").contains(SECRET),
        "a backup is whole"
    );
}

#[test]
fn what_is_hidden_is_restored_all_the_same() {
    let (app, _) = app(&ALL);
    let before = app.state();
    let snapshot = app.take("with the secret");
    app.sql("UPDATE notes SET body = 'lost'; DELETE FROM users");
    app.restore(&snapshot, Scope::Tables);
    assert_eq!(app.state(), before);
}

#[test]
fn a_pattern_that_names_no_column_is_refused() {
    let error = App::new().redact("users").try_open().map(drop).expect_err("no column");
    assert_eq!(error.to_string(), "users: this names no column to hide");
}
