//! How it stands with every database, told in all forms, and what it costs to tell it.

use poem::http::Method;
use serde_json::{Value, json};
use snapback::many::{Builder, Condition, Databases};

use super::tenants::{Tenants, client, name};
use crate::client::{Client, patient};

/// The facts of the overview, once every database was looked at.
fn facts(client: &Client) -> Value {
    let start = std::time::Instant::now();
    loop {
        let facts = client.json("/d");
        let databases = facts["databases"].as_array().expect("databases");
        if databases.iter().all(|one| one["state"] != "unread") {
            return facts;
        }
        assert!(start.elapsed().as_secs() < 60, "never read: {facts}");
    }
}

fn one<'f>(facts: &'f Value, name: &str) -> &'f Value {
    let databases = facts["databases"].as_array().expect("databases");
    databases
        .iter()
        .find(|one| one["database"] == name)
        .unwrap_or_else(|| panic!("{name}: {facts}"))
}

#[test]
fn it_tells_position_newest_snapshot_and_state_of_each() {
    let tenants = Tenants::new().with(&["acme", "beta"]);
    let client = tenants.client();
    client.post("/d/acme/snapshots/take", &[]);
    tenants.events("acme", 4);
    let facts = facts(&client);
    let acme = one(&facts, "acme");
    assert_eq!((&acme["position"], &acme["snapshots"]), (&json!(5), &json!(1)), "{acme}");
    let newest = acme["newest"]["snapshot"].as_str().expect("a snapshot");
    assert!(newest.starts_with("periodic/"), "{acme}");
    let beta = one(&facts, "beta");
    assert_eq!(
        (&beta["state"], &beta["newest"], &beta["snapshots"]),
        (&json!("ready"), &Value::Null, &json!(0))
    );
    assert_eq!((&facts["total"], &facts["failed"]), (&json!(2), &json!(0)));
    for path in ["/", "/d"] {
        let page = client.get(path).text();
        assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
        assert!(page.contains("<a class=\"open\" href=\"/d/acme/snapshots\">acme</a>"), "{page}");
        assert!(page.contains("href=\"/d/acme/snapshots#row-periodic-"), "{page}");
    }
    let rows = client.call(Method::GET, "/d").by_htmx().send().text();
    assert!(rows.starts_with("<tr class=\"database\" id=\"database-acme\">"), "{rows}");
    assert!(client.get("/d").text().contains(&rows[..rows.find("<hx-partial").expect("a part")]));
}

#[test]
fn it_is_narrowed_to_what_is_typed_without_javascript_too() {
    let tenants = Tenants::new().with(&["acme", "beta"]);
    let client = tenants.client();
    facts(&client);
    let page = client.get("/d?q=ACM%20ready").text();
    assert!(page.contains("database-acme") && !page.contains("database-beta"), "{page}");
    assert!(page.contains("1 of 2 databases"), "{page}");
    let page = client.get("/d?q=%3Cb%3E").text();
    assert!(page.contains("No database matches “<bdi>&lt;b&gt;</bdi>”"), "{page}");
}

#[test]
fn what_cannot_be_opened_is_told_with_the_reason_and_breaks_nothing() {
    let tenants = Tenants::new().with(&["acme", "other"]);
    std::fs::write(tenants.db("notes"), "no database ".repeat(200)).expect("a file");
    std::fs::write(tenants.file("two words.db"), "").expect("a file");
    std::fs::create_dir(tenants.file("folder.db")).expect("a folder");
    std::os::unix::fs::symlink("nowhere", tenants.file("dangling.db")).expect("a link");
    let client = tenants.client();
    let facts = facts(&client);
    assert_eq!((&facts["total"], &facts["failed"]), (&json!(4), &json!(2)), "{facts}");
    let notes = one(&facts, "notes");
    assert_eq!(notes["state"], "failed");
    assert_eq!(
        notes["reason"], "the database cannot be opened (file is not a database)",
        "{notes}"
    );
    assert_eq!(notes["hint"], "the file is no SQLite database; check the path");
    let words = one(&facts, "two words");
    assert_eq!(words["reason"], "this cannot be the name of a database");
    assert_eq!(words["hint"], "rename the file, or give it a name with --db NAME=FILE");
    let page = client.get("/d").text();
    assert!(page.contains("2</span>") || page.contains("2 cannot be opened"), "{page}");
    assert!(page.contains("file is not a database"), "{page}");
    let answer = client.get("/d/notes/snapshots");
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("check the path"), "{}", answer.text());
    assert_eq!(client.get("/d/acme/snapshots").status, 200);
    assert!(client.get("/metrics").text().contains("snapback_databases{state=\"failed\"} 2"));
}

