//! A browser without JavaScript: forms end in a redirect, and the page it leads to tells what
//! happened.

use poem::http::Method;

use super::forms::{attribute, field};
use super::scene::Scene;
use crate::client::Answer;

impl Scene {
    /// Follows a redirect as a browser does, with the cookie that came along.
    fn follow(&self, answer: &Answer) -> Answer {
        assert_eq!(answer.status, 303, "{answer:?}");
        let cookie = answer.header("Set-Cookie").split(';').next().expect("a cookie");
        let call = self.client.call(Method::GET, answer.header("Location"));
        call.header("Cookie", cookie).send()
    }
}

/// The outcome that a page tells.
fn told(page: &str) -> &str {
    let start = page.find("<h2 id=\"result-title\"").expect("an outcome");
    let text = &page[start + page[start..].find('>').expect("an end") + 1..];
    text.split("</h2>").next().expect("a heading")
}

#[test]
fn every_change_is_told_by_the_list() {
    let scene = Scene::new();
    let id = scene.id();
    let confirmed = [("kind", "periodic"), ("confirm_id", id.as_str())];
    let labelled = [confirmed[0], ("note", "x")];
    for (path, fields, said) in [
        (scene.act("label"), &labelled[..], format!("Labelled periodic/{id}.")),
        (scene.act("verify"), &confirmed, format!("Verified periodic/{id}.")),
        (scene.apply(), &confirmed, format!("Restored periodic/{id}.")),
        (scene.act("delete"), &confirmed, format!("Deleted periodic/{id}.")),
    ] {
        let page = scene.follow(&scene.client.post(&path, fields)).text();
        assert_eq!(told(&page), said);
    }
    let page = scene.follow(&scene.client.post("/snapshots/take", &[])).text();
    assert_eq!(told(&page), format!("Taken {}.", scene.app.listed()[0]));
}

#[test]
fn an_outcome_is_told_once() {
    let scene = Scene::new();
    let page = scene.follow(&scene.client.post("/snapshots/take", &[]));
    assert!(page.header("Set-Cookie").contains("Max-Age=0"), "{page:?}");
    let again = scene.client.get("/snapshots").text();
    assert!(!again.contains("result-title"), "{again}");
}

#[test]
fn a_cookie_that_says_something_else_is_not_shown() {
    let scene = Scene::new();
    for cookie in ["snapback-done=<script>", "snapback-done=", "snapback-done=hacked; a=b", "=;;"] {
        let page = scene.client.call(Method::GET, "/snapshots").header("Cookie", cookie).send();
        assert_eq!(page.status, 200);
        assert!(!page.text().contains("result-title") && !page.text().contains("hacked"));
    }
}

#[test]
fn a_restore_is_confirmed_done_and_undone_by_following_forms_and_links() {
    let scene = Scene::new();
    let before = scene.app.state();
    let restore = |link: &str, scope: &str| {
        let page = scene.client.get(link).text();
        let form = &page[page.find("<form class=\"confirm\"").expect("a form")..];
        assert_eq!(attribute(form, "<form", "method"), "post");
        let fields = [
            ("kind", field(form, "kind")),
            ("plan", field(form, "plan")),
            ("scope", scope),
            ("confirm_id", attribute(form, "<input id=\"confirm-id-", "data-expect")),
        ];
        scene.follow(&scene.client.post(attribute(form, "<form", "action"), &fields)).text()
    };
    let list = scene.client.get("/snapshots").text();
    let open = &list[list.find("<td class=\"id\"").expect("a row")..];
    let preview = format!("{}?kind={}", attribute(open, "<form", "action"), field(open, "kind"));
    let preview = scene.client.get(&preview).text();
    let link = attribute(&preview, "<a class=\"restore-open\"", "href").replace("&amp;", "&");
    let page = restore(&link, "rewind");
    assert_eq!(scene.app.position(), 30);
    let undo = attribute(&page, "<a class=\"button\" id=\"undo\"", "href").replace("&amp;", "&");
    restore(&undo, "rewind");
    assert_eq!(scene.app.state(), before);
}
