//! A console that is nested in another application leads nowhere else.

use snapback::snapshot::Scope;
use snapback::web::Options;

use super::crawl::{addresses, crawl};
use super::forms::Form;
use super::scene::Scene;
use crate::client::{Client, patient};

/// A scene with every kind of row, and a client of its console under `mount`.
fn nested(mount: &str) -> (Scene, Client) {
    let scene = Scene::new();
    scene.app.restore(&scene.taken, Scope::Rewind);
    scene.app.events(60);
    scene.damage();
    let client = scene.app.client_with(Options { mount: mount.to_owned(), ..patient() });
    (scene, client)
}

#[test]
fn every_address_of_every_page_begins_with_the_mount_and_answers() {
    for mount in ["", "/admin", "/deep/er/snap back"] {
        let mount = mount.replace(' ', "-");
        let (scene, client) = nested(&mount);
        let answers = crawl(&client, &format!("{mount}/snapshots"));
        assert!(answers.len() > 25, "{:?}", answers.keys());
        for (address, answer) in &answers {
            let expected = if address.contains("/damaged/preview") { 422 } else { 200 };
            // What only htmx asks for leads a browser to the list.
            let root = address.trim_end_matches('/') == mount || address.ends_with("/live/list");
            let status = if root { 303 } else { expected };
            assert_eq!(answer.status, status, "{address}: {}", answer.text());
            if !answer.header("Content-Type").starts_with("text/html") {
                continue;
            }
            for fragment in [answer.text(), client.fragment(address)] {
                for found in addresses(&fragment) {
                    let inside = found == mount
                        || found.starts_with(&format!("{mount}/"))
                        || found.starts_with('#');
                    assert!(inside, "{found} in {address}");
                }
            }
        }
        let id = scene.id();
        for part in ["/history", &format!("/snapshots/{id}/tables/messages"), "/assets/keys."] {
            let path = format!("{mount}{part}");
            assert!(answers.keys().any(|address| address.starts_with(&path)), "{path}");
        }
    }
}

#[test]
fn redirects_and_results_stay_below_the_mount() {
    let (scene, client) = nested("/admin");
    assert_eq!(client.get("/admin/").header("Location"), "/admin/snapshots");
    let taken = client.post("/admin/snapshots/take", &[]);
    assert_eq!(taken.header("Location"), "/admin/snapshots");
    assert!(taken.header("Set-Cookie").contains("Path=/admin/;"), "{taken:?}");
    let id = scene.id();
    let fields = [("kind", "periodic"), ("confirm_id", id.as_str())];
    let path = format!("/admin/snapshots/restore/{id}");
    let told = client.post_as(&path, &fields, Form::Fragment).text();
    let refused = client.post_as(&path, &[("kind", "periodic")], Form::Page).text();
    for text in [told, refused] {
        let found = addresses(&text);
        assert!(!found.is_empty(), "{text}");
        assert!(
            found.iter().all(|one| one.starts_with("/admin") || one.starts_with('#')),
            "{found:?}"
        );
    }
}

#[test]
fn outside_the_mount_nothing_is_answered() {
    let (_scene, client) = nested("/admin");
    assert_eq!(client.get("/snapshots").status, 404);
}
