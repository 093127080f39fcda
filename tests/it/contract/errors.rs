//! Every error, in all three forms: the same status, the same words, and a way out.

use poem::http::Method;
use serde_json::json;

use super::forms::Form;
use super::redact;
use super::scene::Scene;
use crate::client::{Answer, Client};

const NOWHERE: &str = "20200101T000000Z";

/// One request that is wrong.
struct Wrong {
    name: &'static str,
    method: Method,
    path: String,
    body: Body,
}

/// What a wrong request sends.
enum Body {
    Nothing,
    Form(Vec<(String, String)>),
    Upload(&'static str, &'static str),
    OfType(&'static str),
}

impl Wrong {
    fn send(&self, client: &Client, form: Form) -> Answer {
        let call = client.call(self.method.clone(), &self.path).in_form(form);
        let call = match &self.body {
            Body::Nothing => call,
            Body::Form(fields) => {
                let fields: Vec<_> =
                    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                call.form(&fields)
            }
            Body::Upload(field, content) => call.upload(field, "kept.json", (*content).into()),
            Body::OfType(media_type) => call.header("Content-Type", media_type),
        };
        call.send()
    }
}

fn get(name: &'static str, path: impl Into<String>) -> Wrong {
    Wrong { name, method: Method::GET, path: path.into(), body: Body::Nothing }
}

fn post(name: &'static str, path: impl Into<String>, fields: &[(&str, &str)]) -> Wrong {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let body = Body::Form(fields.iter().map(owned).collect());
    Wrong { name, method: Method::POST, path: path.into(), body }
}

fn upload(name: &'static str, field: &'static str, content: &'static str) -> Wrong {
    let path = "/snapshots/import".to_owned();
    Wrong { name, method: Method::POST, path, body: Body::Upload(field, content) }
}

fn every_wrong_request(scene: &Scene) -> Vec<Wrong> {
    let id = scene.id();
    let nowhere = format!("/snapshots/{NOWHERE}");
    let damaged = scene.damage();
    let compare = "/snapshots/compare";
    let confirmed = [("kind", "periodic"), ("confirm_id", &*id)];
    let with = |name, value| [confirmed[0], confirmed[1], (name, value)];
    vec![
        get("no such address", "/nowhere"),
        get("no such asset", "/assets/app.00000000.css"),
        post("no such method", "/history", &[]),
        get("no kind", format!("/snapshots/{id}/preview")),
        get("no such kind", format!("/snapshots/{id}/preview?kind=weekly")),
        get("two kinds", format!("/snapshots/{id}/preview?kind=rewind&kind=periodic")),
        get("no such id", "/snapshots/a..b/preview?kind=periodic"),
        get("no such snapshot", format!("{nowhere}/preview?kind=periodic")),
        get("no such snapshot to restore", format!("{nowhere}/restore?kind=rewind")),
        get("no such snapshot to delete", format!("{nowhere}/delete?kind=rewind")),
        get("no such snapshot to export", format!("{nowhere}/export?kind=periodic")),
        post(
            "no such snapshot to label",
            format!("{nowhere}/label"),
            &[confirmed[0], ("pinned", "1")],
        ),
        post("no such snapshot to verify", format!("{nowhere}/verify"), &[confirmed[0]]),
        get("damaged preview", format!("/snapshots/{}/preview?kind=periodic", damaged.id)),
        get("damaged restore", format!("/snapshots/{}/restore?kind=periodic", damaged.id)),
        get("damaged export", format!("/snapshots/{}/export?kind=periodic", damaged.id)),
        get("damaged comparison", format!("{compare}?from=now&to={damaged}")),
        get("no such table", scene.about("tables/nothing")),
        get("no such change", format!("{}&change=moved", scene.about("tables/messages"))),
        get("no such page", format!("{}&after=x", scene.about("tables/messages"))),
        get("too long a page", format!("{}&limit=1001", scene.about("tables/messages"))),
        get("nothing to compare", compare),
        get("one side", format!("{compare}?from=now")),
        get("three marks", format!("{compare}?mark=now&mark=now&mark=now")),
        get("a side without a kind", format!("{compare}?from=now&to={id}")),
        get("a side of another kind", format!("{compare}?from=now&to=weekly/{id}")),
        get("too long a history", "/history?limit=0"),
        get("a rule that is none", "/retention?keep-daily=some"),
        get("no such format", format!("{}&format=csv", scene.about("export"))),
        post("label without a change", scene.act("label"), &[confirmed[0]]),
        post("half a pin", scene.act("label"), &[confirmed[0], ("pinned", "maybe")]),
        post("too long a note", scene.act("label"), &[confirmed[0], ("note", &"n".repeat(501))]),
        post("too long a note to take", "/snapshots/take", &[("note", &"n".repeat(501))]),
        post("delete unconfirmed", scene.act("delete"), &[confirmed[0]]),
        post("restore unconfirmed", scene.apply(), &[confirmed[0]]),
        post(
            "restore confirmed by another",
            scene.apply(),
            &[confirmed[0], ("confirm_id", NOWHERE)],
        ),
        post("restore of no such scope", scene.apply(), &with("scope", "all")),
        post("restore of no such table", scene.apply(), &with("table", "nothing")),
        post("restore of the log alone", scene.apply(), &with("table", "event_log")),
        post("restore of half a choice", scene.apply(), &with("moving", "2")),
        post("restore that breaks a reference", scene.apply(), &with("table", "chats")),
        post("too large a form", scene.act("label"), &[("note", &"n".repeat(70_000))]),
        Wrong {
            name: "a form in JSON",
            method: Method::POST,
            path: scene.act("label"),
            body: Body::OfType("application/json"),
        },
        post("an import as a form", "/snapshots/import", &[("file", "{}")]),
        upload("an import in another field", "other", "{}"),
        upload("an import that ends early", "file", "{\"last_event_id\": 1"),
        upload("an import of something else", "file", "{\"a\": []}"),
    ]
}

#[test]
fn every_error_says_the_same_in_three_forms() {
    let scene = Scene::new();
    let mut told = String::new();
    for wrong in every_wrong_request(&scene) {
        let ask = |form| {
            let answer = wrong.send(&scene.client, form);
            answer.assert_form(form, wrong.name);
            answer
        };
        let facts = ask(Form::Json);
        let error = &facts.json()["error"];
        let part =
            |name: &str| error[name].as_str().unwrap_or_else(|| panic!("{error}")).to_owned();
        let (what, thing, hint) = (part("what"), part("thing"), part("hint"));
        for said in [&what, &thing, &hint] {
            assert!(!said.is_empty(), "{}: {error}", wrong.name);
        }
        let fragment = ask(Form::Fragment);
        let page = ask(Form::Page);
        for answer in [&fragment, &page] {
            assert_eq!(answer.status, facts.status, "{}", wrong.name);
            let text = answer.text();
            for sentence in [sentence(&what), escaped(&thing), sentence(&hint)] {
                assert!(text.contains(&sentence), "{}: {sentence:?} in {text}", wrong.name);
            }
        }
        assert!(page.text().contains(&fragment.text()), "{}", wrong.name);
        assert!(page.text().contains("<a href=\"/snapshots\">Back to the snapshots</a>"));
        let line = format!("{} {}\n  {what}\n  {thing}\n  {hint}\n", facts.status, wrong.name);
        told.push_str(&redact::text(&line));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn an_error_in_json_has_three_members() {
    let scene = Scene::new();
    let error = scene.client.json("/snapshots/x/preview?kind=weekly");
    let expected = json!({
        "what": "there is no kind of snapshot named \"weekly\"",
        "thing": "kind",
        "hint": "state kind=periodic or kind=rewind",
    });
    assert_eq!(error, json!({ "error": expected }));
}

#[test]
fn an_error_is_swapped_in_where_the_answer_would_have_been_and_is_announced() {
    let scene = Scene::new();
    let fragment = scene.client.fragment("/snapshots/x/preview?kind=weekly");
    insta::assert_snapshot!(redact::markup(&fragment));
}

/// A clause as the pages write it.
fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().expect("a letter").to_uppercase();
    escaped(&format!("{first}{}.", letters.as_str()))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
