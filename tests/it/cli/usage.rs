//! Bad usage, errors, and where options come from.

use serde_json::json;

use super::terminal::Terminal;

#[test]
fn bad_usage_exits_with_2_and_says_how_it_is_used() {
    let terminal = Terminal::new();
    for arguments in [&["dance"][..], &["take"], &["list", "--db"], &["diff", "--db", "app.db"]] {
        let answer = terminal.run(arguments);
        assert_eq!(answer.code, Some(2), "{arguments:?}");
        assert!(answer.err.contains("try '--help'"), "{}", answer.err);
        assert_eq!(answer.out, "");
    }
}

#[test]
fn version_names_the_program_and_its_sqlite() {
    let version = Terminal::new().run(&["--version"]).done();
    assert_eq!(version, format!("snapback 0.1.0 (SQLite {})\n", rusqlite::version()));
}

#[test]
fn every_command_explains_itself() {
    let terminal = Terminal::new();
    let help = terminal.run(&["--help"]).done();
    for command in [
        "demo", "serve", "take", "list", "diff", "restore", "verify", "delete", "prune", "export",
        "import", "password", "token",
    ] {
        assert!(help.contains(&format!("\n  {command} ")), "{command}");
        assert!(terminal.run(&[command, "--help"]).done().contains("Usage: snapback"));
    }
}

#[test]
fn a_missing_database_is_an_error_and_never_a_new_file() {
    let terminal = Terminal::new();
    assert_eq!(
        terminal.run(&["list", "--db", "missing.db"]).failed(),
        "snapback: missing.db: there is no database\n\
         hint: check the path given with --db; Snapback never creates a database\n"
    );
    assert!(!terminal.file("missing.db").exists());
}

#[test]
fn an_error_is_json_where_facts_are() {
    let answer = Terminal::new().run(&["list", "--db", "missing.db", "--json"]).failed();
    let told: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(
        told,
        json!({"error": {
            "what": "there is no database",
            "thing": "missing.db",
            "hint": "check the path given with --db; Snapback never creates a database",
        }})
    );
}

#[test]
fn every_option_can_come_from_the_environment() {
    let terminal = Terminal::new().with_notes(2);
    terminal.sql(
        "ALTER TABLE event_log RENAME TO what_happened;
         ALTER TABLE what_happened RENAME COLUMN id TO place;
         CREATE TABLE sessions (id INTEGER PRIMARY KEY);",
    );
    let variables = [
        ("SNAPBACK_DB", "app.db"),
        ("SNAPBACK_STORE", "elsewhere"),
        ("SNAPBACK_EVENT_TABLE", "what_happened"),
        ("SNAPBACK_EVENT_COLUMN", "place"),
        ("SNAPBACK_EVENT_TYPE_COLUMN", "event_type"),
        ("SNAPBACK_EVENT_TIME_COLUMN", "created_at"),
        ("SNAPBACK_EXCLUDE_TABLE", "sess*,cache"),
        ("SNAPBACK_KEEP_LAST", "1"),
    ];
    terminal.run_in(&variables, &["take"]).done();
    terminal.run_in(&variables, &["take"]).done();
    let list = terminal.run_in(&variables, &["list", "--json"]).json();
    assert_eq!(list["current_event_log_max_id"], 2);
    // Two taken and one kept; two users, two notes and two events, and no session.
    assert_eq!(list["snapshots"].as_array().map(Vec::len), Some(1));
    assert_eq!(list["snapshots"][0]["rows"], 6);
    assert!(terminal.file("elsewhere").is_dir());
    assert!(!terminal.file("app.db.snapback").exists());
}

#[test]
fn an_option_wins_over_its_variable() {
    let terminal = Terminal::new();
    let variables = [("SNAPBACK_DB", "missing.db")];
    terminal.run_in(&variables, &["list", "--db", "app.db"]).done();
}

#[test]
fn a_database_without_an_event_log_is_refused_with_the_option_to_give() {
    let terminal = Terminal::new();
    terminal.sql("DROP TABLE event_log");
    let error = terminal.on_app(&["list"]).failed();
    assert!(error.contains("notes"), "{error}");
    assert!(error.contains("--event-table none"), "{error}");
    terminal.on_app(&["take", "--event-table", "none"]).done();
    let list = terminal.on_app(&["list", "--event-table", "none", "--json"]).json();
    assert_eq!(list["current_event_log_max_id"], serde_json::Value::Null);
}

#[test]
fn a_switch_in_the_environment_is_on_with_1_and_off_with_0() {
    let terminal = Terminal::new();
    let serve = ["serve", "--db", "missing.db", "--listen", "127.0.0.1:0"];
    for name in ["SNAPBACK_BEHIND_TLS", "SNAPBACK_FORCE_NETWORK"] {
        for value in ["1", "0", "true", "false", ""] {
            let answer = terminal.run_in(&[(name, value)], &serve);
            // The database is looked for once the options are understood.
            assert!(answer.err.contains("there is no database"), "{name}={value}: {}", answer.err);
        }
    }
}

#[test]
fn an_answer_that_nothing_takes_says_what_to_do() {
    let terminal = Terminal::new();
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a full device");
    let list = terminal.program().args(["list", "--db", "app.db"]).stdout(full).output();
    let output = list.expect("the program runs");
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(err.starts_with("snapback: standard output: the answer cannot be written"), "{err}");
    assert!(err.ends_with("\nhint: make room where it goes, or send it elsewhere\n"), "{err}");
}

#[test]
fn a_note_is_no_longer_than_the_console_lets_it_be() {
    let terminal = Terminal::new();
    let long = "x".repeat(501);
    assert_eq!(
        terminal.on_app(&["take", "--note", &long]).failed(),
        "snapback: note: the note is longer than 500 characters\nhint: shorten it\n"
    );
    assert_eq!(terminal.on_app(&["list", "--json"]).json()["snapshots"], json!([]));
    terminal.on_app(&["take", "--note", &format!(" {} ", &long[1..])]).done();
}
