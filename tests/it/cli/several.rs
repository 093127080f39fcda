//! serve with several databases.

use std::path::Path;
use std::time::{Duration, Instant};

use super::served::Console;
use super::terminal::Terminal;
use super::webhook::Listener;

fn wait(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_mins(1), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The snapshots in a store, by their files.
fn snapshots(store: &Path) -> Vec<String> {
    let files = std::fs::read_dir(store.join("snapshots/periodic")).into_iter().flatten();
    let mut names: Vec<String> = files
        .map(|file| file.expect("a file").file_name().to_string_lossy().into_owned())
        // Without what is still being written.
        .filter(|name| !name.contains('#'))
        .collect();
    names.sort();
    names
}

fn copy(terminal: &Terminal, to: &str) {
    let into = format!("VACUUM INTO '{}'", terminal.file(to).display());
    terminal.app().execute_batch(&into).expect("a copy");
}

#[test]
fn a_named_database_is_served_below_its_name_and_an_unnamed_one_by_plain_paths() {
    let terminal = Terminal::new().with_notes(1);
    copy(&terminal, "other.db");
    let plain = Console::start(&terminal, &["serve", "--db", "app.db"]);
    assert!(plain.get("/snapshots").starts_with("HTTP/1.1 200"));
    assert!(plain.get("/d/app/snapshots").starts_with("HTTP/1.1 404"));
    let arguments = ["serve", "--db", "orders=app.db", "--db", "other.db"];
    let console = Console::start(&terminal, &arguments);
    assert!(console.said.starts_with("databases 2 (orders, other)\n"), "{}", console.said);
    for path in ["/", "/d", "/d/orders/snapshots", "/d/other/snapshots", "/healthz"] {
        let answer = console.get(path);
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
    assert!(console.get("/snapshots").starts_with("HTTP/1.1 404"));
    // Each has its store beside it.
    assert!(
        terminal.file("app.db.snapback").is_dir() && terminal.file("other.db.snapback").is_dir()
    );
}

#[test]
fn files_that_fit_a_pattern_are_served_those_too_that_come_later() {
    let terminal = Terminal::new().with_notes(1);
    std::fs::create_dir(terminal.file("tenants")).expect("a folder");
    copy(&terminal, "tenants/acme.db");
    let arguments = ["serve", "--db-glob", "tenants/*.db", "--store", "all"];
    let console = Console::start(&terminal, &arguments);
    assert!(console.get("/d/acme/snapshots").starts_with("HTTP/1.1 200"));
    assert!(console.get("/d/later/snapshots").starts_with("HTTP/1.1 404"));
    copy(&terminal, "tenants/later.db");
    assert!(console.get("/d/later/snapshots").starts_with("HTTP/1.1 200"));
    assert!(terminal.file("all/acme").is_dir() && terminal.file("all/later").is_dir());
}

#[test]
fn each_database_is_taken_by_its_own_schedule() {
    let terminal = Terminal::new().with_notes(1);
    copy(&terminal, "often.db");
    copy(&terminal, "never.db");
    std::fs::write(
        terminal.file("snapback.toml"),
        "[databases.often]\ndb = \"often.db\"\nevery = \"1h\"\n\
         [databases.never]\ndb = \"never.db\"\n",
    )
    .expect("a file");
    let console = Console::start(&terminal, &["serve", "--config", "snapback.toml"]);
    let taken = |name: &str| {
        let folder = terminal.file(&format!("{name}.db.snapback/snapshots/periodic"));
        std::fs::read_dir(folder).map_or(0, Iterator::count)
    };
    wait("a take", || console.get("/d/often/history").contains("<bdi>schedule</bdi>"));
    assert_eq!((taken("often"), taken("never")), (1, 0));
}

#[test]
fn a_name_that_cannot_be_one_is_bad_usage() {
    let terminal = Terminal::new();
    let answer = terminal.run(&["serve", "--db", "a b=app.db"]);
    assert_eq!(answer.code, Some(2));
    assert!(
        answer.err.contains(
            "a b: this cannot be the name of a database; use letters, digits, '.', '_' and '-', a \
             letter or digit first, at most 128"
        ),
        "{}",
        answer.err
    );
    let answer = terminal.run(&["serve", "--db", "x=app.db", "--db", "x=other.db"]).failed();
    assert_eq!(
        answer,
        "snapback: x: two databases have the same name\n  app.db\n  other.db\n\
         hint: give another name to one of them: NAME=other.db\n"
    );
}

#[test]
fn each_database_has_the_mirror_that_the_file_names_and_no_other() {
    let terminal = Terminal::new().with_notes(1);
    copy(&terminal, "b.db");
    copy(&terminal, "c.db");
    std::fs::write(
        terminal.file("snapback.toml"),
        "mirror = \"mirrors\"\n\
         [databases.a]\ndb = \"app.db\"\nmirror = \"of-a\"\n\
         [databases.b]\ndb = \"b.db\"\nmirror = \"of-b\"\n\
         [databases.c]\ndb = \"c.db\"\n",
    )
    .expect("a file");
    let console = Console::start(&terminal, &["serve", "--config", "snapback.toml"]);
    // As many of each as tell them apart: ids are alike when they are taken in one second.
    for (name, count) in [("a", 1), ("b", 2), ("c", 3)] {
        for _ in 0..count {
            let taken = console.post(&format!("/d/{name}/snapshots/take"), "");
            assert!(taken.starts_with("HTTP/1.1 303"), "{taken}");
        }
    }
    for (store, mirror, count) in
        [("app.db", "of-a", 1), ("b.db", "of-b", 2), ("c.db", "mirrors/c", 3)]
    {
        let (store, mirror) = (terminal.file(&format!("{store}.snapback")), terminal.file(mirror));
        wait("a copy of each", || snapshots(&mirror).len() >= count);
        assert_eq!(snapshots(&mirror), snapshots(&store));
        assert_eq!(snapshots(&store).len(), count);
    }
    let mirrors = std::fs::read_dir(terminal.file("mirrors")).expect("the common folder");
    assert_eq!(mirrors.count(), 1);

    // What one lacks when the console begins it gets without a take.
    assert_eq!(console.stop("TERM").code(), Some(0));
    for mirror in ["of-b", "mirrors/c"] {
        std::fs::remove_dir_all(terminal.file(mirror)).expect("removed");
    }
    let console = Console::start(&terminal, &["serve", "--config", "snapback.toml"]);
    console.get("/");
    for (store, mirror) in [("b.db", "of-b"), ("c.db", "mirrors/c")] {
        let (store, mirror) = (terminal.file(&format!("{store}.snapback")), terminal.file(mirror));
        wait("what was lost", || snapshots(&mirror) == snapshots(&store));
    }
}

#[test]
fn each_database_has_the_hooks_and_the_webhook_that_the_file_names() {
    let terminal = Terminal::new().with_notes(1);
    copy(&terminal, "b.db");
    copy(&terminal, "c.db");
    let (of_all, of_b) = (Listener::answering(&[200]), Listener::answering(&[200]));
    let hook = |name: &str| format!("\"sh -c 'echo $SNAPBACK_DB >> hook-{name}'\"");
    std::fs::write(
        terminal.file("snapback.toml"),
        format!(
            "webhook = \"{}\"\nafter-take = {}\n\
             [databases.a]\ndb = \"app.db\"\n\
             [databases.b]\ndb = \"b.db\"\nwebhook = \"{}\"\nafter-take = {}\n\
             [databases.c]\ndb = \"c.db\"\nafter-restore = {}\n",
            of_all.address,
            hook("of-all"),
            of_b.address,
            hook("of-b"),
            hook("restore-of-c")
        ),
    )
    .expect("a file");
    let console = Console::start(&terminal, &["serve", "--config", "snapback.toml"]);
    for name in ["a", "b", "c"] {
        console.post(&format!("/d/{name}/snapshots/take"), "");
    }
    let told = |name: &str| {
        let text = std::fs::read_to_string(terminal.file(&format!("hook-{name}")));
        let text = text.unwrap_or_default();
        let mut files: Vec<String> =
            text.lines().map(|line| line.rsplit('/').next().unwrap_or_default().into()).collect();
        files.sort();
        files
    };
    wait("three hooks", || told("of-all").len() + told("of-b").len() == 3);
    assert_eq!(
        (told("of-all"), told("of-b")),
        (vec!["app.db".into(), "c.db".into()], vec!["b.db".to_owned()])
    );

    for (name, store) in [("a", "app.db.snapback"), ("b", "b.db.snapback")] {
        let packs = std::fs::read_dir(terminal.file(store).join("packs")).expect("packs");
        for pack in packs {
            std::fs::remove_file(pack.expect("a pack").path()).expect("damaged");
        }
        let list = console.facts(&format!("/d/{name}/snapshots"));
        let id = list["snapshots"][0]["snapshot_id"].as_str().expect("an id").to_owned();
        console.post(&format!("/d/{name}/snapshots/{id}/verify"), "kind=periodic");
    }
    for (listener, file) in [(&of_all, "/app.db"), (&of_b, "/b.db")] {
        let failure = listener.next();
        assert!(failure["database"].as_str().is_some_and(|path| path.ends_with(file)), "{failure}");
        assert_eq!(failure["verb"], "verify");
    }
    assert_eq!(console.stop("TERM").code(), Some(0));
    assert!(of_all.is_done() && of_b.is_done());
}
