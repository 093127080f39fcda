//! The headers of every answer.

use poem::http::Method;
use sha2::{Digest, Sha256};

use super::crawl::crawl;
use super::forms::{Form, VARY};
use super::scene::Scene;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[test]
fn every_answer_is_guarded_and_only_assets_are_kept() {
    let scene = Scene::new();
    let mut answers = crawl(&scene.client, "/snapshots");
    for path in ["/", "/nowhere", "/healthz", "/metrics", "/assets/nothing.js"] {
        answers.insert(path.to_owned(), scene.client.get(path));
    }
    let refused = scene.client.bare(Method::GET, "/snapshots").send();
    answers.insert("without a host".to_owned(), refused);
    answers.insert("a change".to_owned(), scene.client.post("/snapshots/take", &[]));
    answers.insert("a refusal".to_owned(), scene.client.post(&scene.apply(), &[]));
    for (path, answer) in answers {
        assert_eq!(answer.header("Content-Security-Policy"), POLICY, "{path}");
        assert_eq!(answer.header("X-Content-Type-Options"), "nosniff", "{path}");
        assert_eq!(answer.header("Referrer-Policy"), "no-referrer", "{path}");
        let asset = path.starts_with("/assets/") && answer.status == 200;
        let (kept, vary) = if asset {
            ("public, max-age=31536000, immutable", "Accept-Encoding")
        } else {
            ("no-store", VARY)
        };
        assert_eq!(answer.header("Cache-Control"), kept, "{path}");
        assert_eq!(answer.header("Vary"), vary, "{path}");
    }
}

#[test]
fn no_page_has_anything_inline() {
    let scene = Scene::new();
    for (path, answer) in crawl(&scene.client, "/snapshots") {
        if !answer.header("Content-Type").starts_with("text/html") {
            continue;
        }
        let text = answer.text();
        for inline in ["<style", " style=\"", " onclick", " onload", " hx-on", "javascript:"] {
            assert!(!text.contains(inline), "{inline} in {path}");
        }
        for (at, _) in text.match_indices("<script") {
            assert!(text[at..].starts_with("<script src=\"/assets/"), "{path}");
        }
    }
}

#[test]
fn htmx_is_served_byte_for_byte_as_it_was_released() {
    let scene = Scene::new();
    let assets = crawl(&scene.client, "/snapshots");
    let (path, htmx) =
        assets.iter().find(|(path, _)| path.starts_with("/assets/htmx-4.0.1.")).expect("htmx");
    assert_eq!(
        format!("{:x}", Sha256::digest(&htmx.body)),
        "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"
    );
    let tag = htmx.header("ETag");
    let again = scene.client.call(Method::GET, path).header("If-None-Match", tag).send();
    assert_eq!((again.status, again.body.len()), (304, 0));
}

#[test]
fn a_page_is_compressed_for_those_who_read_that() {
    let scene = Scene::new();
    let call = scene.client.call(Method::GET, "/snapshots").in_form(Form::Page);
    let answer = call.header("Accept-Encoding", "gzip").send();
    assert_eq!(answer.header("Content-Encoding"), "gzip");
    assert_eq!(answer.body[..2], [0x1f, 0x8b]);
    assert_eq!(scene.client.get("/snapshots").header("Content-Encoding"), "");
}
