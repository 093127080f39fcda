//! The kind is stated wherever one snapshot is named; it never defaults.

use poem::http::Method;

use super::forms::Form;
use super::scene::Scene;

/// Every route that names one snapshot, with its method.
fn routes(scene: &Scene) -> Vec<(Method, String)> {
    let read = ["preview", "tables/messages", "events", "restore", "delete", "export"];
    let written = ["label", "delete", "verify"];
    let mut routes: Vec<_> = read.into_iter().map(|verb| (Method::GET, scene.act(verb))).collect();
    routes.extend(written.into_iter().map(|verb| (Method::POST, scene.act(verb))));
    routes.push((Method::POST, scene.apply()));
    routes
}

#[test]
fn a_kind_that_is_missing_empty_or_unknown_is_refused_with_both_kinds_named() {
    let scene = Scene::new();
    let before = scene.everything();
    let id = scene.id();
    for (method, path) in routes(&scene) {
        for kind in [None, Some(""), Some("weekly"), Some("Periodic"), Some("periodic ")] {
            for form in Form::ALL {
                let answer = if method == Method::GET {
                    let query = kind.map(|kind| format!("?kind={}", kind.replace(' ', "%20")));
                    scene.client.read(&format!("{path}{}", query.unwrap_or_default()), form)
                } else {
                    let mut fields = vec![("confirm_id", id.as_str()), ("pinned", "1")];
                    fields.extend(kind.map(|kind| ("kind", kind)));
                    scene.client.post_as(&path, &fields, form)
                };
                let about = format!("{method} {path} {kind:?} {form:?}");
                assert_eq!(answer.status, 400, "{about}");
                answer.assert_form(form, &about);
                let text = answer.text();
                assert!(text.contains("tate kind=periodic or kind=rewind"), "{about}: {text}");
            }
        }
    }
    assert_eq!(scene.everything(), before);
}

#[test]
fn the_kind_of_the_other_snapshot_is_not_guessed() {
    let scene = Scene::new();
    let id = scene.id();
    let answer = scene.client.get(&format!("/snapshots/{id}/preview?kind=rewind"));
    assert_eq!(answer.status, 404);
    let fields = [("kind", "rewind"), ("confirm_id", id.as_str())];
    assert_eq!(scene.client.post(&scene.apply(), &fields).status, 404);
    assert_eq!(scene.client.post(&scene.act("delete"), &fields).status, 404);
    assert_eq!(scene.app.listed(), std::slice::from_ref(&scene.taken));
}

#[test]
fn the_two_sides_of_a_comparison_state_their_kinds() {
    let scene = Scene::new();
    let id = scene.id();
    for side in ["", "weekly/", "Periodic/", "/"] {
        let path = format!("/snapshots/compare?from=now&to={side}{id}");
        let answer = scene.client.read(&path, Form::Json);
        assert_eq!(answer.status, 400, "{path}");
        let hint = answer.json()["error"]["hint"].to_string();
        assert!(hint.contains("periodic") && hint.contains("rewind"), "{hint}");
    }
}
