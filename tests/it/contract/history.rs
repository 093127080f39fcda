//! What was done; when, by whom, with what outcome.

use serde_json::json;
use snapback::snapshot::Scope;

use super::redact;
use super::scene::Scene;
use crate::app::App;

#[test]
fn everything_that_was_done_is_told_newest_first() {
    let app = App::new().with_events(20).keep_last(2);
    let first = app.take("first");
    app.take("second");
    app.events(10);
    let client = app.client();
    let id = first.id.as_str();
    let confirmed = [("kind", "periodic"), ("confirm_id", id)];
    client.post(&format!("/snapshots/{id}/label"), &[("kind", "periodic"), ("pinned", "1")]);
    client.post(&format!("/snapshots/{id}/verify"), &confirmed);
    client.post(&format!("/snapshots/restore/{id}"), &confirmed);
    client.post("/snapshots/take", &[]);
    client.post("/snapshots/take", &[]);
    client.post(&format!("/snapshots/{id}/delete"), &confirmed);
    let facts = client.json("/history");
    let lines = facts["history"].as_array().expect("lines");
    let actions: Vec<_> = lines.iter().filter_map(|line| line["action"].as_str()).collect();
    assert_eq!(
        actions,
        ["delete", "prune", "take", "take", "restore", "verify", "label", "take", "take"]
    );
    assert!(lines.iter().all(|line| line["ok"] == true), "{facts}");
    let by: Vec<_> = lines.iter().filter_map(|line| line["by"].as_str()).collect();
    assert_eq!(by[..7], ["console"; 7]);
    let moments: Vec<_> = lines.iter().filter_map(|line| line["at"].as_str()).collect();
    assert!(moments.is_sorted_by(|later, earlier| later >= earlier), "{moments:?}");
    let page = client.get("/history").text();
    for line in lines {
        let outcome = line["outcome"].as_str().expect("an outcome");
        assert!(page.contains(outcome), "{outcome} in {page}");
    }
}

#[test]
fn a_line_of_a_restore_names_its_scope_and_the_way_back() {
    let scene = Scene::new();
    let restored = scene.app.restore(&scene.taken, Scope::Rewind);
    let facts = scene.client.json("/history?limit=1");
    insta::assert_snapshot!(redact::json(facts["history"][0].clone()));
    assert_eq!(facts["history"][0]["rewind"], restored.rewind.to_string());
    let page = scene.client.fragment("/history");
    let undo = format!("/snapshots/{}/restore?kind=rewind&amp;scope=rewind", restored.rewind.id);
    assert!(page.contains(&undo), "{page}");
}

#[test]
fn a_limit_is_kept() {
    let scene = Scene::new();
    scene.app.take("again");
    for (query, count) in [("", 2), ("?limit=1", 1), ("?limit=10000", 2), ("?limit=", 2)] {
        let facts = scene.client.json(&format!("/history{query}"));
        assert_eq!(facts["history"].as_array().map(Vec::len), Some(count), "{query}");
    }
}

#[test]
fn an_empty_history_says_so() {
    let app = App::new();
    let client = app.client();
    assert_eq!(client.json("/history"), json!({"history": [], "next": null}));
    assert!(client.get("/history").text().contains("Nothing was done yet."));
}

#[test]
fn a_restore_does_not_roll_the_history_back() {
    let scene = Scene::new();
    let lines = || scene.client.json("/history")["history"].as_array().map_or(0, Vec::len);
    let before = lines();
    let id = scene.id();
    let fields = [("kind", "periodic"), ("confirm_id", id.as_str()), ("scope", "rewind")];
    scene.client.post(&scene.apply(), &fields);
    assert_eq!(lines(), before + 1);
}
