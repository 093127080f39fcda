//! The confirmation of a restore, and the restore.

use serde_json::{Value, json};

use super::forms::{Form, assert_target, attribute};
use super::redact;
use super::scene::Scene;

fn restore(scene: &Scene, form: Form, more: &[(&str, &str)]) -> crate::client::Answer {
    let id = scene.id();
    let mut fields = vec![("kind", "periodic"), ("confirm_id", id.as_str())];
    fields.extend(more);
    scene.client.post_as(&scene.apply(), &fields, form)
}

#[test]
fn the_confirmation_says_what_happens_before_it_asks() {
    let scene = Scene::new();
    let form = scene.client.fragment(&scene.about("restore"));
    insta::assert_snapshot!(redact::markup(&form));
}

#[test]
fn the_confirmation_as_facts_is_the_preview_and_the_scope_offered_first() {
    let scene = Scene::new();
    let mut offer = scene.client.json(&scene.about("restore"));
    let scope = offer.as_object_mut().expect("an object").remove("offered_scope");
    assert_eq!(scope, Some(json!("tables")));
    assert_eq!(offer, scene.client.json(&scene.about("preview")));
}

#[test]
fn the_form_is_swapped_where_the_preview_has_a_place_for_it() {
    let scene = Scene::new();
    let preview = scene.client.fragment(&scene.about("preview"));
    assert_target(&preview, "<a class=\"restore-open\"", &preview);
    let form = scene.client.fragment(&scene.about("restore"));
    assert_target(&form, "<form class=\"confirm\"", &preview);
    let page = scene.client.get(&scene.about("restore")).text();
    assert_target(&page, "<form class=\"confirm\"", &page);
    assert_eq!(attribute(&form, "<form class=\"confirm\"", "action"), scene.apply());
    assert_eq!(attribute(&form, "<form class=\"confirm\"", "hx-post"), scene.apply());
}

#[test]
fn a_restore_answers_with_these_members_and_no_others() {
    let scene = Scene::new();
    let answer = restore(&scene, Form::Json, &[("scope", "rewind")]).json();
    insta::assert_snapshot!(redact::json(answer));
}

#[test]
fn the_numbers_of_a_restore_are_those_of_its_plan() {
    let scene = Scene::new();
    let plan = scene.client.json(&scene.about("preview"));
    let done = restore(&scene, Form::Json, &[]).json();
    let changed = plan["tables"].as_array().expect("tables").iter().filter_map(|table| {
        let counts = ["added", "removed", "changed"].map(|change| table[change].clone());
        let [added, removed, changed] = counts.clone();
        (counts != [json!(0), json!(0), json!(0)]).then(|| {
            json!({"name": table["name"], "added": added, "removed": removed, "changed": changed})
        })
    });
    assert_eq!(done["tables"], Value::Array(changed.collect()));
}

#[test]
fn the_result_says_what_happened_and_offers_the_undo() {
    let scene = Scene::new();
    let answer = restore(&scene, Form::Fragment, &[("scope", "rewind")]);
    let text = answer.text();
    let result = text.split("<hx-partial").next().expect("the result");
    insta::assert_snapshot!(redact::markup(result));
    assert_eq!(answer.header("HX-Retarget"), "#result");
    assert_eq!(answer.header("HX-Reswap"), "innerHTML");
    assert_target(result, "<a class=\"button\" id=\"undo\"", result);
    let list = scene.client.get("/snapshots").text();
    for part in text.split("<hx-partial").skip(1) {
        assert_target(&format!("<hx-partial{part}"), "<hx-partial", &list);
    }
    assert_eq!(list.matches("id=\"result\"").count(), 1);
}

#[test]
fn a_restore_of_what_is_there_already_changes_nothing_and_says_so() {
    let scene = Scene::new();
    restore(&scene, Form::Json, &[]);
    let before = scene.app.state();
    let text = restore(&scene, Form::Fragment, &[]).text();
    assert!(text.contains("Nothing differed, so nothing was changed."), "{text}");
    assert_eq!(scene.app.state(), before);
}

#[test]
fn a_refused_restore_is_swapped_where_its_form_stood_and_leads_back_to_the_plan() {
    let scene = Scene::new();
    let answer = restore(&scene, Form::Fragment, &[("table", "chats")]);
    assert_eq!(answer.header("HX-Retarget"), "");
    let preview = scene.client.fragment(&scene.about("preview"));
    let text = answer.text();
    let link = &text[text.find("<a href").expect("a link")..];
    assert_target(link, "<a href", &preview);
    assert_eq!(attribute(link, "<a href", "hx-get"), scene.about("restore"));
}
