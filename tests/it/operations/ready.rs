//! Readiness: whether database and store answer.

use std::time::{Duration, Instant};

use poem::http::Method;
use snapback::web::{Access, Options, PasswordHash};

use crate::app::App;
use crate::client::{Answer, Client, patient};

/// Asks until the answer has this status: one holds for a moment.
fn wait_for(client: &Client, status: u16) -> Answer {
    let start = Instant::now();
    loop {
        let answer = client.get("/readyz");
        if answer.status == status {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{answer:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_console_is_ready_while_database_and_store_answer() {
    let app = App::new().with_events(3);
    let client = app.client();
    let answer = client.get("/readyz");
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok\n"));
    assert_eq!(answer.header("Content-Type"), "text/plain; charset=utf-8");
    assert_eq!(client.json("/readyz"), serde_json::json!({"ready": true}));

    let away = app.file("away");
    std::fs::rename(app.store_dir(), &away).expect("the store goes");
    let answer = wait_for(&client, 503);
    let text = answer.text();
    assert!(text.starts_with("not ready: ") && text.contains("app.snapback"), "{text}");
    assert_eq!(answer.header("Retry-After"), "2");
    assert_eq!(client.get("/healthz").status, 200, "the process itself is well");
    std::fs::rename(&away, app.store_dir()).expect("the store comes back");
    wait_for(&client, 200);
}

#[test]
fn a_database_that_is_gone_or_broken_is_told() {
    let app = App::new().with_events(3);
    let client = app.client();
    wait_for(&client, 200);
    let file = std::fs::OpenOptions::new().write(true).open(app.db_path()).expect("the database");
    app.sql("PRAGMA wal_checkpoint(TRUNCATE)");
    std::os::unix::fs::FileExt::write_all_at(&file, &[0xff; 4096], 0).expect("overwritten");
    let answer = wait_for(&client, 503);
    assert!(answer.text().starts_with("not ready: "), "{}", answer.text());
    let facts = client.call(Method::GET, "/readyz").wants_json().send();
    assert_eq!(facts.status, 503);
    assert!(facts.json()["error"]["what"].is_string(), "{facts:?}");
}

#[test]
fn whoever_is_not_known_is_told_whether_and_not_why() {
    let app = App::new().with_events(3);
    let hash = PasswordHash::of("a password").expect("a hash");
    let access = Access { password: Some(hash), ..Access::default() };
    let client = app.client_with(Options { access, ..patient() });
    wait_for(&client, 200);
    std::fs::rename(app.store_dir(), app.file("away")).expect("the store goes");
    let text = wait_for(&client, 503).text();
    assert!(text.starts_with("not ready: ") && !text.contains("app."), "{text}");
}
