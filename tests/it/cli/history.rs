//! history: what was done, as lines and as facts.

use super::terminal::{Terminal, id};

#[test]
fn history_tells_what_was_done_newest_first() {
    let terminal = Terminal::new().with_notes(3);
    let name = terminal.take();
    terminal.post("one more");
    terminal.on_app(&["restore", &name, "--confirm", id(&name)]).done();
    terminal.on_app(&["verify", "periodic/gone"]).failed();
    let lines = terminal.on_app(&["history"]).done();
    let what: Vec<&str> =
        lines.lines().skip(1).filter_map(|line| line.split("  ").nth(1)).collect();
    assert_eq!(what, ["verify", "restore tables", "take"], "{lines}");
    assert!(lines.contains("failed: periodic/gone: there is no such snapshot"), "{lines}");
    assert!(lines.contains("mara"), "{lines}");

    let facts = terminal.on_app(&["history", "--json"]).json();
    let history = facts["history"].as_array().expect("lines");
    assert_eq!(history.len(), 3);
    assert_eq!(history[1]["scope"], "tables");
    assert!(history[1]["plan"].is_string() && history[1]["lock_ms"].is_number(), "{facts}");
    assert_eq!(facts["next"], serde_json::Value::Null);
}

#[test]
fn history_is_searched_and_paged() {
    let terminal = Terminal::new().with_notes(1);
    let first = terminal.take();
    terminal.take();
    terminal.on_app(&["verify"]).done();
    let count = |arguments: &[&str]| {
        let facts = terminal.on_app(&[&["history", "--json"], arguments].concat()).json();
        facts["history"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(count(&["--what", "take"]), 2);
    assert_eq!(count(&["--outcome", "failed"]), 0);
    assert_eq!(count(&["MARA", &first]), 1);
    let page = terminal.on_app(&["history", "--limit", "1"]).done();
    let before = page.lines().last().and_then(|line| line.strip_prefix("earlier: --before "));
    assert_eq!(count(&["--before", before.expect("the way on")]), 2);
    assert_eq!(terminal.on_app(&["history", "gone"]).done(), "nothing was done that matches\n");
    assert_eq!(terminal.on_app(&["history", "--what", "dance"]).code, Some(2));
}
