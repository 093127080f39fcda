//! Two snapshots beside each other, or one and now.

use serde_json::{Value, json};

use super::forms::{assert_target, attribute};
use super::redact;
use super::scene::Scene;

fn tables(preview: &Value) -> &Vec<Value> {
    preview["tables"].as_array().expect("tables")
}

#[test]
fn a_comparison_has_the_members_of_a_preview_and_no_plan() {
    let scene = Scene::new();
    let later = scene.app.take("later");
    let compared =
        scene.client.json(&format!("/snapshots/compare?from={later}&to={}", scene.taken));
    assert_eq!(compared["from"], later.to_string());
    assert_eq!(compared["snapshot_id"], scene.id());
    assert_eq!(compared["plan"], Value::Null);
    // The later snapshot is as the database is now.
    let mut preview = scene.client.json(&scene.about("preview"));
    preview["from"] = json!(later.to_string());
    preview["plan"] = Value::Null;
    assert_eq!(compared, preview);
}

#[test]
fn the_other_way_round_what_was_added_is_removed() {
    let scene = Scene::new();
    let later = scene.app.take("later");
    let there = scene.client.json(&format!("/snapshots/compare?from={}&to={later}", scene.taken));
    let back = scene.client.json(&format!("/snapshots/compare?from={later}&to={}", scene.taken));
    for (one, other) in tables(&there).iter().zip(tables(&back)) {
        assert_eq!(one["added"], other["removed"]);
        assert_eq!(one["removed"], other["added"]);
        assert_eq!(one["changed"], other["changed"]);
        assert_eq!(one["unchanged"], other["unchanged"]);
    }
    assert_eq!(there["event_delta"], -20);
    assert_eq!(there["events_since"], json!([]));
}

#[test]
fn now_is_a_point_too() {
    let scene = Scene::new();
    let to_now = scene.client.json(&format!("/snapshots/compare?from={}&to=now", scene.taken));
    assert_eq!(to_now["snapshot_id"], Value::Null);
    assert_eq!(to_now["last_event_id"], 50);
    assert_eq!(to_now["current_event_log_max_id"], 30);
    let to_then = scene.client.json(&format!("/snapshots/compare?from=now&to={}", scene.taken));
    assert_eq!(tables(&to_then), tables(&scene.client.json(&scene.about("preview"))));
}

#[test]
fn one_mark_of_the_list_is_compared_with_now_and_two_with_each_other() {
    let scene = Scene::new();
    let later = scene.app.take("later");
    let compared = |query: String| scene.client.json(&format!("/snapshots/compare?{query}"));
    assert_eq!(
        compared(format!("mark={}", scene.taken)),
        compared(format!("from=now&to={}", scene.taken))
    );
    assert_eq!(
        compared(format!("mark={later}&mark={}", scene.taken)),
        compared(format!("from={later}&to={}", scene.taken))
    );
}

#[test]
fn a_comparison_as_a_fragment_has_a_heading_and_opens_rows_below_their_table() {
    let scene = Scene::new();
    let later = scene.app.take("later");
    let path = format!("/snapshots/compare?from={later}&to={}", scene.taken);
    let fragment = scene.client.fragment(&path);
    insta::assert_snapshot!(redact::markup(&fragment));
    let row = &fragment[fragment.find("<tr class=\"change-table\"").expect("a table")..];
    assert_target(row, "<a ", &fragment);
    let link = attribute(row, "<a ", "hx-get").replace("&amp;", "&");
    let rows = scene.client.json(&link);
    assert_eq!(rows["table"], "bots");
    assert_eq!(rows["rows"].as_array().map(Vec::len), Some(2), "{rows}");
}

#[test]
fn two_that_are_the_same_are_said_to_be_and_nothing_is_said_of_restoring() {
    let scene = Scene::new();
    let (one, other) = (scene.app.take("one"), scene.app.take("other"));
    let page = scene.client.get(&format!("/snapshots/compare?from={one}&to={other}")).text();
    assert!(page.contains("Nothing: every table has the same rows on both sides."), "{page}");
    assert!(!page.contains("Restoring"), "{page}");
}
