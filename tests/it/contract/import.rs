//! Uploads: what is taken in, and what is refused before it can do harm.

use std::io::{Read, Write};
use std::net::TcpStream;

use poem::http::Method;
use snapback::web::Options;

use super::forms::{Form, assert_target};
use super::redact;
use super::scene::Scene;
use crate::client::{Answer, Client, patient};

const TYPE: &str = "multipart/form-data; boundary=b";

/// A body with one file, as a browser sends it.
fn multipart(name: &str, content: &str) -> String {
    format!(
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n\
         {content}\r\n--b--\r\n"
    )
}

fn send(client: &Client, form: Form, body: impl Into<Vec<u8>>) -> Answer {
    client.call(Method::POST, "/snapshots/import").in_form(form).raw(TYPE, body).send()
}

#[test]
fn the_form_asks_for_a_file_and_says_how_large() {
    let scene = Scene::new();
    let form = scene.client.fragment("/snapshots/import");
    insta::assert_snapshot!(redact::markup(&form));
    assert_target(&form, "<form", &scene.client.get("/snapshots").text());
}

#[test]
fn an_upload_that_is_cut_off_or_garbled_is_refused_and_leaves_nothing() {
    let scene = Scene::new();
    let listed = scene.app.listed();
    let whole = multipart("a.json", r#"{"last_event_id": 1, "event_log": []}"#);
    let bodies = [
        String::new(),
        "--".to_owned(),
        "nothing of the kind".to_owned(),
        whole[..whole.len() - 8].to_owned(),
        whole[..90].to_owned(),
        whole.replace("form-data;", "\u{0}\u{1}"),
        whole.replace("a.json", "a\u{0}b"),
        whole.replace("--b", "--c"),
        multipart("a.json", ""),
        multipart("a.json", "SQLite format 3\0 and then nothing"),
        multipart("a.json", "[1, 2]"),
    ];
    for body in bodies {
        for form in Form::ALL {
            let answer = send(&scene.client, form, body.clone());
            assert_eq!(answer.status, 400, "{body:?}: {}", answer.text());
            answer.assert_form(form, &body);
        }
    }
    assert_eq!(scene.app.listed(), listed);
}

#[test]
fn a_database_file_that_is_damaged_or_of_another_application_is_refused() {
    let scene = Scene::new();
    let whole = scene.client.get(&format!("{}&format=sqlite", scene.about("export"))).body;
    let mut overwritten = whole.clone();
    // The first page stays: the schema can be read, the rows cannot.
    overwritten[4096..].fill(7);
    let other = scene.app.file("other.db");
    let connection = rusqlite::Connection::open(&other).expect("a database");
    connection.execute_batch("CREATE TABLE recipes(id INTEGER PRIMARY KEY)").expect("a table");
    drop(connection);
    let other = std::fs::read(other).expect("its bytes");
    let listed = scene.app.listed();
    for content in [whole[..whole.len() / 2].to_vec(), overwritten, other] {
        for form in Form::ALL {
            let call = scene.client.call(Method::POST, "/snapshots/import").in_form(form);
            let answer = call.upload("file", "kept.sqlite", content.clone()).send();
            assert_eq!(answer.status, 400, "{}", answer.text());
            answer.assert_form(form, "kept.sqlite");
            assert!(answer.text().contains("kept.sqlite"), "{}", answer.text());
        }
    }
    assert_eq!(scene.app.listed(), listed);
}

#[test]
fn a_name_cannot_lead_out_of_the_folder_for_uploads() {
    let scene = Scene::new();
    let file = r#"{"last_event_id": 1, "event_log": []}"#;
    for name in ["../../../outside.json", "/etc/outside", "..", ""] {
        let answer = send(&scene.client, Form::Json, multipart(name, file));
        assert_eq!(answer.status, 201, "{name:?}: {}", answer.text());
        assert_eq!(answer.json()["last_event_id"], 1);
    }
    assert!(!scene.app.file("outside.json").exists());
}

#[test]
fn a_file_beyond_the_limit_is_refused_announced_or_not() {
    let scene = Scene::new();
    let client = scene.app.client_with(Options { import_limit: 1000, ..patient() });
    let listed = scene.app.listed();
    let body = multipart("a.json", &" ".repeat(1001));
    for form in Form::ALL {
        let answer = send(&client, form, body.clone());
        assert_eq!(answer.status, 413, "{}", answer.text());
        answer.assert_form(form, "too large");
        let call = client.call(Method::POST, "/snapshots/import").in_form(form);
        let answer = call.header("Content-Length", "100000").raw(TYPE, "").send();
        assert_eq!(answer.status, 413, "{}", answer.text());
    }
    assert_eq!(scene.app.listed(), listed);
}

#[test]
fn a_chunked_body_beyond_the_limit_is_refused_on_the_wire() {
    let scene = Scene::new();
    let server = scene.app.serve();
    let address = server.base().strip_prefix("http://").expect("an address");
    let form = "application/x-www-form-urlencoded";
    for (path, media_type, length) in [
        ("/snapshots/take", form, "Transfer-Encoding: chunked".to_owned()),
        ("/snapshots/take", form, format!("Content-Length: {}", 70_000)),
        ("/snapshots/import", TYPE, format!("Content-Length: {}", 5_u64 << 30)),
    ] {
        let mut stream = TcpStream::connect(address).expect("a connection");
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\n\
             Content-Type: {media_type}\r\nAccept: application/json\r\n\
             Connection: close\r\n{length}\r\n\r\n"
        )
        .expect("a request");
        // The server may answer, and close, before all is sent.
        let note = format!("note={}", "n".repeat(69_995));
        let body = if length.starts_with("Transfer") {
            format!("{:x}\r\n{note}\r\n0\r\n\r\n", note.len())
        } else {
            note
        };
        let _ = stream.write_all(body.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 413 "), "{path} {length}: {answer}");
    }
    drop(server);
    assert_eq!(scene.app.listed(), std::slice::from_ref(&scene.taken));
}
