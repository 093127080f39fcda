//! The harness itself keeps its promises.

use snapback::snapshot::Scope;

use crate::app::{App, invariant_holds};

#[test]
fn an_application_is_taken_restored_and_undone() {
    let app = App::new().with_events(60);
    let before = app.state();
    let snapshot = app.take("before");
    app.events(40);
    let after = app.state();
    let restored = app.restore(&snapshot, Scope::Rewind);
    assert_eq!(app.state(), before);
    app.undo(&restored);
    assert_eq!(app.state(), after);
}

#[test]
fn values_that_look_alike_are_told_apart() {
    let app = App::new();
    let row =
        &app.query("SELECT 1, 1.0, '1', x'31', 0.0, -0.0, 9e999, NULL, 'NULL', 'a' || char(0)")[0];
    let distinct: std::collections::HashSet<_> = row.iter().collect();
    assert_eq!(distinct.len(), row.len(), "{row:?}");
}

#[test]
fn live_writers_keep_the_invariant() {
    let app = App::new();
    let writer = app.writer();
    writer.wait_for(100);
    assert!(invariant_holds(&app.application()));
    let written = writer.stop();
    assert_eq!(written.errors, Vec::<String>::new());
    assert_eq!(app.position().unsigned_abs(), written.transactions);
}

#[test]
fn the_console_answers_a_client_in_this_process() {
    let app = App::new().with_events(3);
    let snapshot = app.take("before");
    let client = app.client();
    let answer = client.get("/snapshots");
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains(snapshot.id.as_str()));
    assert_eq!(client.json("/snapshots")["snapshots"][0]["snapshot_id"], snapshot.id.as_str());
    let answer = client.post("/snapshots/take", &[("note", "by hand")]);
    assert_eq!((answer.status, answer.header("Location")), (303, "/snapshots"));
}

#[test]
fn the_console_is_served_until_it_is_dropped() {
    use std::io::{Read as _, Write as _};
    let served = App::new().serve();
    let address = served.base().strip_prefix("http://").expect("a base").to_owned();
    let mut stream = std::net::TcpStream::connect(&address).expect("a connection");
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
        .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    drop(served);
    assert!(std::net::TcpStream::connect(&address).is_err());
}
