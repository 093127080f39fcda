//! Every database below its name, and the overview above all of them.

use poem::http::Method;
use serde_json::json;
use snapback::web::Options;

use super::tenants::{Tenants, client};
use crate::contract::crawl::{addresses, crawl};

#[test]
fn each_database_has_its_own_snapshots_below_its_name() {
    let tenants = Tenants::new().with(&["acme", "beta"]);
    let client = tenants.client();
    let taken = client.post("/d/acme/snapshots/take", &[("note", "only here")]);
    assert_eq!((taken.status, taken.header("Location")), (303, "/d/acme/snapshots"));
    assert!(taken.header("Set-Cookie").contains("Path=/d/acme/;"), "{taken:?}");
    let listed = |name: &str| {
        let list = client.json(&format!("/d/{name}/snapshots"));
        list["snapshots"].as_array().expect("a list").len()
    };
    assert_eq!((listed("acme"), listed("beta")), (1, 0));
    let history = client.json("/d/acme/history");
    assert_eq!(history["history"].as_array().expect("a history").len(), 1, "{history}");
    assert!(tenants.file("acme.snapback").is_dir());
}

#[test]
fn every_address_below_a_name_stays_there_or_leads_to_the_overview() {
    let tenants = Tenants::new().with(&["acme", "beta"]);
    let options = Options { mount: "/admin".to_owned(), ..Options::default() };
    let client = client(tenants.databases(8), options);
    client.post("/admin/d/acme/snapshots/take", &[]);
    let answers = crawl(&client, "/admin/d/acme/snapshots");
    assert!(answers.len() > 12, "{:?}", answers.keys());
    for (address, answer) in &answers {
        assert!(answer.status < 400, "{address}: {}", answer.text());
        if !answer.header("Content-Type").starts_with("text/html") {
            continue;
        }
        let of = |name: &str| format!("/admin/d/{name}/");
        let own = ["acme", "beta"].map(of).into_iter().find(|own| address.starts_with(own));
        let shared = ["/admin", "/admin/", "/admin/d", "/admin/live", "/admin/jobs", "/admin/take"];
        for found in addresses(&answer.text()) {
            let inside = found.starts_with('#')
                || shared.contains(&found.as_str())
                || found.starts_with("/admin/assets/")
                || found.starts_with(own.as_deref().unwrap_or("/admin/d/"));
            assert!(inside, "{found} in {address}");
        }
    }
    assert_eq!(client.get("/admin/d/acme").header("Location"), "/admin/d/acme/snapshots");
}

#[test]
fn a_name_that_is_none_is_told_in_all_forms() {
    let tenants = Tenants::new().with(&["acme"]);
    let client = tenants.client();
    for (path, thing) in [
        ("/d/nobody/snapshots", "nobody"),
        ("/d/a..b/snapshots", "a..b"),
        ("/d/%2e%2e/snapshots", "%2e%2e"),
    ] {
        let answer = client.call(Method::GET, path).wants_json().send();
        assert_eq!(answer.status, 404, "{path}");
        let expected = json!({"error": {
            "what": "there is no database of this name",
            "thing": thing,
            "hint": "open the overview and choose one",
        }});
        assert_eq!(answer.json(), expected, "{path}");
        let page = client.get(path);
        assert_eq!(page.status, 404);
        assert!(page.text().contains("There is no database of this name."), "{}", page.text());
        assert!(page.text().contains("Back to the databases"), "{}", page.text());
        assert_eq!(client.call(Method::GET, path).by_htmx().send().status, 404);
    }
}

#[test]
fn an_address_that_is_none_leads_to_the_list_that_there_is() {
    let tenants = Tenants::new().with(&["acme"]);
    let client = tenants.client();
    for (path, hint) in
        [("/nowhere", "open the overview"), ("/d/acme/nowhere", "open the list of snapshots")]
    {
        let answer = client.call(Method::GET, path).wants_json().send();
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["error"]["hint"], hint, "{path}");
    }
}

#[test]
fn the_page_says_which_database_it_shows() {
    let tenants = Tenants::new().with(&["acme"]);
    let client = tenants.client();
    let page = client.get("/d/acme/snapshots").text();
    assert!(page.contains("<title>Snapshots · acme · Snapback</title>"), "{page}");
    assert!(page.contains("<a id=\"here\" href=\"/d\""), "{page}");
}
