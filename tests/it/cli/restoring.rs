//! restore: its confirmation, its scopes, its plan.

use serde_json::{Value, json};

use super::terminal::{Terminal, id};

fn notes(terminal: &Terminal) -> i64 {
    terminal.number("SELECT count(*) FROM notes")
}

fn events(terminal: &Terminal) -> i64 {
    terminal.number("SELECT count(*) FROM event_log")
}

#[test]
fn a_wrong_confirmation_is_refused_before_anything_is_opened() {
    let terminal = Terminal::new();
    let name = "periodic/20261122T200446Z";
    let refused = "snapback: periodic/20261122T200446Z: the confirmation is not the id of the \
                   snapshot\nhint: confirm with --confirm 20261122T200446Z; nothing was changed\n";
    for database in ["app.db", "missing.db"] {
        let arguments = ["restore", name, "--confirm", "20261122T200447Z", "--db", database];
        assert_eq!(terminal.run(&arguments).failed(), refused);
    }
    assert!(!terminal.file("app.db.snapback").exists());
}

#[test]
fn a_restore_puts_the_tables_back_and_leaves_the_log_alone() {
    let terminal = Terminal::new().with_notes(2);
    let name = terminal.take();
    terminal.post("late");
    let told = terminal.on_app(&["restore", &name, "--confirm", id(&name)]).done();
    assert!(told.starts_with(&format!("restored {name} (tables)\n")), "{told}");
    assert!(told.contains("  notes: 0 added, 1 removed, 0 changed\n"), "{told}");
    assert_eq!((notes(&terminal), events(&terminal)), (2, 3));
}

#[test]
fn scope_rewind_cuts_the_log_back_too() {
    let terminal = Terminal::new().with_notes(2);
    let name = terminal.take();
    terminal.post("late");
    let arguments = ["restore", &name, "--confirm", id(&name), "--scope", "rewind", "--json"];
    let restored = terminal.on_app(&arguments).json();
    assert_eq!(restored["restored"], name);
    assert_eq!(restored["scope"], "rewind");
    assert_eq!(restored["events_removed"], 1);
    assert_eq!(
        restored["tables"],
        json!([
            {"name": "event_log", "added": 0, "removed": 1, "changed": 0},
            {"name": "notes", "added": 0, "removed": 1, "changed": 0},
        ])
    );
    assert_eq!((notes(&terminal), events(&terminal)), (2, 2));
}

#[test]
fn the_undo_that_is_printed_undoes() {
    let terminal = Terminal::new().with_notes(2);
    let name = terminal.take();
    terminal.post("late");
    let told =
        terminal.on_app(&["restore", &name, "--confirm", id(&name), "--scope", "rewind"]).done();
    let undo = told
        .lines()
        .find_map(|line| line.strip_prefix("undo, on the same database: snapback "))
        .expect("an undo");
    let arguments: Vec<&str> = undo.split(' ').collect();
    terminal.on_app(&arguments).done();
    assert_eq!((notes(&terminal), events(&terminal)), (3, 3));
}

#[test]
fn only_the_named_tables_are_restored() {
    let terminal = Terminal::new().with_notes(2);
    let name = terminal.take();
    terminal.sql("DELETE FROM notes; DELETE FROM users;");
    let id = id(&name);
    terminal.on_app(&["restore", &name, "--confirm", id, "--table", "users"]).done();
    assert_eq!(notes(&terminal), 0);
    assert_eq!(terminal.number("SELECT count(*) FROM users"), 2);
}

#[test]
fn a_dry_run_changes_nothing_and_takes_nothing() {
    let terminal = Terminal::new().with_notes(2);
    let name = terminal.take();
    terminal.post("late");
    let told = terminal.on_app(&["restore", &name, "--dry-run"]).done();
    assert!(told.ends_with("the event log would be left alone; nothing was changed\n"), "{told}");
    let plan =
        terminal.on_app(&["restore", &name, "--dry-run", "--table", "users", "--json"]).json();
    assert_eq!(plan["tables"].as_array().map(Vec::len), Some(1));
    assert_eq!(notes(&terminal), 3);
    let list = terminal.on_app(&["list", "--json"]).json();
    assert_eq!(list["snapshots"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_dry_run_of_an_unknown_table_says_so() {
    let terminal = Terminal::new();
    let name = terminal.take();
    assert_eq!(
        terminal.on_app(&["restore", &name, "--dry-run", "--table", "nots"]).failed(),
        "snapback: nots: there is no such table to restore\n\
         hint: choose among the tables that a diff of the snapshot shows\n"
    );
}

#[test]
fn a_plan_that_no_longer_holds_is_refused_with_the_new_one() {
    let terminal = Terminal::new().with_notes(2);
    let name = terminal.take();
    terminal.post("late");
    let plan = terminal.on_app(&["diff", &name, "--json"]).json()["plan"].clone();
    let plan = plan.as_str().expect("a plan");
    terminal.post("later");
    let arguments = ["restore", &name, "--confirm", id(&name), "--plan", plan];
    let error = terminal.on_app(&arguments).failed();
    assert!(error.contains("1 table, 2 rows differ"), "{error}");
    assert_eq!(notes(&terminal), 4);
    let with_json = terminal.on_app(&[&arguments[..], &["--json"]].concat()).failed();
    let told: Value = serde_json::from_str(&with_json).expect("JSON");
    assert_eq!(told["error"]["plan"]["event_delta"], 2);
    terminal.on_app(&[&arguments[..], &["--moving"]].concat()).done();
    assert_eq!(notes(&terminal), 2);
}

#[test]
fn another_schema_is_refused_with_its_differences_until_it_is_accepted() {
    let terminal = Terminal::new().with_notes(2);
    let name = terminal.take();
    terminal.sql("ALTER TABLE notes ADD COLUMN mood TEXT; DELETE FROM notes;");
    let arguments = ["restore", &name, "--confirm", id(&name)];
    let error = terminal.on_app(&arguments).failed();
    assert!(error.contains("mood"), "{error}");
    assert_eq!(notes(&terminal), 0);
    terminal.on_app(&[&arguments[..], &["--accept-schema"]].concat()).done();
    assert_eq!(notes(&terminal), 2);
}
