//! Deleting a snapshot by hand.

use serde_json::json;

use super::forms::{Form, assert_target};
use super::redact;
use super::scene::Scene;

#[test]
fn the_confirmation_says_what_goes() {
    let scene = Scene::new();
    let form = scene.client.fragment(&scene.about("delete"));
    insta::assert_snapshot!(redact::markup(&form));
    assert_target(&form, "<form", &scene.client.fragment(&scene.about("preview")));
    let page = scene.client.get(&scene.about("delete")).text();
    assert_target(&page, "<form class=\"confirm delete\"", &page);
}

#[test]
fn a_snapshot_is_deleted_once_its_id_confirms() {
    for form in Form::ALL {
        let scene = Scene::new();
        let (database, id) = (scene.app.state(), scene.id());
        for typed in ["", "x", &id.to_lowercase(), &format!("{id} ")] {
            let fields = [("kind", "periodic"), ("confirm_id", typed)];
            assert_eq!(scene.client.post_as(&scene.act("delete"), &fields, form).status, 400);
            assert_eq!(scene.app.listed(), std::slice::from_ref(&scene.taken));
        }
        let fields = [("kind", "periodic"), ("confirm_id", id.as_str())];
        let answer = scene.client.post_as(&scene.act("delete"), &fields, form);
        assert!([200, 303].contains(&answer.status), "{answer:?}");
        assert_eq!(scene.app.listed(), []);
        assert_eq!(scene.app.state(), database);
        assert_eq!(scene.client.post_as(&scene.act("delete"), &fields, form).status, 404);
    }
}

#[test]
fn a_program_is_told_the_name() {
    let scene = Scene::new();
    let fields = [("kind", "periodic"), ("confirm_id", &*scene.id())];
    let told = scene.client.post_json(&scene.act("delete"), &fields);
    assert_eq!(told, json!({"deleted": scene.taken.to_string()}));
}

#[test]
fn the_checks_come_in_order() {
    let scene = Scene::new();
    let refused = |id: &str, fields: &[(&str, &str)]| {
        let answer = scene.client.post_as(&format!("/snapshots/{id}/delete"), fields, Form::Json);
        (answer.status, answer.json()["error"]["thing"].as_str().unwrap_or_default().to_owned())
    };
    let (nowhere, id) = ("20200101T000000Z", scene.id());
    assert_eq!(refused(nowhere, &[("confirm_id", "x")]), (400, "kind".into()));
    let kind = ("kind", "periodic");
    assert_eq!(refused(nowhere, &[kind, ("confirm_id", &id)]), (400, "confirm_id".into()));
    assert_eq!(
        refused(nowhere, &[kind, ("confirm_id", nowhere)]),
        (404, format!("periodic/{nowhere}"))
    );
}

#[test]
fn the_row_that_moves_up_takes_the_focus() {
    let scene = Scene::new();
    let newer = scene.app.take("newer");
    let fields = [("kind", "periodic"), ("confirm_id", newer.id.as_str())];
    let path = format!("/snapshots/{}/delete", newer.id);
    let answer = scene.client.post_as(&path, &fields, Form::Fragment);
    let text = answer.text();
    assert_eq!(answer.header("HX-Retarget"), "#result");
    assert_eq!(text.matches("data-focus").count(), 1, "{text}");
    let open = &text[text.find(&format!("id=\"open-periodic-{}\"", scene.id())).expect("a row")..];
    assert!(open[..open.find('>').expect("an end")].contains("data-focus"), "{text}");
    // With the last row gone the result has it.
    let fields = [("kind", "periodic"), ("confirm_id", &*scene.id())];
    let text = scene.client.post_as(&scene.act("delete"), &fields, Form::Fragment).text();
    assert!(text.contains("<h2 id=\"result-title\" tabindex=\"-1\" data-focus"), "{text}");
}
