//! For which hosts the console answers, and from which pages it takes changes.

use poem::http::Method;
use snapback::web::Options;

use super::forms::Form;
use super::redact;
use super::scene::Scene;

#[test]
fn a_name_that_was_pointed_here_is_refused_in_all_forms() {
    let scene = Scene::new();
    for host in
        ["evil.example", "evil.example:7878", "127.0.0.1.evil.example", "localhost.:7878", ""]
    {
        for path in ["/snapshots", "/healthz", "/metrics", "/nowhere"] {
            for form in Form::ALL {
                let call = scene.client.bare(Method::GET, path).header("Host", host);
                let answer = call.in_form(form).send();
                assert_eq!(answer.status, 403, "{host:?} {path}");
                answer.assert_form(form, host);
                assert!(!answer.text().contains(&scene.id()), "{host:?} {path}");
            }
        }
    }
    let call = scene.client.bare(Method::GET, "/snapshots").header("Host", "evil.example");
    insta::assert_snapshot!(redact::json(call.wants_json().send().json()));
}

#[test]
fn a_request_names_one_host() {
    let scene = Scene::new();
    assert_eq!(scene.client.bare(Method::GET, "/snapshots").send().status, 403);
    let two = scene.client.bare(Method::GET, "/snapshots").header("Host", "localhost");
    assert_eq!(two.header("Host", "evil.example").send().status, 403);
}

#[test]
fn the_loopback_and_named_hosts_are_answered() {
    let scene = Scene::new();
    let options = Options { hosts: vec!["snap.example".to_owned()], ..Options::default() };
    let client = scene.app.client_with(options);
    let hosts = ["localhost", "localhost:1", "127.0.0.1:7878", "[::1]:7878", "SNAP.example:80"];
    for host in hosts {
        let answer = client.bare(Method::GET, "/snapshots").header("Host", host).send();
        assert_eq!(answer.status, 200, "{host}");
    }
}

/// Every address that changes something, with fields that would.
fn changes(scene: &Scene) -> Vec<(String, Vec<(&'static str, String)>)> {
    let confirmed = || vec![("kind", "periodic".to_owned()), ("confirm_id", scene.id())];
    let labelled = [confirmed(), vec![("pinned", "1".to_owned())]].concat();
    vec![
        ("/snapshots/take".to_owned(), Vec::new()),
        ("/snapshots/import".to_owned(), Vec::new()),
        (scene.apply(), confirmed()),
        (scene.act("label"), labelled),
        (scene.act("delete"), confirmed()),
        (scene.act("verify"), confirmed()),
    ]
}

#[test]
fn a_change_from_another_site_is_refused_in_all_forms() {
    let scene = Scene::new();
    let before = scene.everything();
    let elsewhere: [&[(&str, &str)]; 9] = [
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", "http://127.0.0.1:7878")],
        &[("Origin", "http://evil.example")],
        &[("Origin", "http://127.0.0.1:7879")],
        &[("Origin", "http://localhost:7878")],
        &[("Origin", "null")],
        &[("Referer", "http://127.0.0.1:7878/snapshots")],
        &[],
    ];
    for (path, fields) in changes(&scene) {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        for headers in elsewhere {
            for form in Form::ALL {
                let mut call = scene.client.bare(Method::POST, &path).in_form(form).form(&fields);
                for (name, value) in [&("Host", "127.0.0.1:7878")].into_iter().chain(headers) {
                    call = call.header(name, value);
                }
                let answer = call.send();
                assert_eq!(answer.status, 403, "{path} {headers:?}");
                answer.assert_form(form, &path);
            }
        }
    }
    assert_eq!(scene.everything(), before);
}

#[test]
fn a_change_from_this_site_or_from_a_program_that_says_so_is_taken() {
    let scene = Scene::new();
    for header in [
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Site", "none"),
        ("Origin", "http://127.0.0.1:7878"),
        ("Origin", "https://127.0.0.1:7878"),
    ] {
        let call = scene.client.bare(Method::POST, "/snapshots/take");
        let answer = call.header("Host", "127.0.0.1:7878").header(header.0, header.1).send();
        assert_eq!(answer.status, 303, "{header:?}");
    }
}
