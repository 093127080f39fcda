//! The console over real routes, against a small database and a store in memory.

use poem::http::StatusCode;
use poem::test::{TestClient, TestResponse};
use poem::{Endpoint, Route};
use tempfile::TempDir;

use super::{Options, routes};
use crate::database::{Database, EventOptions};
use crate::snapshot::{self, Snapshots};
use crate::store::Store;

/// A console, nested under `/admin` in another application, and the folder of its database.
async fn console(options: Options) -> (TestClient<impl Endpoint>, TempDir, String) {
    let work = tokio::task::spawn_blocking(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("chat.db");
        let live = rusqlite::Connection::open(&path).expect("a database");
        live.execute_batch(
            "PRAGMA journal_mode = wal;
             CREATE TABLE events(id INTEGER PRIMARY KEY, type TEXT);
             CREATE TABLE chats(id INTEGER PRIMARY KEY, title TEXT);
             INSERT INTO events(type) VALUES('opened'), ('renamed');
             INSERT INTO chats(title) VALUES('<b>one</b>'), ('two');",
        )
        .expect("tables");
        let database = Database::open(&path, &EventOptions::default()).expect("a database");
        let snapshots = Snapshots::open(database, Store::memory(), snapshot::Options::default())
            .expect("snapshots");
        let taken = snapshots.take(None, "test").expect("a snapshot").snapshot_id.to_string();
        live.execute_batch("DELETE FROM chats WHERE id = 1; INSERT INTO events(type) VALUES('x');")
            .expect("a change");
        (snapshots, folder, taken)
    });
    let (snapshots, folder, taken) = work.await.expect("a console");
    let options = Options { mount: "/admin".to_owned(), ..options };
    let app = Route::new().nest("/admin", routes(snapshots, options));
    let client = TestClient::new(app)
        .default_header("Host", "localhost:7878")
        .default_header("Origin", "http://localhost:7878");
    (client, folder, taken)
}

async fn text(response: TestResponse) -> String {
    response.0.into_body().into_string().await.expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_link_of_a_nested_console_stays_below_its_path() {
    let (client, _folder, id) = console(Options::default()).await;
    for path in [
        "/admin/snapshots".to_owned(),
        format!("/admin/snapshots/{id}/preview?kind=periodic"),
        format!("/admin/snapshots/{id}/restore?kind=periodic"),
        format!("/admin/snapshots/{id}/tables/chats?kind=periodic"),
        format!("/admin/snapshots/compare?mark=periodic/{id}"),
        "/admin/history".to_owned(),
        "/admin/nowhere".to_owned(),
    ] {
        let page = text(client.get(&path).send().await).await;
        assert!(page.starts_with("<!DOCTYPE html>"), "{path}");
        for attribute in ["href=\"", "src=\"", "action=\"", "hx-get=\"", "hx-post=\""] {
            for (at, _) in page.match_indices(attribute) {
                let link = &page[at + attribute.len()..];
                assert!(link.starts_with("/admin/") || link.starts_with('#'), "{path}: {link:.80}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_serves_three_readers_the_same_facts() {
    let (client, _folder, id) = console(Options::default()).await;
    let path = format!("/admin/snapshots/{id}/preview?kind=periodic");
    let page = text(client.get(&path).send().await).await;
    let fragment = text(client.get(&path).header("HX-Request", "true").send().await).await;
    let told = client.get(&path).header("Accept", "application/json").send().await;
    told.assert_header_exist("Vary");
    let told: serde_json::Value = serde_json::from_str(&text(told).await).expect("JSON");
    assert_eq!(told["tables"][0]["added"], 1);
    assert!(fragment.starts_with("<div class=\"pane\" data-status=\"1 table, 1 row differs\""));
    assert!(page.contains(&fragment), "the page does not hold the fragment");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_policy() {
    let (client, _folder, _) = console(Options::default()).await;
    for path in ["/admin/snapshots", "/admin/nowhere", "/admin/healthz", "/admin/"] {
        let response = client.get(path).send().await;
        let policy = response.0.header("Content-Security-Policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'"), "{path}");
        response.assert_header("Cache-Control", "no-store");
        response.assert_header("X-Content-Type-Options", "nosniff");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_of_a_plan_that_moved_shows_the_new_one_and_keeps_what_was_typed() {
    let (client, _folder, id) = console(Options::default()).await;
    let path = format!("/admin/snapshots/restore/{id}");
    let form = [
        ("kind", "periodic"),
        ("confirm_id", id.as_str()),
        ("plan", "0-stale-plan"),
        ("scope", "rewind"),
    ];
    let refused = client.post(&path).header("HX-Request", "true").form(&form).send().await;
    refused.assert_status(StatusCode::CONFLICT);
    let markup = text(refused).await;
    assert!(markup.contains(&format!("name=\"confirm_id\" value=\"{id}\"")), "{markup}");
    assert!(markup.contains("name=\"scope\" value=\"rewind\" checked"), "{markup}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_sent_to_the_list_after_a_restore_and_told_what_was_done() {
    let (client, _folder, id) = console(Options::default()).await;
    let path = format!("/admin/snapshots/restore/{id}");
    let form = [("kind", "periodic"), ("confirm_id", id.as_str())];
    let done = client.post(&path).form(&form).send().await;
    done.assert_status(StatusCode::SEE_OTHER);
    done.assert_header("Location", "/admin/snapshots");
    let cookie = done.0.header("Set-Cookie").expect("a cookie").to_owned();
    let cookie = cookie.split(';').next().unwrap_or_default();
    let list = text(client.get("/admin/snapshots").header("Cookie", cookie).send().await).await;
    assert!(list.contains(&format!("Restored periodic/{id}.")), "{list}");
    assert!(list.contains("id=\"undo\""), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_beyond_the_limit_is_refused_before_it_is_read_whole() {
    let (client, _folder, _) = console(Options { import_limit: 100, ..Options::default() }).await;
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.json\"\r\n\r\n{}\r\n--b--\r\n",
        " ".repeat(1000)
    );
    let refused = client
        .post("/admin/snapshots/import")
        .header("Content-Type", "multipart/form-data; boundary=b")
        .header("Accept", "application/json")
        .body(body)
        .send()
        .await;
    refused.assert_status(StatusCode::PAYLOAD_TOO_LARGE);
    assert!(text(refused).await.contains("the file is larger than 100 B"));
}
