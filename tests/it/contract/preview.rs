//! The preview: what a restore would change against now.

use serde_json::{Value, json};

use super::forms::{assert_target, attribute};
use super::redact;
use super::scene::Scene;
use crate::app::App;

#[test]
fn the_preview_as_facts_has_these_members_and_no_others() {
    let scene = Scene::new();
    insta::assert_snapshot!(redact::json(scene.client.json(&scene.about("preview"))));
}

#[test]
fn the_preview_as_a_fragment() {
    let scene = Scene::new();
    insta::assert_snapshot!(redact::markup(&scene.client.fragment(&scene.about("preview"))));
}

#[test]
fn the_preview_tells_positions_and_the_events_since_by_type() {
    let scene = Scene::new();
    let preview = scene.client.json(&scene.about("preview"));
    assert_eq!(preview["last_event_id"], 30);
    assert_eq!(preview["current_event_log_max_id"], 50);
    assert_eq!(preview["event_delta"], 20);
    assert_eq!(preview["event_log_rows_in_snapshot"], 30);
    let told: Vec<Vec<String>> = preview["events_since"]
        .as_array()
        .expect("events")
        .iter()
        .map(|event| {
            vec![
                format!("'{}'", event["type"].as_str().expect("a type")),
                event["count"].to_string(),
            ]
        })
        .collect();
    let counted = scene.app.query(
        "SELECT event_type, count(*) FROM event_log WHERE id > 30
         GROUP BY event_type ORDER BY max(id) DESC",
    );
    assert_eq!(told, counted);
}

#[test]
fn the_counts_say_what_a_restore_would_do() {
    let scene = Scene::new();
    scene.app.sql(
        "PRAGMA foreign_keys = OFF;
         DELETE FROM messages WHERE id IN (1, 2, 3);
         UPDATE messages SET body = 'x' WHERE id = 4;",
    );
    let preview = scene.client.json(&scene.about("preview"));
    let tables = preview["tables"].as_array().expect("tables");
    let messages = tables.iter().find(|table| table["name"] == "messages").expect("the table");
    let (then, now) = (App::new().with_events(30).dump("messages"), scene.app.dump("messages"));
    assert_eq!(
        *messages,
        json!({
            "name": "messages",
            // Brought back.
            "added": 3,
            // Taken away: what was sent since.
            "removed": now.len() + 3 - then.len(),
            "changed": 1,
            "unchanged": then.len() - 4,
        })
    );
    // The log has counts of its own.
    assert!(tables.iter().all(|table| table["name"] != "event_log"), "{preview}");
}

#[test]
fn a_database_that_went_on_by_nothing_differs_in_nothing() {
    let app = App::new().with_events(10);
    let taken = app.take("x");
    let client = app.client();
    let path = format!("/snapshots/{}/preview?kind=periodic", taken.id);
    let preview = client.json(&path);
    assert_eq!(preview["event_delta"], 0);
    assert_eq!(preview["events_since"], json!([]));
    assert!(client.fragment(&path).contains("Nothing: every table is as in the snapshot."));
}

#[test]
fn without_an_event_log_positions_are_null_and_the_page_says_so() {
    let app = App::new().tables_only("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    let taken = app.take("x");
    app.sql("INSERT INTO t VALUES(2)");
    let client = app.client();
    let path = format!("/snapshots/{}/preview?kind=periodic", taken.id);
    let preview = client.json(&path);
    for member in
        ["last_event_id", "current_event_log_max_id", "event_delta", "event_log_rows_in_snapshot"]
    {
        assert_eq!(preview[member], Value::Null, "{member}");
    }
    assert_eq!(preview["tables"][0]["removed"], 1);
    assert!(client.fragment(&path).contains("No event log"));
}

#[test]
fn every_control_of_the_preview_finds_its_place() {
    let scene = Scene::new();
    let preview = scene.client.fragment(&scene.about("preview"));
    let list = scene.client.get("/snapshots").text();
    let page = scene.client.get(&scene.about("preview")).text();
    for whole in [format!("{list}{preview}"), page] {
        for element in [
            "<a class=\"restore-open\"",
            "<a class=\"delete-open danger\"",
            "<form class=\"verify\"",
            "<form id=\"pin-form-",
            "<form id=\"note-form-",
        ] {
            assert_target(&preview, element, &whole);
        }
        let mut rest = preview.as_str();
        let mut tables = 0;
        while let Some(at) = rest.find("<tr class=\"change-table\"") {
            rest = &rest[at + 1..];
            let link = &rest[rest.find("<a ").expect("a link")..];
            assert_target(link, "<a ", &whole);
            let path = attribute(link, "<a ", "href").replace("&amp;", "&");
            assert_eq!(scene.client.get(&path).status, 200, "{path}");
            tables += 1;
        }
        assert_eq!(tables, 4);
    }
}

#[test]
fn the_downloads_of_the_preview_lead_to_both_formats() {
    let scene = Scene::new();
    let preview = scene.client.fragment(&scene.about("preview"));
    for format in ["json", "sqlite"] {
        let link = format!("{}&amp;format={format}", scene.about("export"));
        assert!(preview.contains(&format!("href=\"{link}\" download")), "{link} in {preview}");
    }
}
