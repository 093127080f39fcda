//! How much a restore puts back: tables alone, the event log too, only some tables.

use serde_json::json;
use snapback::snapshot::Scope;

use super::forms::Form;
use super::scene::Scene;
use crate::app::App;
use crate::client::Answer;

fn restore(scene: &Scene, more: &[(&str, &str)]) -> Answer {
    let id = scene.id();
    let mut fields = vec![("kind", "periodic"), ("confirm_id", id.as_str())];
    fields.extend(more);
    scene.client.post_as(&scene.apply(), &fields, Form::Json)
}

/// A table as it would be with the same events and no more.
fn at_the_snapshot(table: &str) -> Vec<String> {
    App::new().with_events(30).dump(table)
}

const PROJECTIONS: [&str; 4] = ["bots", "chats", "messages", "memories"];

#[test]
fn the_scope_of_tables_leaves_the_event_log_alone() {
    let scene = Scene::new();
    let log = scene.app.dump("event_log");
    let answer = restore(&scene, &[]);
    assert_eq!(answer.status, 200);
    assert_eq!(scene.app.dump("event_log"), log);
    for table in PROJECTIONS {
        assert_eq!(scene.app.dump(table), at_the_snapshot(table), "{table}");
    }
    assert_eq!(answer.json()["scope"], "tables");
    assert_eq!(answer.json()["events_removed"], 0);
}

#[test]
fn the_scope_of_rewind_cuts_the_event_log_back() {
    let scene = Scene::new();
    let answer = restore(&scene, &[("scope", "rewind")]).json();
    assert_eq!(scene.app.state(), App::new().with_events(30).state());
    assert_eq!(answer["events_removed"], 20, "{answer}");
}

#[test]
fn an_empty_scope_means_tables() {
    let scene = Scene::new();
    assert_eq!(restore(&scene, &[("scope", "")]).json()["scope"], "tables");
}

#[test]
fn with_tables_named_only_those_are_restored() {
    let scene = Scene::new();
    let before = scene.app.state();
    let tables = [("table", "memories"), ("table", "bots"), ("table", "")];
    let done = restore(&scene, &tables).json();
    for table in PROJECTIONS {
        let chosen = ["memories", "bots"].contains(&table);
        let expected = if chosen { at_the_snapshot(table) } else { before[table].clone() };
        assert_eq!(scene.app.dump(table), expected, "{table}");
    }
    let names: Vec<_> =
        done["tables"].as_array().expect("tables").iter().map(|table| &table["name"]).collect();
    assert_eq!(names, ["bots", "memories"]);
}

#[test]
fn a_reference_that_would_break_is_refused_and_rolled_back() {
    let scene = Scene::new();
    let (before, listed) = (scene.app.state(), scene.app.listed());
    let answer = restore(&scene, &[("table", "chats")]);
    assert_eq!(answer.status, 409);
    assert_eq!(answer.json()["error"]["thing"], "messages");
    assert_eq!(scene.app.state(), before);
    assert_eq!(scene.app.listed(), listed);
}

#[test]
fn the_undo_offers_the_scope_of_the_restore_that_it_undoes() {
    for scope in [Scope::Tables, Scope::Rewind] {
        let scene = Scene::new();
        let before = scene.app.state();
        let done = restore(&scene, &[("scope", scope.name())]).json();
        let rewind = done["rewind"].as_str().expect("a name");
        let id = rewind.strip_prefix("rewind/").expect("a rewind snapshot");
        let offer = scene.client.json(&format!("/snapshots/{id}/restore?kind=rewind"));
        assert_eq!(offer["offered_scope"], scope.name());
        let form = scene.client.fragment(&format!("/snapshots/{id}/restore?kind=rewind"));
        assert!(form.contains(&format!("value=\"{scope}\" checked")), "{form}");
        let fields = [("kind", "rewind"), ("confirm_id", id), ("scope", scope.name())];
        assert_eq!(scene.client.post(&format!("/snapshots/restore/{id}"), &fields).status, 303);
        assert_eq!(scene.app.state(), before);
    }
}

#[test]
fn a_rewind_that_is_undone_brings_the_events_back() {
    let scene = Scene::new();
    let before = scene.app.state();
    let done = restore(&scene, &[("scope", "rewind")]).json();
    let id = done["rewind"].as_str().and_then(|name| name.split('/').nth(1)).expect("an id");
    let about = format!("/snapshots/{id}/restore?kind=rewind");
    assert_eq!(scene.client.json(&about)["event_delta"], -20);
    let form = scene.client.fragment(&about);
    assert!(form.contains("Also bring back 20 events to the log"), "{form}");
    let fields = [("kind", "rewind"), ("confirm_id", id), ("scope", "rewind")];
    let undone = scene.client.post_json(&format!("/snapshots/restore/{id}"), &fields);
    assert_eq!(undone["events_added"], 20);
    assert_eq!(undone["events_removed"], 0);
    assert_eq!(scene.app.state(), before);
}

#[test]
fn a_table_that_is_excluded_is_neither_shown_nor_restored() {
    let app = App::new().exclude("memor*").with_events(30);
    let taken = app.take("before");
    app.events(20);
    let memories = app.dump("memories");
    let client = app.client();
    let preview = client.json(&format!("/snapshots/{}/preview?kind=periodic", taken.id));
    assert!(!preview["tables"].to_string().contains("memories"), "{preview}");
    let fields = [("kind", "periodic"), ("confirm_id", taken.id.as_str()), ("scope", "rewind")];
    let path = format!("/snapshots/restore/{}", taken.id);
    assert_eq!(client.post(&path, &fields).status, 303);
    assert_eq!(app.dump("memories"), memories);
    assert_eq!(app.position(), 30);
    let named = [fields[0], fields[1], ("table", "memories")];
    assert_eq!(client.post(&path, &named).status, 400);
}

#[test]
fn without_an_event_log_tables_are_restored_and_no_scope_is_asked_for() {
    let app = App::new().tables_only("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    let taken = app.take("x");
    let before = app.state();
    app.sql("INSERT INTO t VALUES(2)");
    let client = app.client();
    let form = client.fragment(&format!("/snapshots/{}/restore?kind=periodic", taken.id));
    assert!(form.contains("<input type=\"hidden\" name=\"scope\" value=\"tables\">"), "{form}");
    let fields = [("kind", "periodic"), ("confirm_id", taken.id.as_str())];
    let done = client.post_json(&format!("/snapshots/restore/{}", taken.id), &fields);
    assert_eq!(done["tables"], json!([{"name": "t", "added": 0, "removed": 1, "changed": 0}]));
    assert_eq!(app.state(), before);
}
