//! The configuration file: what it says, what wins over it, and what is wrong with it.

use serde_json::json;

use super::terminal::Terminal;

/// A folder with `app.db`, and a file that says this.
fn with_file(text: &str) -> Terminal {
    let terminal = Terminal::new().with_notes(3);
    std::fs::write(terminal.file("snapback.toml"), text).expect("a file");
    terminal
}

/// Copies the application's database.
fn copy(terminal: &Terminal, to: &str) {
    let path = terminal.file(to);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
    let into = format!("VACUUM INTO '{}'", path.display());
    terminal.app().execute_batch(&into).expect("a copy");
}

const CHECK: [&str; 4] = ["config", "check", "--config", "snapback.toml"];

#[test]
fn a_check_prints_what_would_be_served() {
    let terminal = with_file(
        r#"
        listen = "127.0.0.1:7999"
        open-at-once = 4
        every = "1h"
        keep-daily = 7

        [databases.orders]
        db = "app.db"
        store = "elsewhere"
        every = "15m"

        [folders.tenants]
        db-glob = "tenants/*.db"
        "#,
    );
    copy(&terminal, "tenants/acme.db");
    copy(&terminal, "tenants/beta.db");
    assert_eq!(
        terminal.run(&CHECK).done(),
        "listens at 127.0.0.1:7999, without a password\n\
         4 databases open at once\n\
         DATABASE  FILE    STORE      SCHEDULE   KEEPS                       STATE\n\
         orders    app.db  elsewhere  every 15m  keep-last 5, keep-daily 7   sound\n\
         tenants/*.db: acme, beta\n"
            .replace("7   sound", "7  sound")
            .replace("KEEPS                       STATE", "KEEPS                      STATE")
    );
    let told = terminal.run(&[&CHECK[..], &["--json"]].concat()).json();
    assert_eq!(told["databases"][0]["store"], "elsewhere");
    assert_eq!(told["folders"][0]["databases"], json!(["acme", "beta"]));
    assert!(!terminal.file("elsewhere").exists(), "a check writes nothing");
}

#[test]
fn a_database_that_cannot_be_opened_fails_the_check_with_the_reason() {
    let terminal = with_file("[databases.gone]\ndb = \"gone.db\"\n");
    let answer = terminal.run(&CHECK);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.out.ends_with("there is no database\n"), "{}", answer.out);
}

#[test]
fn what_is_wrong_with_a_file_is_said_whole() {
    let cases = [
        (
            "listne = \"127.0.0.1:1\"",
            "snapback: snapback.toml: listne: the configuration has a key that is not known\n\
             hint: the nearest one is listen\n",
        ),
        (
            "[databases.orders]\ndb = \"app.db\"\nkeep-dayly = 7",
            "snapback: snapback.toml: databases.orders.keep-dayly: the configuration has a key that \
             is not known\nhint: the nearest one is keep-daily\n",
        ),
        (
            "[database.orders]\ndb = \"app.db\"",
            "snapback: snapback.toml: database: the configuration has a key that is not known\n\
             hint: the nearest one is databases\n",
        ),
        (
            "[databases.orders]\ndb = \"app.db\"\nlisten = \"127.0.0.1:1\"",
            "snapback: snapback.toml: databases.orders.listen: the configuration has a key that is \
             not known\nhint: it holds for the whole file: write it above the first table\n",
        ),
        (
            "every = \"soon\"",
            "snapback: snapback.toml: every: the value of the key is not understood: state a time \
             such as 24h or 90m\nhint: write its value as for --every\n",
        ),
        (
            "every = 1.5",
            "snapback: snapback.toml: every: the key takes a text or a whole number, not a number \
             with a fraction\nhint: write its value as for --every\n",
        ),
        (
            "host = true",
            "snapback: snapback.toml: host: the key takes texts in brackets, not true or false\n\
             hint: write its value as for --host\n",
        ),
        (
            "behind-tls = \"yes\"",
            "snapback: snapback.toml: behind-tls: the key takes true or false, not a text\n\
             hint: write its value as for --behind-tls\n",
        ),
        (
            "[databases.\"a b\"]\ndb = \"app.db\"",
            "snapback: snapback.toml: databases.a b: this cannot be the name of a database\n\
             hint: use letters, digits, '.', '_' and '-', a letter or digit first, at most 128\n",
        ),
        (
            "[databases.orders]\nstore = \"s\"",
            "snapback: snapback.toml: databases.orders: the table does not say which database it is \
             about\nhint: add the key db\n",
        ),
        (
            "databases = 3",
            "snapback: snapback.toml: databases: the key takes a table, not a whole number\n\
             hint: write [databases] or [databases.NAME] above the keys that belong to it\n",
        ),
        (
            "every = 15m",
            "snapback: snapback.toml, line 1: the configuration is no TOML (…)\n\
             hint: write a key, = and a value; texts stand in quotes\n",
        ),
        (
            "listen = \"127.0.0.1:1\"",
            "snapback: no database is named\n\
             hint: name one with --db, or in the file with db or [databases.NAME]\n",
        ),
        (
            "db = [\"a=app.db\", \"a=other.db\"]",
            "snapback: a: two databases have the same name\n  app.db\n  other.db\n\
             hint: give another name to one of them: NAME=other.db\n",
        ),
        (
            "db-glob = [\"te[nants\"]",
            "snapback: te[nants: the pattern of databases cannot be read (Pattern syntax error near \
             position 2: invalid range pattern)\n\
             hint: write it as in tenants/*.db: * and ? stand for parts of a name\n",
        ),
    ];
    for (text, expected) in cases {
        let terminal = with_file(text);
        for arguments in [&CHECK[..], &["serve", "--config", "snapback.toml"]] {
            let told = terminal.run(arguments).failed();
            let told = match (told.find("no TOML ("), told.find(")\n")) {
                (Some(start), Some(end)) => format!("{}no TOML (…{}", &told[..start], &told[end..]),
                _ => told,
            };
            assert_eq!(told, expected, "{text}: {arguments:?}");
        }
    }
}

