//! Every address of the console, in all three forms.

use poem::http::Method;

use super::forms::Form;
use super::scene::Scene;
use crate::client::{Answer, Call};

/// The pages that are read. The second is the table that most changed.
fn read(scene: &Scene) -> Vec<String> {
    let undone = scene.app.restore(&scene.taken, snapback::snapshot::Scope::Tables).rewind;
    scene.app.events(5);
    vec![
        "/snapshots".to_owned(),
        "/snapshots?q=periodic".to_owned(),
        "/snapshots/take".to_owned(),
        "/snapshots/import".to_owned(),
        scene.about("preview"),
        scene.about("tables/messages"),
        scene.about("tables/event_log"),
        scene.about("events"),
        scene.about("restore"),
        scene.about("delete"),
        format!("/snapshots/{}/preview?kind=rewind", undone.id),
        format!("/snapshots/compare?from={}&to={undone}", scene.taken),
        format!("/snapshots/compare?from=now&to={}", scene.taken),
        format!("/snapshots/compare?from={}&to={undone}&table=messages", scene.taken),
        format!("/snapshots/compare?mark={}&mark={undone}", scene.taken),
        "/history".to_owned(),
        "/history?q=restore&what=restore&outcome=done".to_owned(),
        "/retention".to_owned(),
        "/retention?keep-last=1&keep-daily=periodic%3D7%2Crewind%3D2".to_owned(),
    ]
}

#[test]
fn every_page_is_also_a_fragment_and_facts() {
    let scene = Scene::new();
    for path in read(&scene) {
        for form in Form::ALL {
            let answer = scene.client.read(&path, form);
            assert_eq!(answer.status, 200, "{path} {form:?}: {answer:?}");
            answer.assert_form(form, &path);
        }
    }
}

#[test]
fn a_page_holds_its_fragment() {
    let scene = Scene::new();
    for path in read(&scene) {
        // Compared with its heading, which is the page's own title otherwise.
        if path.contains("compare") && !path.contains("table=") {
            continue;
        }
        let page = scene.client.get(&path).text();
        let fragment = scene.client.fragment(&path);
        // What else a fragment brings up to date stands in other places of the page.
        let fragment = fragment.split("<hx-partial").next().expect("the fragment itself");
        assert!(page.contains(fragment), "{path}: {fragment}");
    }
}

#[test]
fn a_restored_history_gets_the_whole_page() {
    let scene = Scene::new();
    for path in read(&scene) {
        let call = scene.client.call(Method::GET, &path).by_htmx();
        let answer = call.header("HX-History-Restore-Request", "true").send();
        answer.assert_form(Form::Page, &path);
    }
}

#[test]
fn the_root_leads_to_the_list() {
    let scene = Scene::new();
    for form in Form::ALL {
        let answer = scene.client.read("/", form);
        assert_eq!((answer.status, answer.header("Location")), (303, "/snapshots"));
    }
}

type Fields<'s> = Vec<(&'s str, &'s str)>;

/// Sends what changes something, in a scene of its own for each form, and hands over the answers.
fn each_change(check: impl Fn(Form, &str, u16, &Answer)) {
    for form in Form::ALL {
        let scene = Scene::new();
        let id = scene.id();
        let confirmed: Fields<'_> = vec![("kind", "periodic"), ("confirm_id", &id)];
        let changes: [(String, Fields<'_>, u16); 5] = [
            ("/snapshots/take".to_owned(), vec![("note", "by hand")], 201),
            (scene.act("label"), vec![("kind", "periodic"), ("pinned", "1")], 200),
            (scene.act("verify"), vec![("kind", "periodic")], 200),
            (scene.apply(), confirmed.clone(), 200),
            (scene.act("delete"), confirmed, 200),
        ];
        let export = scene.client.get(&scene.about("export"));
        for (path, fields, status) in &changes {
            check(form, path, *status, &scene.client.post_as(path, fields, form));
        }
        let path = "/snapshots/import";
        let upload = |call: Call<'_>| call.upload("file", "kept.json", export.body.clone()).send();
        let answer = upload(scene.client.call(Method::POST, path).in_form(form));
        check(form, path, 201, &answer);
    }
}

#[test]
fn a_change_answers_a_browser_with_the_list_htmx_with_a_fragment_and_a_program_with_facts() {
    each_change(|form, path, status, answer| {
        let expected = match form {
            Form::Page => 303,
            Form::Fragment => 200,
            Form::Json => status,
        };
        assert_eq!(answer.status, expected, "{path} {form:?}: {answer:?}");
        if form == Form::Page {
            assert_eq!(answer.header("Location"), "/snapshots", "{path}");
            assert!(answer.body.is_empty(), "{path}");
        } else {
            answer.assert_form(form, path);
        }
    });
}
