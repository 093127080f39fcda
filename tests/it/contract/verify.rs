//! Reading a snapshot back.

use super::forms::Form;
use super::redact;
use super::scene::Scene;

#[test]
fn an_intact_snapshot_is_told_with_what_was_read() {
    let scene = Scene::new();
    let told = scene.client.post_json(&scene.act("verify"), &[("kind", "periodic")]);
    insta::assert_snapshot!(redact::json(told));
    let text =
        scene.client.post_as(&scene.act("verify"), &[("kind", "periodic")], Form::Fragment).text();
    insta::assert_snapshot!(redact::markup(&text));
}

#[test]
fn a_damaged_snapshot_is_an_answer_and_not_an_error() {
    let scene = Scene::new();
    let damaged = scene.damage();
    let path = format!("/snapshots/{}/verify", damaged.id);
    let answer = scene.client.post_as(&path, &[("kind", "periodic")], Form::Json);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["state"], "damaged");
    assert_eq!(answer.json()["snapshot"], "periodic/damaged");
    let text = scene.client.post_as(&path, &[("kind", "periodic")], Form::Fragment).text();
    assert!(text.contains("data-alert=\"periodic/damaged is damaged\""), "{text}");
}