#[test]
fn a_file_that_is_not_there_is_told_as_json_where_facts_are() {
    let answer = Terminal::new().run(&["list", "--config", "gone.toml", "--json"]).failed();
    let told: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(told["error"]["thing"], "gone.toml");
    assert_eq!(told["error"]["hint"], "check the path given with --config");
}

#[test]
fn commands_pick_one_of_the_databases_by_its_name() {
    let terminal = with_file(
        r#"
        store = "stores"
        [databases.orders]
        db = "app.db"
        [folders.tenants]
        db-glob = "tenants/*.db"
        keep-last = 1
        "#,
    );
    copy(&terminal, "tenants/acme.db");
    std::fs::create_dir(terminal.file("stores")).expect("a folder");
    let file = ["--config", "snapback.toml"];
    let on = |name: &str, verb: &str| terminal.run(&[&[verb, "--name", name][..], &file].concat());
    on("orders", "take").done();
    for _ in 0..2 {
        on("acme", "take").done();
    }
    let listed = |name: &str| {
        let list = terminal.run(&[&["list", "--json", "--name", name][..], &file].concat()).json();
        list["snapshots"].as_array().expect("a list").len()
    };
    assert_eq!((listed("orders"), listed("acme")), (1, 1), "keep-last holds for the folder");
    assert!(terminal.file("stores/orders").is_dir() && terminal.file("stores/acme").is_dir());
    assert_eq!(
        terminal.run(&[&["list"][..], &file].concat()).failed(),
        "snapback: the file tells of several databases\n  acme\n  orders\n\
         hint: say which one is meant with --name\n"
    );
    assert_eq!(
        on("nobody", "list").failed(),
        "snapback: nobody: there is no database of this name\n\
         hint: choose one of those that `snapback config check` prints\n"
    );
}

#[test]
fn the_command_line_and_the_environment_win_over_the_file() {
    let terminal = with_file("db = \"app.db\"\nstore = \"of-the-file\"\nkeep-last = 1\n");
    let file = ["--config", "snapback.toml"];
    terminal.run(&[&["take"][..], &file].concat()).done();
    assert!(terminal.file("of-the-file").is_dir());
    terminal.run(&[&["take", "--store", "given"][..], &file].concat()).done();
    assert!(terminal.file("given").is_dir());
    let variables = [("SNAPBACK_STORE", "around"), ("SNAPBACK_CONFIG", "snapback.toml")];
    terminal.run_in(&variables, &["take"]).done();
    assert!(terminal.file("around").is_dir());
    let variables = [("SNAPBACK_DB", "missing.db")];
    let named = ["--log-format", "json", "take", "--name", "app"];
    std::fs::write(terminal.file("named.toml"), "db = [\"app=app.db\", \"b=b.db\"]\n")
        .expect("a file");
    terminal.run_in(&variables, &[&named[..], &["--config", "named.toml"]].concat()).done();
    // And what the file says holds where nobody says otherwise.
    terminal.run(&[&["take"][..], &file].concat()).done();
    let list = terminal.run(&[&["list", "--json"][..], &file].concat()).json();
    assert_eq!(list["snapshots"].as_array().map(Vec::len), Some(1));
}

#[test]
fn paths_of_a_file_are_meant_from_its_own_folder() {
    let terminal = Terminal::new();
    let folder = terminal.file("etc");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("snapback.toml"), "db = \"../app.db\"\nstore = \"here\"\n")
        .expect("a file");
    terminal.run(&["take", "--config", "etc/snapback.toml"]).done();
    assert!(terminal.file("etc/here").is_dir());
}
