//! The log: what it tells of requests and work, and what it never tells.

use std::process::Stdio;

use serde_json::Value;

use super::served::Console;
use super::terminal::{Terminal, id};

/// Stands in rows, and so may stand in no line of the log.
const MARK: &str = "zanzibar";

/// A database with the mark in an event, in its type, in a row, in a key and in a BLOB.
fn marked() -> Terminal {
    let terminal = Terminal::new().with_notes(2);
    terminal.post(&format!("a note of {MARK}"));
    terminal.sql(&format!(
        "INSERT INTO event_log (created_at, event_type, payload)
             VALUES ('2026-11-22T20:04:47Z', '{MARK}_came', '{{\"to\": \"{MARK}\"}}');
         CREATE TABLE places (name TEXT PRIMARY KEY, picture BLOB, of TEXT REFERENCES places);
         INSERT INTO places VALUES ('{MARK}', CAST('{MARK}' AS BLOB), NULL);"
    ));
    terminal
}

/// Runs a command with everything logged, and gives its log.
fn log_of(terminal: &Terminal, arguments: &[&str]) -> String {
    let everything = [("SNAPBACK_LOG", "trace"), ("SNAPBACK_LOG_FORMAT", "json")];
    terminal.run_in(&everything, &[arguments, &["--db", "app.db"]].concat()).err
}

#[test]
fn no_value_of_a_row_is_ever_logged_however_much_is() {
    let terminal = marked();
    let name = terminal.take();
    terminal.sql(&format!(
        "UPDATE notes SET body = 'no more {MARK}'; UPDATE users SET name = '{MARK}';
         INSERT INTO places VALUES ('{MARK}2', NULL, '{MARK}')"
    ));
    let confirmed = ["--confirm", id(&name)];
    let mut log = log_of(&terminal, &["take"]);
    log += &log_of(&terminal, &["diff", &name]);
    // A row of `places` would refer to one that is gone.
    log += &log_of(&terminal, &[&["restore", &name, "--table", "users"], &confirmed[..]].concat());
    log += &log_of(&terminal, &[&["restore", &name, "--scope", "rewind"], &confirmed[..]].concat());
    log += &log_of(&terminal, &["export", &name, "-o", "out.json"]);
    log += &log_of(&terminal, &["import", "out.json"]);
    std::fs::write(terminal.file("broken.json"), format!("{{\"notes\": [{{\"{MARK}\""))
        .expect("a file");
    log += &log_of(&terminal, &["import", "broken.json"]);
    log += &log_of(&terminal, &["verify", "--repair"]);
    assert!(log.contains("it is written down"), "{log}");
    assert!(!log.contains(MARK), "{log}");
}

#[test]
fn no_value_of_a_row_is_logged_by_the_console() {
    let terminal = marked();
    let name = terminal.take();
    terminal.sql(&format!("UPDATE notes SET body = 'no more {MARK}'; DELETE FROM places"));
    let log = terminal.file("log");
    let console = logging(&terminal, "trace", "json");
    let of = |verb: &str| format!("/snapshots/{}/{verb}?kind=periodic", id(&name));
    let pages = [
        of("preview"),
        of("tables/notes"),
        of("tables/places"),
        of("events"),
        format!("{}&type={MARK}_came", of("events")),
        format!("{}&after={MARK}", of("tables/places")),
        format!("/snapshots?q={MARK}"),
        format!("/history?q={MARK}"),
        of("restore"),
        "/nowhere".to_owned(),
    ];
    let answers: String = pages.iter().map(|path| console.get(path)).collect();
    assert!(answers.matches(MARK).count() > 5, "the pages do tell it: {answers}");
    let form = format!("kind=periodic&confirm_id={}&scope=rewind", id(&name));
    let done = console.post(&format!("/snapshots/restore/{}", id(&name)), &form);
    assert!(done.starts_with("HTTP/1.1 303"), "{done}");
    let refused = console.post(&format!("/snapshots/restore/{}", id(&name)), "kind=rewind");
    assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
    assert_eq!(console.stop("TERM").code(), Some(0));
    let log = std::fs::read_to_string(log).expect("the log");
    assert!(log.contains("/snapshots/:id/tables/:table"), "{log}");
    assert!(!log.contains(MARK), "{log}");
}

/// A console whose log goes to the file `log`.
fn logging(terminal: &Terminal, level: &str, format: &str) -> Console {
    let log = std::fs::File::create(terminal.file("log")).expect("a file");
    Console::start_as(
        terminal
            .program()
            .args(["serve", "--db", "app.db", "--log-format", format])
            .env("SNAPBACK_LOG", level)
            .stderr(Stdio::from(log)),
    )
}

#[test]
fn each_request_leaves_a_line_with_method_route_status_and_duration() {
    let terminal = Terminal::new().with_notes(1);
    let console = logging(&terminal, "info", "json");
    console.get("/snapshots/gone/preview?kind=periodic");
    console.post("/snapshots/take", "note=x");
    assert_eq!(console.stop("TERM").code(), Some(0));
    let log = std::fs::read_to_string(terminal.file("log")).expect("the log");
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let requests: Vec<&Value> = lines.iter().filter(|line| line["message"] == "request").collect();
    let told = |line: &Value| {
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        assert!(line["ms"].is_u64() && line["timestamp"].is_string(), "{line}");
        (text("method"), text("route"), line["status"].as_u64())
    };
    assert_eq!(
        requests.iter().map(|line| told(line)).collect::<Vec<_>>(),
        [
            ("GET".to_owned(), "/snapshots/:id/preview".to_owned(), Some(404)),
            ("POST".to_owned(), "/snapshots/take".to_owned(), Some(303)),
        ]
    );
    let take = lines.iter().find(|line| line["action"] == "take").expect("the work itself");
    assert_eq!((&take["ok"], &take["by"]), (&Value::Bool(true), &Value::from("console")));
}

#[test]
fn the_log_is_text_unless_it_is_asked_for_as_json() {
    let terminal = Terminal::new();
    let answer = terminal.run_in(&[("SNAPBACK_LOG", "info")], &["take", "--db", "app.db"]);
    assert!(answer.err.contains("it is written down"), "{}", answer.err);
    assert!(!answer.err.starts_with('{'), "{}", answer.err);
    assert!(!answer.err.contains('\u{1b}'), "colours are for a terminal: {:?}", answer.err);
    let unknown = terminal.on_app(&["list", "--log-format", "xml"]);
    assert_eq!(unknown.code, Some(2));
}
