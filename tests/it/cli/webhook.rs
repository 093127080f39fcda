//! Failures, posted as they happen.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::{Value, json};

use super::served::Console;
use super::terminal::Terminal;

/// Somebody who listens, and answers each post with the next of these statuses, the last for ever.
pub(super) struct Listener {
    pub(super) address: String,
    posts: Receiver<Value>,
}

impl Listener {
    pub(super) fn answering(statuses: &'static [u16]) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").expect("an address");
        let address = format!("http://{}/hook?secret=x", socket.local_addr().expect("an address"));
        let (tell, posts) = mpsc::channel();
        std::thread::spawn(move || {
            for (place, stream) in socket.incoming().enumerate() {
                let mut reader = BufReader::new(stream.expect("a connection"));
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).expect("a line");
                    if let Some(told) = line.to_lowercase().strip_prefix("content-length:") {
                        length = told.trim().parse().expect("a length");
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).expect("a body");
                let status = statuses.get(place).or(statuses.last()).expect("a status");
                let answer = format!(
                    "HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
                reader.get_mut().write_all(answer.as_bytes()).expect("answered");
                if tell.send(serde_json::from_slice(&body).expect("JSON")).is_err() {
                    return;
                }
            }
        });
        Self { address, posts }
    }

    pub(super) fn next(&self) -> Value {
        self.posts.recv_timeout(Duration::from_mins(1)).expect("a post in time")
    }

    /// Whether nothing more was posted, by a program that has ended.
    pub(super) fn is_done(&self) -> bool {
        self.posts.try_recv().is_err()
    }
}

/// A store with a snapshot whose pack is damaged.
fn damaged() -> (Terminal, String) {
    let terminal = Terminal::new().with_notes(3);
    let name = terminal.take();
    let packs = std::fs::read_dir(terminal.file("app.db.snapback/packs")).expect("the packs");
    for pack in packs {
        let path = pack.expect("a pack").path();
        let mut bytes = std::fs::read(&path).expect("its bytes");
        bytes[20] ^= 1;
        std::fs::write(&path, bytes).expect("damaged");
    }
    (terminal, name)
}

#[test]
fn a_failure_is_posted_with_what_thing_and_hint() {
    let (terminal, name) = damaged();
    let listener = Listener::answering(&[200]);
    let answer = terminal.on_app(&["verify", &name, "--webhook", &listener.address]);
    assert_eq!(answer.code, Some(1));
    let told = listener.next();
    assert_eq!(told["what"], "1 of 1 damaged");
    assert!(
        told["thing"].as_str().is_some_and(|thing| thing.ends_with("app.db.snapback")),
        "{told}"
    );
    assert!(told["hint"].as_str().is_some_and(|hint| hint.contains("--repair")), "{told}");
    assert_eq!(
        (&told["verb"], &told["by"], &told["snapshot"]),
        (&json!("verify"), &json!("mara"), &json!(name))
    );
    assert!(
        told["database"].as_str().is_some_and(|database| database.ends_with("/app.db")),
        "{told}"
    );
    assert!(told["time"].is_string());
    assert!(listener.is_done());
}

#[test]
fn a_database_that_cannot_be_opened_is_posted_too() {
    let terminal = Terminal::new();
    let listener = Listener::answering(&[204]);
    let answer = terminal.run(&["take", "--db", "gone.db", "--webhook", &listener.address]);
    assert_eq!(answer.code, Some(1));
    let told = listener.next();
    assert_eq!((&told["verb"], &told["what"]), (&json!("open"), &json!("there is no database")));
}

#[test]
fn what_is_not_taken_at_once_is_posted_again_and_a_mistake_is_not_posted() {
    let (terminal, name) = damaged();
    let listener = Listener::answering(&[503, 500, 200]);
    let answer = terminal.on_app(&["verify", "--webhook", &listener.address]);
    assert_eq!(answer.code, Some(1));
    let first = listener.next();
    assert_eq!([first.clone(), first], [listener.next(), listener.next()]);
    assert!(answer.err.contains("it answered 503"), "{}", answer.err);
    assert!(!answer.err.contains("secret"), "{}", answer.err);

    let gone = name.replace("periodic", "rewind");
    terminal.on_app(&["verify", &gone, "--webhook", &listener.address]).failed();
    assert!(listener.is_done());
}

#[test]
fn nothing_waits_for_a_webhook_that_does_not_answer() {
    let (terminal, _) = damaged();
    let silent = TcpListener::bind("127.0.0.1:0").expect("an address");
    let address = format!("http://{}/", silent.local_addr().expect("an address"));
    let console = Console::start(&terminal, &["serve", "--db", "app.db", "--webhook", &address]);
    let list = console.facts("/snapshots");
    let id = list["snapshots"][0]["snapshot_id"].as_str().expect("an id").to_owned();
    let verify = || console.post(&format!("/snapshots/{id}/verify"), "kind=periodic");
    assert!(verify().starts_with("HTTP/1.1 "));
    // The post hangs there; the console goes on.
    let (_held, _) = silent.accept().expect("the post");
    assert!(console.post("/snapshots/take", "").starts_with("HTTP/1.1 303"));
    assert_eq!(console.facts("/history?what=verify")["history"][0]["ok"], false);
}

#[test]
fn only_an_address_is_a_webhook_and_it_is_not_repeated() {
    let terminal = Terminal::new();
    for address in ["file:///etc/passwd", "secret-thing", "http://"] {
        let answer = terminal.run_in(&[("SNAPBACK_WEBHOOK", address)], &["list", "--db", "app.db"]);
        assert_eq!(answer.code, Some(2), "{address}");
        assert!(answer.err.contains("https://example.org/hook"), "{}", answer.err);
    }
}
