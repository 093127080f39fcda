//! serve with several databases.

use super::served::Console;
use super::terminal::Terminal;

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
    let start = std::time::Instant::now();
    while !console.get("/d/often/history").contains("<bdi>schedule</bdi>") {
        assert!(start.elapsed().as_secs() < 60, "never taken");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
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
