//! What retention would keep, tried out before it is set.

use serde_json::json;
use snapback::snapshot::Scope;

use crate::app::App;

/// Three checkpoints, the oldest of them pinned, and two safety copies; the newest 3 are kept.
fn app() -> App {
    let app = App::new().with_events(20).keep_last(3);
    let oldest = app.take("oldest");
    app.pin(&oldest);
    for note in ["second", "third"] {
        app.take(note);
    }
    for _ in 0..2 {
        app.events(1);
        app.restore(&oldest, Scope::Tables);
    }
    app
}

#[test]
fn the_rules_that_apply_are_shown_first_with_what_they_keep() {
    let facts = app().client().json("/retention");
    assert_eq!(facts["rules"], json!({ "keep-last": "3" }));
    assert_eq!(
        (&facts["applies"], &facts["kept"], &facts["gone"]),
        (&json!(true), &json!(5), &json!(0))
    );
    assert_eq!(
        facts["snapshots"][0]["retention"],
        json!({ "keep": true, "why": "newest 3 of its kind", "next_to_go": false })
    );
}

#[test]
fn rules_that_are_tried_say_what_they_would_keep_and_change_nothing() {
    let app = app();
    let listed = app.listed();
    let client = app.client();
    let tried = "/retention?keep-last=1&keep-weekly=rewind%3D0";
    let facts = client.json(tried);
    assert_eq!(
        (&facts["applies"], &facts["kept"], &facts["gone"]),
        (&json!(false), &json!(3), &json!(2))
    );
    let page = client.get(tried).text();
    assert!(page.contains("3 snapshots would stay, 2 would go"), "{page}");
    assert!(page.contains("--keep-last 1</code>"), "{page}");
    assert!(page.contains("older than the newest 1 of its kind"), "{page}");
    assert_eq!(app.listed(), listed);
}

#[test]
fn the_list_and_the_preview_say_why_a_snapshot_stays_and_which_goes_next() {
    let app = App::new().with_events(20).keep_last(2);
    let oldest = app.take("oldest");
    let newest = app.take("newest");
    let client = app.client();
    let facts = client.json("/snapshots");
    let next: Vec<_> = facts["snapshots"].as_array().expect("a list").iter().collect();
    assert_eq!(next[0]["retention"]["next_to_go"], false);
    assert_eq!(next[1]["retention"]["next_to_go"], true);
    assert_eq!(client.get("/snapshots").text().matches("next to go").count(), 1);
    let preview = |id: &str| client.get(&format!("/snapshots/{id}/preview?kind=periodic")).text();
    assert!(preview(newest.id.as_str()).contains("Kept: newest 2 of its kind."));
    let said = "Kept: newest 2 of its kind; the next of its kind takes its place.";
    assert!(preview(oldest.id.as_str()).contains(said));
}
