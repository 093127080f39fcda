//! A damaged file is listed with the reason, never breaks a page, and can be deleted.

use serde_json::Value;

use super::forms::Form;
use super::redact;
use super::scene::Scene;

fn of<'l>(list: &'l Value, id: &str) -> &'l Value {
    let snapshots = list["snapshots"].as_array().expect("snapshots");
    snapshots.iter().find(|entry| entry["snapshot_id"] == id).expect("it is listed")
}

#[test]
fn it_is_listed_with_the_reason_and_null_for_what_it_cannot_tell() {
    let scene = Scene::new();
    scene.damage();
    let list = scene.client.json("/snapshots");
    insta::assert_snapshot!(redact::json(of(&list, "damaged").clone()));
    assert_eq!(of(&list, &scene.id())["state"], "intact");
    let page = scene.client.get("/snapshots").text();
    assert!(page.contains("<span class=\"reason\">ends early, at byte 43</span>"), "{page}");
    assert!(page.contains(&scene.id()), "{page}");
}

#[test]
fn its_preview_says_what_is_wrong_in_all_forms() {
    let scene = Scene::new();
    let damaged = scene.damage();
    let path = format!("/snapshots/{}/preview?kind=periodic", damaged.id);
    for form in Form::ALL {
        let answer = scene.client.read(&path, form);
        assert_eq!(answer.status, 422);
        answer.assert_form(form, "damaged");
        assert!(answer.text().contains("ends early, at byte 43"), "{answer:?}");
    }
    insta::assert_snapshot!(redact::markup(&scene.client.fragment(&path)));
}

#[test]
fn it_can_be_verified_and_deleted() {
    let scene = Scene::new();
    let before = scene.app.state();
    for form in Form::ALL {
        let damaged = scene.damage();
        let confirm = format!("/snapshots/{}/delete?kind=periodic", damaged.id);
        let answer = scene.client.read(&confirm, form);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let verified = scene.client.post_as(
            &format!("/snapshots/{}/verify", damaged.id),
            &[("kind", "periodic")],
            form,
        );
        assert!([200, 303].contains(&verified.status), "{}", verified.text());
        let fields = [("kind", "periodic"), ("confirm_id", "damaged")];
        let answer = scene.client.post_as("/snapshots/damaged/delete", &fields, form);
        assert!([200, 303].contains(&answer.status), "{}", answer.text());
        assert_eq!(scene.app.listed(), std::slice::from_ref(&scene.taken));
    }
    assert_eq!(scene.app.state(), before);
}

#[test]
fn a_manifest_with_one_byte_changed_is_damaged() {
    let scene = Scene::new();
    let path = scene.app.manifest(&scene.taken);
    let mut bytes = std::fs::read(&path).expect("a manifest");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    let list = scene.client.json("/snapshots");
    assert_eq!(of(&list, &scene.id())["state"], "damaged");
    assert_eq!(scene.client.get(&scene.about("preview")).status, 422);
    assert_eq!(scene.client.get("/snapshots").status, 200);
}

#[test]
fn rows_that_are_damaged_break_no_page() {
    let scene = Scene::new();
    for pack in scene.app.packs() {
        let mut bytes = std::fs::read(&pack).expect("a pack");
        // The chunks at the start; the index at the end stays whole.
        bytes[..200].fill(0);
        std::fs::write(&pack, bytes).expect("written");
    }
    assert_eq!(scene.client.get("/snapshots").status, 200);
    for form in Form::ALL {
        let answer = scene.client.read(&scene.about("preview"), form);
        assert_eq!(answer.status, 422, "{}", answer.text());
        answer.assert_form(form, "damaged rows");
    }
    let (before, listed) = (scene.app.state(), scene.app.listed());
    let id = scene.id();
    let fields = [("kind", "periodic"), ("confirm_id", id.as_str())];
    assert_eq!(scene.client.post(&scene.apply(), &fields).status, 422);
    assert_eq!(scene.app.state(), before);
    assert_eq!(scene.app.listed(), listed);
    let verified = scene.client.post_json(&scene.act("verify"), &[("kind", "periodic")]);
    assert_eq!(verified["state"], "damaged");
}
