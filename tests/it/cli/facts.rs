//! take, list, diff, verify, delete, prune, export, import.

use std::io::{Read, Seek, SeekFrom, Write};

use serde_json::{Value, json};

use super::terminal::{Terminal, id};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn take_prints_the_name_that_other_commands_want() {
    let terminal = Terminal::new().with_notes(3);
    let name = terminal.take();
    assert!(name.starts_with("periodic/2"), "{name}");
    assert!(terminal.on_app(&["list"]).done().contains(&name));
}

#[test]
fn take_as_json_is_the_new_entry() {
    let terminal = Terminal::new().with_notes(3);
    let entry = terminal.on_app(&["take", "--note", "before it all", "--json"]).json();
    assert_eq!(entry["kind"], "periodic");
    assert_eq!(entry["note"], "before it all");
    assert_eq!(entry["last_event_id"], 3);
    assert_eq!(entry["rows"], 8);
    assert_eq!(entry["state"], "intact");
}

#[test]
fn list_as_json_has_the_keys_of_the_contract() {
    let terminal = Terminal::new().with_notes(1);
    terminal.take();
    terminal.post("one more");
    let list = terminal.on_app(&["list", "--json"]).json();
    assert_eq!(list["current_event_log_max_id"], 2);
    let entry = &list["snapshots"][0];
    for key in [
        "snapshot_id",
        "kind",
        "filename",
        "created_at",
        "file_size_bytes",
        "last_event_id",
        "event_delta",
        "rows",
        "new_bytes",
        "state",
        "reason",
        "note",
        "pinned",
        "cause",
    ] {
        assert!(keys(entry).contains(&key), "{key}");
    }
    assert_eq!(entry["event_delta"], 1);
}

#[test]
fn a_store_without_snapshots_says_how_to_begin() {
    assert_eq!(
        Terminal::new().on_app(&["list"]).done(),
        "no snapshots yet; take the first with `snapback take`\n"
    );
}

#[test]
fn diff_tells_what_a_restore_would_change() {
    let terminal = Terminal::new().with_notes(3);
    let name = terminal.take();
    terminal.post("late");
    terminal.sql("UPDATE notes SET body = 'edited' WHERE id = 1; DELETE FROM users WHERE id = 2");
    let diff = terminal.on_app(&["diff", &name, "--json"]).json();
    assert_eq!(
        diff["tables"],
        json!([
            {"name": "notes", "added": 0, "removed": 1, "changed": 1, "unchanged": 2},
            {"name": "users", "added": 1, "removed": 0, "changed": 0, "unchanged": 1},
        ])
    );
    assert_eq!(diff["event_delta"], 1);
    assert_eq!(diff["events_since"][0]["type"], "note_posted");
    let text = terminal.on_app(&["diff", &name]).done();
    assert!(text.contains("notes      0       -1       ~1     2\n"), "{text}");
    assert!(text.contains("2 tables, 3 rows differ\n"), "{text}");
}

#[test]
fn diff_of_two_snapshots_compares_them_and_not_the_database() {
    let terminal = Terminal::new().with_notes(1);
    let first = terminal.take();
    terminal.post("two");
    let second = terminal.take();
    terminal.sql("DELETE FROM notes");
    let diff = terminal.on_app(&["diff", &first, &second, "--json"]).json();
    assert_eq!(diff["from"], first);
    assert_eq!(diff["snapshot_id"], id(&second));
    assert_eq!(
        diff["tables"][0],
        json!({"name": "notes", "added": 1, "removed": 0, "changed": 0, "unchanged": 1})
    );
    assert_eq!(diff["plan"], Value::Null);
}

#[test]
fn a_snapshot_that_does_not_exist_is_named_in_the_error() {
    let terminal = Terminal::new();
    let error = terminal.on_app(&["diff", "periodic/20200101T000000Z"]).failed();
    assert!(error.starts_with("snapback: periodic/20200101T000000Z: "), "{error}");
    assert!(error.contains("\nhint: "), "{error}");
}

#[test]
fn verify_reads_everything_back() {
    let terminal = Terminal::new().with_notes(3);
    let name = terminal.take();
    let text = terminal.on_app(&["verify"]).done();
    assert!(text.ends_with("1 snapshot read back, all intact\n"), "{text}");
    let one = terminal.on_app(&["verify", &name, "--json"]).json();
    assert_eq!(one[0]["snapshot"], name);
    assert_eq!(one[0]["state"], "intact");
}

#[test]
fn verify_exits_with_1_when_a_byte_was_flipped() {
    let terminal = Terminal::new().with_notes(30);
    terminal.take();
    let packs = terminal.file("app.db.snapback/packs");
    let pack = std::fs::read_dir(packs)
        .expect("packs")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|extension| extension == "pack"))
        .expect("a pack");
    let mut file =
        std::fs::File::options().read(true).write(true).open(pack).expect("a pack to damage");
    let mut byte = [0];
    file.seek(SeekFrom::Start(40)).expect("a place");
    file.read_exact(&mut byte).expect("a byte");
    file.seek(SeekFrom::Start(40)).expect("a place");
    file.write_all(&[byte[0] ^ 1]).expect("another byte");
    let answer = terminal.on_app(&["verify"]);
    assert_eq!((answer.code, answer.err.as_str()), (Some(1), ""));
    assert!(answer.out.contains("damaged"), "{}", answer.out);
    assert_eq!(terminal.on_app(&["verify", "--json"]).code, Some(1));
}

