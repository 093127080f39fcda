//! A snapshot of every database: what came of it for each, in all forms.

use poem::http::Method;
use serde_json::json;

use super::tenants::Tenants;

#[test]
fn the_form_says_how_many_are_taken_and_asks_for_a_note() {
    let tenants = Tenants::new().with(&["acme", "beta"]);
    let client = tenants.client();
    let page = client.get("/take").text();
    assert!(
        page.contains("<form class=\"tool\" id=\"take-form\" method=\"post\" action=\"/take\""),
        "{page}"
    );
    assert!(page.contains("<strong>2 databases</strong>"), "{page}");
    assert_eq!(
        client.json("/take"),
        json!({"post": "/take", "fields": ["note"], "databases": ["acme", "beta"]})
    );
}

#[test]
fn each_database_is_taken_and_one_that_fails_keeps_nobody_else_from_it() {
    let tenants = Tenants::new().with(&["acme", "beta"]);
    std::fs::write(tenants.db("broken"), "no database ".repeat(200)).expect("a file");
    let client = tenants.client();
    let answer = client
        .call(Method::POST, "/take")
        .wants_json()
        .form(&[("note", "before the release")])
        .send();
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json();
    assert_eq!((&told["taken"], &told["failed"]), (&json!(2), &json!(1)));
    let of = |name: &str| {
        let databases = told["databases"].as_array().expect("databases");
        databases.iter().find(|one| one["database"] == name).expect("its outcome")
    };
    assert_eq!(of("acme")["taken"]["note"], "before the release");
    assert_eq!(
        of("broken")["error"]["what"],
        "the database cannot be opened (file is not a database)"
    );
    for name in ["acme", "beta"] {
        let list = client.json(&format!("/d/{name}/snapshots"));
        assert_eq!(list["snapshots"].as_array().map(Vec::len), Some(1), "{name}");
        let history = client.get(&format!("/d/{name}/history")).text();
        assert!(history.contains("console"), "{history}");
    }
}

#[test]
fn without_javascript_the_outcome_has_an_address_of_its_own() {
    let tenants = Tenants::new().with(&["acme", "beta"]);
    let client = tenants.client();
    let sent = client.post("/take", &[]);
    assert_eq!(sent.status, 303);
    let address = sent.header("Location").to_owned();
    assert!(address.starts_with("/jobs/"), "{address}");
    for _ in 0..2 {
        let page = client.get(&address).text();
        assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
        assert!(page.contains("2 snapshots taken"), "{page}");
        assert!(page.contains("href=\"/d/beta/snapshots#row-periodic-"), "{page}");
    }
}

#[test]
fn htmx_gets_the_outcome_and_the_rows_as_they_are_now() {
    let tenants = Tenants::new().with(&["acme"]);
    let client = tenants.client();
    let told = client.call(Method::POST, "/take").by_htmx().form(&[]).send();
    let mut text = told.text();
    // What takes a moment is followed to its end.
    let start = std::time::Instant::now();
    while told.status == 202 && !text.contains("snapshot taken") {
        assert!(start.elapsed().as_secs() < 60, "{text}");
        let at = text.find("hx-get=\"/jobs/").expect("a job") + "hx-get=\"".len();
        let address = text[at..].split('"').next().expect("an address").to_owned();
        text = client.call(Method::GET, &address).by_htmx().send().text();
    }
    assert!(text.contains("1 snapshot taken"), "{text}");
    assert!(text.contains("hx-target=\"#rows\""), "{text}");
    assert!(text.contains("id=\"database-acme\""), "{text}");
}

#[test]
fn another_site_cannot_start_it() {
    let tenants = Tenants::new().with(&["acme"]);
    let client = tenants.client();
    let refused = client.bare(Method::POST, "/take").header("Host", crate::client::HOST).send();
    assert_eq!(refused.status, 403);
    assert_eq!(client.get("/take").status, 200);
    let list = client.json("/d/acme/snapshots");
    assert_eq!(list["snapshots"], json!([]));
}
