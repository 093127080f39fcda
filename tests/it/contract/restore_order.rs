//! A restore is checked in one order: kind, confirmation, existence, soundness, plan, schema. The
//! first that fails answers, whatever else is wrong, and nothing is changed.

use serde_json::Value;

use super::forms::Form;
use super::scene::Scene;

const NOWHERE: &str = "20200101T000000Z";

/// A scene with everything that can be wrong: the schema is another, the plan is old, a snapshot
/// is damaged.
fn everything_wrong() -> Scene {
    let scene = Scene::new();
    scene.app.sql("ALTER TABLE bots ADD COLUMN mood TEXT");
    scene.damage();
    scene
}

/// The error of a restore that is refused in all three forms, and leaves everything as it was.
fn refused(scene: &Scene, id: &str, fields: &[(&str, &str)], status: u16) -> Value {
    let (database, snapshots) = (scene.app.state(), scene.app.listed());
    let mut error = Value::Null;
    for form in Form::ALL {
        let answer = scene.client.post_as(&format!("/snapshots/restore/{id}"), fields, form);
        assert_eq!(answer.status, status, "{fields:?} {form:?}: {}", answer.text());
        answer.assert_form(form, id);
        if form == Form::Json {
            error = answer.json()["error"].clone();
        }
    }
    assert_eq!(scene.app.state(), database, "{fields:?}");
    assert_eq!(scene.app.listed(), snapshots, "{fields:?}");
    error
}

#[test]
fn first_the_kind() {
    let scene = everything_wrong();
    for (id, kind) in [(NOWHERE, "weekly"), ("damaged", ""), ("a..b", "weekly")] {
        let fields = [("kind", kind), ("confirm_id", "x"), ("plan", "old"), ("scope", "all")];
        assert_eq!(refused(&scene, id, &fields, 400)["thing"], "kind");
    }
}

#[test]
fn then_the_confirmation() {
    let scene = everything_wrong();
    let typed = [None, Some(""), Some("x"), Some("DAMAGED"), Some(" damaged")];
    for id in [NOWHERE, "damaged", "a..b"] {
        for typed in typed {
            let mut fields = vec![("kind", "periodic"), ("plan", "old"), ("scope", "all")];
            fields.extend(typed.map(|typed| ("confirm_id", typed)));
            assert_eq!(refused(&scene, id, &fields, 400)["thing"], "confirm_id");
        }
    }
}

#[test]
fn then_whether_the_snapshot_exists() {
    let scene = everything_wrong();
    for id in [NOWHERE, "a..b"] {
        let fields = [("kind", "periodic"), ("confirm_id", id), ("plan", "old")];
        refused(&scene, id, &fields, 404);
    }
    let fields = [("kind", "rewind"), ("confirm_id", "damaged"), ("plan", "old")];
    assert_eq!(refused(&scene, "damaged", &fields, 404)["thing"], "rewind/damaged");
}

#[test]
fn then_whether_the_snapshot_is_sound() {
    let scene = everything_wrong();
    let fields = [("kind", "periodic"), ("confirm_id", "damaged"), ("plan", "old")];
    let error = refused(&scene, "damaged", &fields, 422);
    assert_eq!(error["thing"], "periodic/damaged");
}

#[test]
fn then_whether_the_plan_still_holds() {
    let scene = everything_wrong();
    let id = scene.id();
    let fields = [("kind", "periodic"), ("confirm_id", id.as_str()), ("plan", "old")];
    let error = refused(&scene, &id, &fields, 409);
    assert_eq!(error["what"], "the database has moved on since this plan was shown");
    assert!(error["plan"]["plan"].is_string(), "{error}");
}

#[test]
fn then_whether_the_schema_is_the_same() {
    let scene = everything_wrong();
    let id = scene.id();
    let fields = [("kind", "periodic"), ("confirm_id", id.as_str())];
    let error = refused(&scene, &id, &fields, 409);
    assert_eq!(error["what"], "the schema of the snapshot differs from the database's");
    assert!(error["details"][0].as_str().is_some_and(|line| line.contains("mood")), "{error}");
}

#[test]
fn what_was_refused_is_in_the_history_once_it_named_a_snapshot() {
    let scene = everything_wrong();
    let id = scene.id();
    scene.client.post(&scene.apply(), &[("kind", "periodic"), ("confirm_id", "x")]);
    scene.client.post(&scene.apply(), &[("kind", "periodic"), ("confirm_id", &id)]);
    let history = scene.client.json("/history");
    let restores: Vec<&Value> = history["history"]
        .as_array()
        .expect("lines")
        .iter()
        .filter(|line| line["action"] == "restore")
        .collect();
    assert_eq!(restores.len(), 1, "{history}");
    assert_eq!(restores[0]["ok"], false);
}