#[test]
fn a_file_that_comes_later_and_one_that_goes_are_noticed() {
    let tenants = Tenants::new().with(&["acme"]);
    let client = tenants.client();
    assert_eq!(facts(&client)["total"], 1);
    tenants.add("later");
    assert_eq!(one(&facts(&client), "later")["state"], "ready");
    std::fs::remove_file(tenants.db("acme")).expect("it goes");
    let told = facts(&client);
    assert_eq!(told["total"], 1, "{told}");
    assert_eq!(client.get("/d/acme/snapshots").status, 404);
}

#[test]
fn two_files_of_one_name_are_served_once_and_said() {
    let tenants = Tenants::new().with(&["acme"]);
    std::fs::create_dir(tenants.file("more")).expect("a folder");
    std::fs::copy(tenants.db("acme"), tenants.file("more/acme.db")).expect("a copy");
    let place = |path: &std::path::Path| {
        snapback::many::Place::with_options(path, "x", snapback::snapshot::Options::default())
    };
    let (first, second) = (tenants.file("*.db"), tenants.file("more/*.db"));
    let databases = Builder::default()
        .folder(&first.display().to_string(), move |_, path| place(path))
        .and_then(|all| all.folder(&second.display().to_string(), move |_, path| place(path)))
        .expect("patterns")
        .build();
    assert_eq!(databases.names().len(), 1);
    let statuses = databases.statuses();
    let failed: Vec<_> = statuses.iter().filter(|one| one.condition == Condition::Failed).collect();
    assert_eq!((statuses.len(), failed.len()), (2, 1), "{statuses:?}");
    assert_eq!(failed[0].reason.as_deref(), Some("another database has this name"));
}

/// Three hundred tenants, looked at.
fn three_hundred() -> (Tenants, Databases) {
    let tenants = Tenants::new();
    drop(tenants.add("tenant-000"));
    let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_hours(1);
    for at in 0..300 {
        let path = tenants.db(&format!("tenant-{at:03}"));
        if at > 0 {
            std::fs::copy(tenants.db("tenant-000"), &path).expect("a copy");
        }
        // What was written just now may have changed once more within the clock's grain.
        let file = std::fs::File::options().write(true).open(&path).expect("the file");
        file.set_modified(hour_ago).expect("its time");
    }
    let databases = tenants.databases(16);
    databases.look();
    (tenants, databases)
}

#[test]
fn three_hundred_databases_are_told_without_opening_any() {
    let (tenants, databases) = three_hundred();
    assert_eq!(tenants.openings(), 300, "each was opened once, to be read");
    assert_eq!((databases.open_now(), tenants.files_open()), (0, Vec::new()), "and closed again");
    let statuses = databases.statuses();
    assert!(statuses.iter().all(|one| one.condition == Condition::Ready), "{statuses:?}");
    // What has not changed is not read again, however often it is asked for.
    let client = client(databases.clone(), patient());
    let before = tenants.openings();
    for _ in 0..10 {
        assert_eq!(client.json("/d")["total"], 300);
        assert!(client.get("/metrics").text().contains("database=\"tenant-299\""));
    }
    assert_eq!(tenants.openings(), before);
    assert_eq!(databases.open_now(), 0);
    // One that changed is read again, and it alone.
    tenants.events("tenant-123", 1);
    let start = std::time::Instant::now();
    while one(&client.json("/d"), "tenant-123")["position"] != 2 {
        assert!(start.elapsed().as_secs() < 60, "never noticed");
    }
    assert!(tenants.openings() > before);
    drop(databases.open(&name("tenant-123")).expect("it opens"));
    assert_eq!(databases.open_now(), 1);
}
