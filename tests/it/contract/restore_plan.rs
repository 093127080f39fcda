//! What was confirmed is what is done: the plan travels with the form.

use serde_json::Value;

use super::forms::{Form, field};
use super::scene::Scene;

/// The plan that the confirmation shows.
fn plan(scene: &Scene) -> String {
    let facts = scene.client.json(&scene.about("restore"));
    facts["plan"].as_str().expect("a plan").to_owned()
}

fn restore(scene: &Scene, more: &[(&str, &str)]) -> (u16, Value) {
    let id = scene.id();
    let mut fields = vec![("kind", "periodic"), ("confirm_id", id.as_str())];
    fields.extend(more);
    let answer = scene.client.post_as(&scene.apply(), &fields, Form::Json);
    (answer.status, answer.json())
}

#[test]
fn the_preview_the_confirmation_and_its_form_carry_the_same_plan() {
    let scene = Scene::new();
    let plan = plan(&scene);
    assert_eq!(scene.client.json(&scene.about("preview"))["plan"], plan.as_str());
    assert_eq!(field(&scene.client.fragment(&scene.about("restore")), "plan"), plan);
    assert_eq!(field(&scene.client.get(&scene.about("restore")).text(), "plan"), plan);
}

#[test]
fn a_plan_that_holds_is_carried_out() {
    let scene = Scene::new();
    let plan = plan(&scene);
    assert_eq!(restore(&scene, &[("plan", &plan)]).0, 200);
}

#[test]
fn a_restore_without_a_plan_is_accepted() {
    let scene = Scene::new();
    assert_eq!(restore(&scene, &[]).0, 200);
    assert_eq!(restore(&scene, &[("plan", "")]).0, 200);
}

#[test]
fn a_plan_that_moved_is_answered_with_the_new_one_and_what_is_new_in_it() {
    let scene = Scene::new();
    let old = plan(&scene);
    scene.app.events(3);
    let before = scene.app.state();
    let (status, answer) = restore(&scene, &[("plan", &old)]);
    assert_eq!(status, 409);
    let error = &answer["error"];
    let news = error["details"].as_array().expect("what is new");
    let added: u64 = news
        .iter()
        .filter_map(|line| line.as_str()?.split_once('×')?.1.split(' ').next()?.parse::<u64>().ok())
        .sum();
    assert_eq!(added, 3, "{error}");
    assert_eq!(error["plan"], scene.client.json(&scene.about("preview")));
    assert_ne!(error["plan"]["plan"], old.as_str());
    assert_eq!(scene.app.state(), before);
    let new = error["plan"]["plan"].as_str().expect("a plan");
    assert_eq!(restore(&scene, &[("plan", new)]).0, 200);
}

#[test]
fn a_plan_that_moved_shows_the_form_again_with_all_that_was_typed_and_chosen() {
    let scene = Scene::new();
    let (old, id) = (plan(&scene), scene.id());
    scene.app.events(3);
    let fields = [
        ("kind", "periodic"),
        ("confirm_id", id.as_str()),
        ("plan", old.as_str()),
        ("scope", "rewind"),
        ("table", "messages"),
        ("table", "bots"),
    ];
    let new = plan(&scene);
    for form in [Form::Page, Form::Fragment] {
        let answer = scene.client.post_as(&scene.apply(), &fields, form);
        assert_eq!(answer.status, 409);
        answer.assert_form(form, "a plan that moved");
        let text = answer.text();
        assert!(text.contains("since the plan was shown"), "{text}");
        assert_eq!(field(&text, "plan"), new);
        assert_eq!(field(&text, "confirm_id"), id);
        for chosen in [
            r#"name="scope" value="rewind" checked"#,
            r#"name="table" value="messages" checked"#,
            r#"name="table" value="bots" checked"#,
            r#"name="moving" value="1">"#,
        ] {
            assert!(text.contains(chosen), "{chosen} in {text}");
        }
        assert!(!text.contains(r#"value="chats" checked"#), "{text}");
    }
}

#[test]
fn rows_that_change_without_an_event_move_the_plan_too() {
    let scene = Scene::new();
    let old = plan(&scene);
    scene.app.sql("UPDATE chats SET title = 'another' WHERE id = 1");
    let (status, answer) = restore(&scene, &[("plan", &old)]);
    assert_eq!(status, 409);
    let news = &answer["error"]["details"][0];
    assert_eq!(news, "rows or the schema changed without a new event");
}

#[test]
fn with_moving_any_later_position_is_accepted() {
    let scene = Scene::new();
    let old = plan(&scene);
    scene.app.events(3);
    assert_eq!(restore(&scene, &[("plan", &old), ("moving", "1")]).0, 200);
}

#[test]
fn with_moving_another_schema_is_not_accepted() {
    let scene = Scene::new();
    let old = plan(&scene);
    scene.app.sql("ALTER TABLE bots ADD COLUMN mood TEXT");
    let (status, answer) = restore(&scene, &[("plan", &old), ("moving", "1")]);
    assert_eq!(status, 409);
    assert!(answer["error"]["plan"].is_object(), "{answer}");
}

#[test]
fn with_moving_an_earlier_position_is_not_accepted() {
    let scene = Scene::new();
    let old = plan(&scene);
    scene.app.sql("DELETE FROM event_log WHERE id > 40");
    assert_eq!(restore(&scene, &[("plan", &old), ("moving", "1")]).0, 409);
}

#[test]
fn the_plan_of_another_snapshot_does_not_hold() {
    let scene = Scene::new();
    let other = scene.app.take("later");
    let path = format!("/snapshots/{}/preview?kind=periodic", other.id);
    let plan = scene.client.json(&path)["plan"].as_str().expect("a plan").to_owned();
    assert_eq!(restore(&scene, &[("plan", &plan)]).0, 409);
    assert_eq!(restore(&scene, &[("plan", &plan), ("moving", "1")]).0, 409);
    for wrong in ["0", "-", "50--", "\u{202e}", "0-stale-plan"] {
        assert_eq!(restore(&scene, &[("plan", wrong)]).0, 409, "{wrong:?}");
    }
}

#[test]
fn another_schema_is_accepted_when_that_is_said() {
    let scene = Scene::new();
    scene.app.sql("ALTER TABLE bots ADD COLUMN mood TEXT");
    let form = scene.client.fragment(&scene.about("restore"));
    assert!(form.contains(r#"name="accept_schema" value="1""#), "{form}");
    let facts = scene.client.json(&scene.about("preview"));
    let differences = facts["schema_differences"].as_array().expect("differences");
    assert!(differences.iter().any(|line| line.to_string().contains("mood")), "{facts}");
    assert_eq!(restore(&scene, &[]).0, 409);
    let (status, answer) = restore(&scene, &[("accept_schema", "1")]);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["notes"], facts["schema_differences"]);
}

#[test]
fn the_choice_to_accept_another_schema_is_offered_only_where_it_differs() {
    let scene = Scene::new();
    let form = scene.client.fragment(&scene.about("restore"));
    assert!(!form.contains("accept_schema"), "{form}");
}
