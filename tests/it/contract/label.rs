//! What a person may change of a snapshot later: its note, and the pin.

use serde_json::Value;

use super::forms::{Form, attribute};
use super::scene::Scene;

#[test]
fn a_note_and_a_pin_are_set_and_taken_away_each_for_itself() {
    let scene = Scene::new();
    let label = |fields: &[(&str, &str)]| {
        let fields: Vec<_> = [("kind", "periodic")].iter().chain(fields).copied().collect();
        let entry = scene.client.post_json(&scene.act("label"), &fields);
        assert_eq!(entry, scene.client.json("/snapshots")["snapshots"][0]);
        (entry["note"].as_str().map(str::to_owned), entry["pinned"] == true)
    };
    assert_eq!(label(&[("pinned", "1")]), (Some("before".into()), true));
    assert_eq!(label(&[("note", "<b>why</b>")]), (Some("<b>why</b>".into()), true));
    assert_eq!(label(&[("note", ""), ("pinned", "0")]), (None, false));
}

#[test]
fn the_fragment_is_the_row_and_the_controls_that_changed_it() {
    let scene = Scene::new();
    let fields = [("kind", "periodic"), ("pinned", "1")];
    let text = scene.client.post_as(&scene.act("label"), &fields, Form::Fragment).text();
    let list = scene.client.get("/snapshots").text();
    let preview = scene.client.fragment(&scene.about("preview"));
    let mut places = Vec::new();
    for part in text.split("<hx-partial").skip(1) {
        let target =
            attribute(&format!("<hx-partial{part}"), "<hx-partial", "hx-target").to_owned();
        assert!(
            format!("{list}{preview}").contains(&format!("id=\"{}\"", &target[1..])),
            "{target}"
        );
        places.push(target);
    }
    let id = scene.id();
    assert_eq!(places, [format!("#row-periodic-{id}"), format!("#label-periodic-{id}")]);
    assert!(text.contains("<span class=\"pinned\">pinned</span>"), "{text}");
    assert!(text.contains("Unpin "), "{text}");
}

#[test]
fn a_pinned_snapshot_outlives_retention() {
    let app = crate::app::App::new().with_events(3).keep_last(1);
    let first = app.take("kept");
    let client = app.client();
    let path = format!("/snapshots/{}/label", first.id);
    assert_eq!(client.post(&path, &[("kind", "periodic"), ("pinned", "1")]).status, 303);
    for _ in 0..3 {
        client.post("/snapshots/take", &[]);
    }
    assert_eq!(app.listed().len(), 2);
    assert!(app.listed().contains(&first));
}

#[test]
fn the_database_and_the_manifest_are_as_before() {
    let scene = Scene::new();
    let manifest = std::fs::read(scene.app.manifest(&scene.taken)).expect("a manifest");
    let before = scene.app.state();
    scene.client.post(&scene.act("label"), &[("kind", "periodic"), ("note", "x")]);
    assert_eq!(scene.app.state(), before);
    let after = std::fs::read(scene.app.manifest(&scene.taken)).expect("a manifest");
    assert_eq!(after, manifest);
    assert_ne!(scene.client.json("/snapshots")["snapshots"][0]["note"], Value::Null);
}
