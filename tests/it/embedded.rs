//! The example: an application of its own that nests the console, behind its own login and on its
//! own pool.

use poem::EndpointExt as _;
use poem::http::Method;
use serde_json::json;
use tempfile::TempDir;

use crate::client::{Answer, Client};

#[path = "../../examples/ledger.rs"]
#[expect(dead_code, reason = "its main is for people")]
mod ledger;

/// `ada:secret`, as a browser sends it.
const ADA: &str = "Basic YWRhOnNlY3JldA==";

/// The example with two entries made, and where its files are.
fn ledger() -> (Client, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let admin = ("ada".to_owned(), "secret".to_owned());
    let endpoint = ledger::application(&folder.path().join("ledger.db"), admin).expect("a ledger");
    let client = Client::of(endpoint.boxed());
    for amount in ["250", "-40"] {
        let made = client.post("/entries", &[("account", "rent"), ("amount", amount)]);
        assert_eq!(made.status, 201, "{}", made.text());
    }
    (client, folder)
}

fn as_ada(client: &Client, method: Method, path: &str, fields: &[(&str, &str)]) -> Answer {
    let call = client.call(method, path).header("Authorization", ADA).wants_json();
    if fields.is_empty() { call.send() } else { call.form(fields).send() }
}

#[test]
fn an_application_takes_previews_and_restores_through_the_console_that_it_nests() {
    let (client, _folder) = ledger();
    let list = as_ada(&client, Method::GET, "/admin/snapshots", &[]).json();
    assert_eq!(list["current_event_log_max_id"], 2);
    let before = list["snapshots"][0].clone();
    assert_eq!(before["note"], "before the start");
    let id = before["snapshot_id"].as_str().expect("an id");

    let preview = format!("/admin/snapshots/{id}/preview?kind=periodic");
    let preview = as_ada(&client, Method::GET, &preview, &[]).json();
    assert_eq!(
        preview["tables"],
        json!([{ "name": "accounts", "added": 0, "removed": 1, "changed": 0, "unchanged": 0 }])
    );

    let fields = [("kind", "periodic"), ("confirm_id", id)];
    let restored =
        as_ada(&client, Method::POST, &format!("/admin/snapshots/restore/{id}"), &fields);
    assert_eq!(restored.status, 200, "{}", restored.text());
    assert_eq!(client.json("/accounts"), json!([]));
}

#[test]
fn whoever_the_application_lets_in_is_named_in_the_history() {
    let (client, _folder) = ledger();
    let taken = as_ada(&client, Method::POST, "/admin/snapshots/take", &[("note", "by name")]);
    assert_eq!(taken.status, 201, "{}", taken.text());
    let history = as_ada(&client, Method::GET, "/admin/history", &[]).text();
    assert!(history.contains("\"by\":\"ada\""), "{history}");
}

#[test]
fn the_console_is_behind_the_applications_own_login() {
    let (client, _folder) = ledger();
    for path in ["/admin", "/admin/snapshots", "/admin/history"] {
        assert_eq!(client.get(path).status, 401, "{path}");
    }
    assert_eq!(client.get("/accounts").status, 200, "the application itself is open");
}
