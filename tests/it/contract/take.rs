//! Taking a snapshot by hand.

use super::forms::{Form, assert_target, attribute};
use super::redact;
use super::scene::Scene;
use crate::app::App;

#[test]
fn a_program_gets_201_and_the_entry_of_the_list() {
    let scene = Scene::new();
    let answer = scene.client.post_as("/snapshots/take", &[("note", " by hand ")], Form::Json);
    assert_eq!(answer.status, 201);
    let entry = answer.json();
    assert_eq!(entry, scene.client.json("/snapshots")["snapshots"][0]);
    assert_eq!(entry["kind"], "periodic");
    assert_eq!(entry["note"], "by hand");
    assert_eq!(entry["last_event_id"], 50);
}

#[test]
fn a_note_may_be_left_out_or_empty() {
    let scene = Scene::new();
    for fields in [&[][..], &[("note", "")], &[("note", "  ")]] {
        let entry = scene.client.post_json("/snapshots/take", fields);
        assert!(entry["note"].is_null(), "{entry}");
    }
    assert_eq!(scene.app.listed().len(), 4);
}

#[test]
fn a_take_without_any_body_is_accepted() {
    let scene = Scene::new();
    let call = scene.client.call(poem::http::Method::POST, "/snapshots/take");
    assert_eq!(call.send().status, 303);
    assert_eq!(scene.app.listed().len(), 2);
}

#[test]
fn a_take_leaves_the_database_as_it_is() {
    let scene = Scene::new();
    let before = scene.app.state();
    scene.client.post("/snapshots/take", &[]);
    assert_eq!(scene.app.state(), before);
}

#[test]
fn the_form_asks_for_a_note() {
    let scene = Scene::new();
    let form = scene.client.fragment("/snapshots/take");
    insta::assert_snapshot!(redact::markup(&form));
    assert_target(&form, "<form", &scene.client.get("/snapshots").text());
}

#[test]
fn the_fragment_says_what_was_taken_and_refreshes_the_list_with_the_focus_on_it() {
    let scene = Scene::new();
    let text = scene.client.post_as("/snapshots/take", &[], Form::Fragment).text();
    let result = text.split("<hx-partial").next().expect("the result");
    insta::assert_snapshot!(redact::markup(result));
    let taken = scene.app.listed()[0].clone();
    let row = &text[text
        .find(&format!("<tr class=\"snapshot\" id=\"row-periodic-{}\"", taken.id))
        .expect("its row")..];
    let button = &row[..row.find("</button>").expect("its button")];
    assert!(button.contains("data-focus"), "{button}");
    assert_eq!(text.matches("data-focus").count(), 1);
    let list = scene.client.get("/snapshots").text();
    for part in text.split("<hx-partial").skip(1) {
        let part = format!("<hx-partial{part}");
        assert_target(&part, "<hx-partial", &list);
        // What is open stays open: rows are morphed.
        if attribute(&part, "<hx-partial", "hx-target") == "#rows" {
            assert_eq!(attribute(&part, "<hx-partial", "hx-swap"), "innerMorph");
        }
    }
}

#[test]
fn taking_by_hand_counts_against_retention() {
    let app = App::new().with_events(3).keep_last(2);
    let client = app.client();
    for _ in 0..4 {
        assert_eq!(client.post("/snapshots/take", &[]).status, 303);
    }
    assert_eq!(app.listed().len(), 2);
}
