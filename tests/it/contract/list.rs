//! The list of snapshots.

use serde_json::{Value, json};

use super::forms::{Form, assert_target, attribute};
use super::redact;
use super::scene::Scene;
use crate::app::{App, named};

fn names(list: &Value) -> Vec<String> {
    let snapshots = list["snapshots"].as_array().expect("snapshots");
    snapshots
        .iter()
        .map(|entry| format!("{}/{}", entry["kind"], entry["snapshot_id"]).replace('"', ""))
        .collect()
}

#[test]
fn the_list_as_facts_has_these_members_and_no_others() {
    let scene = Scene::new();
    scene.app.restore(&scene.taken, snapback::snapshot::Scope::Tables);
    insta::assert_snapshot!(redact::json(scene.client.json("/snapshots")));
}

#[test]
fn both_kinds_are_listed_newest_first() {
    let scene = Scene::new();
    scene.app.restore(&scene.taken, snapback::snapshot::Scope::Tables);
    scene.app.take("after");
    let expected: Vec<String> = scene.app.listed().iter().map(ToString::to_string).collect();
    let list = scene.client.json("/snapshots");
    assert_eq!(names(&list), expected);
    let kinds: Vec<_> = expected.iter().map(|name| name.split('/').next()).collect();
    assert_eq!(kinds, [Some("periodic"), Some("rewind"), Some("periodic")]);
    let page = scene.client.get("/snapshots").text();
    let table = &page[page.find("<tbody id=\"rows\"").expect("the rows")..];
    let places = expected
        .iter()
        .map(|name| table.find(&format!("id=\"row-{}\"", name.replace('/', "-"))).expect("a row"));
    assert!(places.is_sorted(), "{expected:?}");
}

#[test]
fn a_row_tells_position_distance_rows_sizes_state_and_note() {
    let scene = Scene::new();
    let entry = scene.client.json("/snapshots")["snapshots"][0].clone();
    assert_eq!(entry["last_event_id"], 30);
    assert_eq!(entry["event_delta"], 20);
    let rows: usize = App::new().with_events(30).state().values().map(Vec::len).sum();
    assert_eq!(entry["rows"], rows);
    assert_eq!(entry["filename"], format!("{}.json", scene.taken.id));
    assert!(entry["file_size_bytes"].as_u64() > Some(0), "{entry}");
    assert!(entry["new_bytes"].as_u64() > Some(0), "{entry}");
    let row = scene.client.fragment("/snapshots");
    for part in ["30", "20", &rows.to_string(), "intact", "before"] {
        assert!(row.contains(&format!(">{part}<")), "{part} in {row}");
    }
}

#[test]
fn the_button_of_a_row_opens_the_preview_below_it() {
    let scene = Scene::new();
    let page = scene.client.get("/snapshots").text();
    assert_target(&page, "<button class=\"open\"", &page);
    assert_eq!(attribute(&page, "<button class=\"open\"", "hx-get"), scene.about("preview"));
    let controls = attribute(&page, "<button class=\"open\"", "aria-controls");
    assert!(page.contains(&format!("id=\"{controls}\"")), "{controls}");
}

#[test]
fn the_tools_of_the_page_have_their_places() {
    let scene = Scene::new();
    let page = scene.client.get("/snapshots").text();
    for (element, address) in [
        ("<a class=\"button primary\" id=\"take-open\"", "/snapshots/take"),
        ("<a class=\"button quiet\" id=\"import-open\"", "/snapshots/import"),
        ("<form id=\"compare\"", "/snapshots/compare"),
    ] {
        assert_target(&page, element, &page);
        assert_eq!(attribute(&page, element, "hx-get"), address);
    }
}

#[test]
fn a_filter_applies_to_all_three_forms() {
    let scene = Scene::new();
    let other = scene.app.take("release of <today>");
    for query in ["release", "RELEASE%20today", "%3Ctoday"] {
        let path = format!("/snapshots?q={query}");
        assert_eq!(names(&scene.client.json(&path)), [other.to_string()], "{query}");
        for form in [Form::Page, Form::Fragment] {
            let text = scene.client.read(&path, form).text();
            assert!(text.contains(&format!("id=\"row-periodic-{}\"", other.id)), "{query}");
            assert!(!text.contains(&format!("id=\"row-periodic-{}\"", scene.taken.id)), "{query}");
        }
    }
    let path = "/snapshots?q=nothing%20of%20that%20name";
    assert_eq!(names(&scene.client.json(path)), Vec::<String>::new());
    assert!(scene.client.get(path).text().contains("No snapshot matches"));
}

#[test]
fn an_empty_store_is_listed_and_says_how_to_begin() {
    let app = App::new().with_events(3);
    let client = app.client();
    assert_eq!(client.json("/snapshots"), json!({"current_event_log_max_id": 3, "snapshots": []}));
    assert!(client.get("/snapshots").text().contains("No snapshot yet."));
}

#[test]
fn without_an_event_log_positions_are_null() {
    let app = App::new().tables_only("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    app.take("x");
    let list = app.client().json("/snapshots");
    assert_eq!(list["current_event_log_max_id"], Value::Null);
    assert_eq!(list["snapshots"][0]["last_event_id"], Value::Null);
    assert_eq!(list["snapshots"][0]["event_delta"], Value::Null);
    assert_eq!(list["snapshots"][0]["rows"], 1);
}

#[test]
fn a_file_of_another_system_is_listed_like_any_other() {
    let scene = Scene::new();
    let foreign = named("periodic/chat.v2");
    let file = json!({
        "last_event_id": 7,
        "event_log": [{"id": 7, "created_at": "", "event_type": "x", "payload": ""}],
        "tables": {"bots": [{"id": 1, "name": "bot", "messages": 0}]},
    });
    scene.app.drop_in(&foreign, file.to_string());
    let list = scene.client.json("/snapshots");
    let entries = list["snapshots"].as_array().expect("snapshots");
    let entry = entries.iter().find(|entry| entry["snapshot_id"] == "chat.v2").expect("listed");
    assert_eq!((&entry["last_event_id"], &entry["rows"]), (&json!(7), &json!(2)));
    assert_eq!(entry["state"], "intact");
    // A dot in an id would begin the name of a class in a selector.
    let page = scene.client.get("/snapshots").text();
    let row = &page[page.find("id=\"row-periodic-chat.v2\"").expect("its row")..];
    assert_eq!(
        attribute(row, "<button class=\"open\"", "hx-target"),
        "#preview-periodic-chat\\.v2"
    );
    let preview = scene.client.json("/snapshots/chat.v2/preview?kind=periodic");
    assert_eq!(preview["event_log_rows_in_snapshot"], 1);
}

#[test]
fn a_copied_file_says_so() {
    let scene = Scene::new();
    let path = scene.app.manifest(&scene.taken);
    let file = std::fs::File::options().append(true).open(path).expect("a manifest");
    let later = std::time::SystemTime::now() + std::time::Duration::from_hours(73);
    file.set_modified(later).expect("a later time");
    let entry = scene.client.json("/snapshots")["snapshots"][0].clone();
    assert_ne!(entry["copied_at"], Value::Null);
    assert!(scene.client.get("/snapshots").text().contains("copied 3 days later"));
}
