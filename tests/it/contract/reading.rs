//! No GET changes anything.

use poem::http::Method;
use snapback::snapshot::Scope;

use super::crawl::crawl;
use super::forms::Form;
use super::scene::Scene;

#[test]
fn reading_every_page_leaves_database_and_store_as_they_were() {
    let scene = Scene::new();
    scene.app.restore(&scene.taken, Scope::Rewind);
    scene.app.events(20);
    scene.damage();
    let pages: Vec<String> = crawl(&scene.client, "/snapshots").into_keys().collect();
    assert!(pages.len() > 25, "{pages:?}");
    let before = scene.everything();
    for path in pages.iter().filter(|path| !path.contains("/export?")) {
        for form in Form::ALL {
            scene.client.read(path, form);
        }
        scene.client.call(Method::HEAD, path).send();
        scene.client.call(Method::OPTIONS, path).send();
    }
    for path in ["/", "/healthz", "/metrics", "/nowhere"] {
        scene.client.get(path);
    }
    assert_eq!(scene.everything(), before);
}

#[test]
fn an_export_leaves_no_trace_but_its_line_in_the_history() {
    let scene = Scene::new();
    let (database, mut files) = scene.everything();
    for format in ["json", "sqlite"] {
        let answer = scene.client.get(&format!("{}&format={format}", scene.about("export")));
        assert_eq!(answer.status, 200);
    }
    let (database_after, mut files_after) = scene.everything();
    assert_eq!(database_after, database);
    let history = |path: &str| path.contains("/history/");
    assert_eq!(files_after.iter().filter(|(path, _)| history(path)).count(), 3);
    for files in [&mut files, &mut files_after] {
        files.retain(|(path, _)| !history(path));
    }
    assert_eq!(files_after, files);
}

#[test]
fn what_changes_something_is_not_read() {
    let scene = Scene::new();
    let before = scene.everything();
    let id = scene.id();
    let query = format!("?kind=periodic&confirm_id={id}&pinned=1&note=x");
    for path in [scene.apply(), scene.act("label"), scene.act("verify"), scene.act("delete")] {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            scene.client.call(method, &format!("{path}{query}")).send();
        }
    }
    assert_eq!(scene.client.get(&format!("{}{query}", scene.apply())).status, 405);
    assert_eq!(scene.client.get(&format!("{}{query}", scene.act("label"))).status, 405);
    for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::TRACE] {
        let answer = scene.client.call(method.clone(), &scene.about("delete")).send();
        assert_eq!(answer.status, 405, "{method}");
    }
    assert_eq!(scene.everything(), before);
}