#[test]
fn delete_wants_the_id_again_and_then_deletes() {
    let terminal = Terminal::new();
    let name = terminal.take();
    let id = id(&name);
    assert_eq!(
        terminal.on_app(&["delete", &name, "--confirm", "yes"]).failed(),
        format!(
            "snapback: {name}: the confirmation is not the id of the snapshot\n\
             hint: confirm with --confirm {id}; nothing was changed\n"
        )
    );
    let deleted = terminal.on_app(&["delete", &name, "--confirm", id]).done();
    assert_eq!(deleted, format!("deleted {name}\n"));
    assert_eq!(terminal.on_app(&["list", "--json"]).json()["snapshots"], json!([]));
}

#[test]
fn prune_keeps_the_newest_and_says_why() {
    let terminal = Terminal::new().with_notes(1);
    let keep_all = ["--db", "app.db", "--keep-last", "0"];
    for _ in 0..3 {
        terminal.run(&[&["take"], &keep_all[..]].concat()).done();
    }
    let dry = terminal.on_app(&["prune", "--keep-last", "2", "--dry-run"]).done();
    assert_eq!(dry.matches("keep").count(), 2, "{dry}");
    assert_eq!(dry.matches("would go").count(), 2, "{dry}");
    let listed = |terminal: &Terminal| {
        let list = terminal.on_app(&["list", "--json"]).json();
        list["snapshots"].as_array().map(Vec::len)
    };
    assert_eq!(listed(&terminal), Some(3));
    let pruned = terminal.on_app(&["prune", "--keep-last", "2", "--json"]).json();
    assert_eq!(pruned["dry_run"], false);
    assert_eq!(listed(&terminal), Some(2));
}

#[test]
fn rules_of_retention_are_tried_out_for_each_kind() {
    let terminal = Terminal::new().with_notes(1);
    for _ in 0..3 {
        terminal.take();
    }
    let tried = ["prune", "--dry-run", "--keep-last", "periodic=1,rewind=4", "--keep-within", "1h"];
    let dry = terminal.on_app(&tried).done();
    assert_eq!(dry.matches("within 1h of the newest").count(), 3, "{dry}");
    assert!(dry.contains("newest 1 of its kind, within 1h of the newest"), "{dry}");
    let wrong = terminal.on_app(&["prune", "--keep-daily", "weekly=1"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("--keep-daily") && wrong.err.contains("periodic"), "{wrong:?}");
    let json = terminal.on_app(&["prune", "--dry-run", "--keep-last", "2", "--json"]).json();
    assert_eq!(json["snapshots"][1]["next_to_go"], true, "{json}");
    assert_eq!(json["snapshots"][2]["keep"], false, "{json}");
}

#[test]
fn an_export_in_either_format_comes_back_as_the_same_snapshot() {
    let terminal = Terminal::new().with_notes(3);
    let name = terminal.take();
    for format in ["json", "sqlite"] {
        let file = format!("out.{format}");
        let told = terminal.on_app(&["export", &name, "--format", format, "-o", &file]).done();
        assert_eq!(told, format!("exported {name} to {file}\n"));
        let imported = terminal.on_app(&["import", &file]).done();
        let diff = terminal.on_app(&["diff", &name, imported.trim_end(), "--json"]).json();
        let differ =
            |table: &Value| ["added", "removed", "changed"].iter().any(|count| table[*count] != 0);
        let tables = diff["tables"].as_array().expect("tables");
        assert!(!tables.is_empty() && !tables.iter().any(differ), "{format}: {diff}");
    }
}

#[test]
fn copy_and_mirror_bring_snapshots_to_other_stores() {
    let terminal = Terminal::new().with_notes(3);
    let first = terminal.take();
    let told = terminal.on_app(&["copy", &first, "--to", "copies"]).done();
    assert!(told.starts_with(&format!("copied {first} to copies: ")), "{told}");
    let second = terminal.on_app(&["take", "--mirror", "copies"]).done();
    let list = terminal.on_app(&["list", "--store", "copies"]).done();
    assert!(list.contains(&first) && list.contains(second.trim_end()), "{list}");
}

#[test]
fn a_store_whose_address_is_unknown_is_refused() {
    let error = Terminal::new().on_app(&["take", "--store", "ftp://bucket"]).failed();
    assert_eq!(
        error,
        "snapback: ftp://bucket: there is no kind of store with this address\n\
         hint: name a directory, or an address that begins with s3://, gs:// or az://\n"
    );
}

#[test]
fn an_export_never_overwrites_a_file() {
    let terminal = Terminal::new();
    let name = terminal.take();
    std::fs::write(terminal.file("mine.json"), "mine").expect("a file");
    let error = terminal.on_app(&["export", &name, "-o", "mine.json"]).failed();
    assert!(error.contains("mine.json"), "{error}");
    let kept = std::fs::read_to_string(terminal.file("mine.json")).expect("the file");
    assert_eq!(kept, "mine");
}

#[test]
fn an_export_that_cannot_be_written_says_what_to_do() {
    let terminal = Terminal::new();
    let name = terminal.take();
    for format in ["json", "sqlite"] {
        let export = ["export", &name, "--format", format, "-o", "no/such/folder"];
        let error = terminal.on_app(&export).failed();
        assert!(error.contains("no/such/folder"), "{error}");
        assert!(error.contains("\nhint: "), "{error}");
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let terminal = Terminal::new();
    terminal.take();
    let mut list = terminal
        .program()
        .args(["list", "--db", "app.db"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program runs");
    drop(list.stdout.take());
    let output = list.wait_with_output().expect("an end");
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}
