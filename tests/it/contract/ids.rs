//! An id is checked before it can reach a file: anything else names no snapshot.

use poem::http::Method;

use super::forms::Form;
use super::scene::Scene;

/// As they stand in an address, and what they mean.
fn hostile() -> Vec<(String, String)> {
    let mut ids = vec![
        ("..", ".."),
        ("%2e%2e", ".."),
        ("..%2f..%2foutside", "../../outside"),
        ("..%2F..%2Foutside.json", "../../outside.json"),
        ("%2fetc%2fpasswd", "/etc/passwd"),
        ("..%5c..%5coutside", "..\\..\\outside"),
        ("a..b", "a..b"),
        ("a%00b", "a\0b"),
        ("%00", "\0"),
        ("a%0d%0aX-Header:%201", "a\r\nX-Header: 1"),
        (".hidden", ".hidden"),
        ("-x", "-x"),
        ("a%20b", "a b"),
        ("%c3%a4", "ä"),
        ("%e2%80%ae", "\u{202e}"),
        ("%3Cscript%3E", "<script>"),
        ("a%25", "a%"),
    ]
    .into_iter()
    .map(|(sent, meant)| (sent.to_owned(), meant.to_owned()))
    .collect::<Vec<_>>();
    ids.push(("a".repeat(129), "a".repeat(129)));
    ids
}

#[test]
fn an_unchecked_id_is_not_found_and_touches_no_file() {
    let scene = Scene::new();
    // Where "../../outside" would lead from the folder of a kind.
    std::fs::write(scene.app.store_dir().join("outside.json"), "{}").expect("a file");
    let before = scene.everything();
    for (sent, meant) in hostile() {
        let confirmed = [("kind", "periodic"), ("confirm_id", meant.as_str()), ("pinned", "1")];
        let read = ["preview", "tables/messages", "events", "restore", "delete", "export"]
            .map(|verb| (Method::GET, format!("/snapshots/{sent}/{verb}?kind=periodic")));
        let written = ["label", "delete", "verify"]
            .map(|verb| (Method::POST, format!("/snapshots/{sent}/{verb}")));
        let apply = (Method::POST, format!("/snapshots/restore/{sent}"));
        for (method, path) in read.into_iter().chain(written).chain([apply]) {
            for form in Form::ALL {
                let call = scene.client.call(method.clone(), &path).in_form(form);
                let call = if method == Method::POST { call.form(&confirmed) } else { call };
                let answer = call.send();
                assert_eq!(answer.status, 404, "{method} {path} {form:?}: {}", answer.text());
                answer.assert_form(form, &path);
                let harmless = form == Form::Json || !answer.text().contains("<script>");
                assert!(harmless, "{path}");
            }
        }
    }
    assert_eq!(scene.everything(), before);
}

#[test]
fn an_id_that_is_not_utf8_is_not_found() {
    let scene = Scene::new();
    for form in Form::ALL {
        let answer = scene.client.read("/snapshots/%ff/preview?kind=periodic", form);
        assert_eq!(answer.status, 404, "{}", answer.text());
        answer.assert_form(form, "%ff");
    }
}

#[test]
fn an_id_of_128_characters_is_looked_for() {
    let scene = Scene::new();
    let id = "a".repeat(128);
    let error = scene.client.json(&format!("/snapshots/{id}/preview?kind=periodic"));
    assert_eq!(error["error"]["what"], "there is no such snapshot");
}

#[test]
fn an_unchecked_id_is_not_compared() {
    let scene = Scene::new();
    let path = "/snapshots/compare?from=now&to=periodic/..%2f..%2foutside";
    assert_eq!(scene.client.get(path).status, 404);
}
