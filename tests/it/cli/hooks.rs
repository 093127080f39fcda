//! Programs that run after a take or a restore.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::served::Console;
use super::terminal::{Terminal, id};

/// Waits until something is there.
fn wait_for<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_mins(1), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The variables that a hook wrote down with `env`.
fn variables(file: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(file).expect("what the hook wrote");
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What the history tells of the last hook.
fn last_hook(terminal: &Terminal) -> Value {
    let facts = terminal.on_app(&["history", "--what", "hook", "--limit", "1", "--json"]).json();
    facts["history"][0].clone()
}

#[test]
fn a_hook_finds_what_was_taken_in_its_environment() {
    let terminal = Terminal::new().with_notes(3);
    let taken = terminal
        .run_in(
            &[("SNAPBACK_AFTER_TAKE", "sh -c 'env > told'"), ("SNAPBACK_PASSWORD_HASH", "secret")],
            &["take", "--db", "app.db"],
        )
        .done();
    let name = taken.trim_end();
    // The command has waited for it.
    let told = variables(&terminal.file("told"));
    let store = terminal.file("app.db.snapback").display().to_string();
    for (variable, value) in [
        ("SNAPBACK_ACTION", "take"),
        ("SNAPBACK_SNAPSHOT", name),
        ("SNAPBACK_KIND", "periodic"),
        ("SNAPBACK_ID", id(name)),
        ("SNAPBACK_POSITION", "3"),
        ("SNAPBACK_ROWS", "8"),
        ("SNAPBACK_BY", "mara"),
    ] {
        assert_eq!(told.get(variable).map(String::as_str), Some(value), "{variable}");
    }
    assert!(told["SNAPBACK_DB"].ends_with("/app.db") && store.ends_with(&told["SNAPBACK_STORE"]));
    for withheld in ["SNAPBACK_AFTER_TAKE", "SNAPBACK_PASSWORD_HASH", "SNAPBACK_SCOPE"] {
        assert_eq!(told.get(withheld), None, "{withheld}");
    }
    let line = last_hook(&terminal);
    assert_eq!(
        (&line["ok"], &line["snapshot"], &line["outcome"], &line["numbers"]["exit_code"]),
        (&json!(true), &json!(name), &json!("after take, sh: done"), &json!(0))
    );
}

#[test]
fn a_hook_finds_what_was_restored_in_its_environment() {
    let terminal = Terminal::new().with_notes(3);
    let name = terminal.take();
    terminal.post("one more");
    let restored = terminal
        .on_app(&[
            "restore",
            &name,
            "--confirm",
            id(&name),
            "--scope",
            "rewind",
            "--json",
            "--after-restore",
            "sh -c 'env > told; echo not for the answer'",
            "--after-take",
            "sh -c 'touch never'",
        ])
        .json();
    let told = variables(&terminal.file("told"));
    assert_eq!(told["SNAPBACK_ACTION"], "restore");
    assert_eq!(told["SNAPBACK_SNAPSHOT"], name);
    assert_eq!(told["SNAPBACK_SCOPE"], "rewind");
    assert_eq!(json!(told["SNAPBACK_REWIND"]), restored["rewind"]);
    assert_eq!(told["SNAPBACK_LOCK_MS"], restored["lock_ms"].to_string());
    assert_eq!(told["SNAPBACK_EVENTS_REMOVED"], "1");
    assert!(told["SNAPBACK_PLAN"].contains('-'), "{told:?}");
    assert!(!terminal.file("never").exists());
}

#[test]
fn a_hook_that_fails_undoes_nothing_and_is_told() {
    let terminal = Terminal::new().with_notes(1);
    for (command, outcome, numbers) in [
        (
            "sh -c 'echo first >&2; echo no such host >&2; exit 3'",
            "after take, sh: exit status: 3: no such host",
            json!({"exit_code": 3}),
        ),
        ("sh -c 'kill -9 $$'", "after take, sh: signal: 9 (SIGKILL)", json!({"signal": 9})),
        (
            "./missing",
            "after take, ./missing: the program cannot be run (No such file or directory (os error 2))",
            json!({}),
        ),
    ] {
        let answer = terminal.on_app(&["take", "--after-take", command]);
        assert_eq!(answer.code, Some(0), "{}", answer.err);
        assert!(answer.out.starts_with("periodic/"), "{}", answer.out);
        assert!(answer.err.contains("a hook "), "{}", answer.err);
        let line = last_hook(&terminal);
        assert_eq!((&line["ok"], &line["outcome"]), (&json!(false), &json!(outcome)));
        assert_eq!(line["numbers"], numbers);
    }
    let wrong = terminal.on_app(&["take", "--after-take", "notify 'quiet"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("a quote of the command does not end"), "{}", wrong.err);
}

#[test]
fn a_hook_that_takes_too_long_is_killed_with_all_that_it_started() {
    let terminal = Terminal::new().with_notes(1);
    let begun = Instant::now();
    let answer = terminal.on_app(&[
        "take",
        "--hook-timeout",
        "300ms",
        "--after-take",
        "sh -c 'sleep 1000 & echo $! > child; wait'",
    ]);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    assert!(begun.elapsed() < Duration::from_secs(500), "it was not waited for");
    let child = std::fs::read_to_string(terminal.file("child")).expect("the child's number");
    let state = Path::new("/proc").join(child.trim()).join("stat");
    // One that was killed may still wait to be buried.
    wait_for("the end of the child", || {
        let stat = std::fs::read_to_string(&state).unwrap_or_else(|_| ") Z".to_owned());
        stat.contains(") Z").then_some(())
    });
    let line = last_hook(&terminal);
    let outcome = "after take, sh: it was killed: it ran for 300ms";
    assert_eq!((&line["ok"], &line["outcome"]), (&json!(false), &json!(outcome)));
}

#[test]
fn the_console_goes_on_while_a_hook_runs() {
    let terminal = Terminal::new().with_notes(1);
    let hook = "sh -c 'until test -e go; do sleep 0.05; done; touch \"done-$SNAPBACK_ID\"'";
    let console = Console::start(&terminal, &["serve", "--db", "app.db", "--after-take", hook]);
    assert!(console.post("/snapshots/take", "").starts_with("HTTP/1.1 303"));
    assert!(console.post("/snapshots/take", "").starts_with("HTTP/1.1 303"));
    let list = console.facts("/snapshots");
    let ids: Vec<&str> =
        (0..2).filter_map(|n| list["snapshots"][n]["snapshot_id"].as_str()).collect();
    assert_eq!(ids.len(), 2);
    std::fs::write(terminal.file("go"), "").expect("a file");
    for id in ids {
        wait_for("its hook", || terminal.file(&format!("done-{id}")).exists().then_some(()));
    }
}

#[test]
fn a_hook_is_killed_when_the_console_stops_and_its_time_is_over() {
    let terminal = Terminal::new().with_notes(1);
    let serve = ["serve", "--db", "app.db", "--shutdown-timeout", "200ms"];
    let hook = ["--after-take", "sh -c 'touch begun; sleep 1000'"];
    let console = Console::start(&terminal, &[&serve[..], &hook].concat());
    console.post("/snapshots/take", "");
    wait_for("its hook", || terminal.file("begun").exists().then_some(()));
    assert_eq!(console.stop("TERM").code(), Some(0));
    assert!(
        last_hook(&terminal)["outcome"].as_str().is_some_and(|told| told.contains("about to end"))
    );
}
