//! serve and demo: up, answering, and down when told.

use super::served::Console;
use super::terminal::Terminal;

#[test]
fn serve_says_where_it_is_answers_and_stops_when_told() {
    let terminal = Terminal::new().with_notes(1);
    for signal in ["TERM", "INT"] {
        let console = Console::start(&terminal, &["serve", "--db", "app.db"]);
        assert!(console.said.contains("app.db"), "{}", console.said);
        assert!(console.said.contains("journal mode wal"), "{}", console.said);
        assert!(!console.said.contains("advice"), "{}", console.said);
        let answer = console.get("/healthz");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(console.stop(signal).code(), Some(0), "{signal}");
    }
}

#[test]
fn serve_answers_to_the_names_it_is_given_and_to_no_other() {
    let terminal = Terminal::new();
    let arguments = ["serve", "--db", "app.db", "--host", "snaps.example", "--host", "b.example"];
    let console = Console::start(&terminal, &arguments);
    for (host, welcome) in
        [("snaps.example", true), ("b.example", true), ("evil.example", false), ("", false)]
    {
        let answer = console.get_as(host, "/snapshots");
        assert_eq!(answer.starts_with("HTTP/1.1 200"), welcome, "{host}: {answer}");
    }
}

#[test]
fn serve_beyond_this_machine_is_refused() {
    let terminal = Terminal::new();
    let error = terminal.on_app(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(error.code, Some(1));
    assert!(error.err.contains("hint: "), "{}", error.err);
    assert!(!error.out.contains("http://"), "{}", error.out);
}

#[test]
fn serve_advises_wal_for_a_database_in_rollback_mode() {
    let terminal = Terminal::new();
    terminal.sql("PRAGMA journal_mode = DELETE");
    let console = Console::start(&terminal, &["serve", "--db", "app.db"]);
    assert!(console.said.contains("journal mode delete"), "{}", console.said);
    assert!(console.said.contains("PRAGMA journal_mode = WAL"), "{}", console.said);
}

#[test]
fn serve_on_a_taken_address_says_so() {
    let terminal = Terminal::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("an address");
    let address = taken.local_addr().expect("its name").to_string();
    let error = terminal.on_app(&["serve", "--listen", &address]).failed();
    let expected = format!("snapback: {address}: cannot listen at this address (");
    assert!(error.starts_with(&expected), "{error}");
    assert!(
        error.ends_with("\nhint: choose another with --listen, or stop what listens there\n"),
        "{error}"
    );
}

#[test]
fn the_demo_has_a_history_writes_on_and_is_found_again() {
    let terminal = Terminal::new();
    let demo = ["demo", "--dir", "demo"];
    let console = Console::start(&terminal, &demo);
    assert!(console.said.contains("can be deleted"), "{}", console.said);
    let list =
        |terminal: &Terminal| terminal.run(&["list", "--db", "demo/chat.db", "--json"]).json();
    let before = list(&terminal);
    let snapshots = before["snapshots"].as_array().expect("snapshots").clone();
    let some = |wanted: &dyn Fn(&serde_json::Value) -> bool| snapshots.iter().any(wanted);
    assert!(some(&|entry| entry["kind"] == "rewind"));
    assert!(some(&|entry| entry["pinned"] == true));
    assert!(some(&|entry| entry["state"] == "damaged"));
    // The application goes on: its log grows while the console is open.
    let now = |list: &serde_json::Value| list["current_event_log_max_id"].as_i64();
    let grown = (0..1000).any(|_| now(&list(&terminal)) > now(&before));
    assert!(grown, "no event in the time of a thousand listings");
    assert_eq!(console.stop("TERM").code(), Some(0));

    let again = Console::start(&terminal, &demo);
    assert!(again.said.contains("the demo of before"), "{}", again.said);
    let kept = list(&terminal)["snapshots"].as_array().map(Vec::len);
    assert_eq!(kept, Some(snapshots.len()));
}

#[test]
fn a_fresh_demo_leaves_strange_files_alone() {
    let terminal = Terminal::new();
    std::fs::create_dir(terminal.file("demo")).expect("a folder");
    std::fs::write(terminal.file("demo/thesis.txt"), "mine").expect("a file");
    let console = Console::start(&terminal, &["demo", "--dir", "demo", "--fresh"]);
    assert_eq!(console.stop("TERM").code(), Some(0));
    let kept = std::fs::read_to_string(terminal.file("demo/thesis.txt")).expect("the file");
    assert_eq!(kept, "mine");
}
