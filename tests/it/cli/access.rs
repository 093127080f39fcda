//! password and token, and serve with what they made.

use std::io::Write as _;
use std::process::Stdio;

use super::terminal::Terminal;

/// What `snapback password` prints when a line comes in.
fn password(terminal: &Terminal, line: impl AsRef<[u8]>) -> (Option<i32>, String, String) {
    let mut process = terminal
        .program()
        .arg("password")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut input = process.stdin.take().expect("its input");
    input.write_all(line.as_ref()).expect("a line");
    drop(input);
    let output = process.wait_with_output().expect("an end");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_password_becomes_a_hash_that_serve_takes() {
    let terminal = Terminal::new();
    let (code, hash, err) = password(&terminal, "correct horse\n");
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(hash.starts_with("$argon2id$v=19$") && hash.ends_with('\n'), "{hash}");
    assert!(!hash.contains("correct"));
    std::fs::write(terminal.file("hash"), &hash).expect("a file");
    // The database is looked for once the options are understood.
    let answer = terminal.run(&[
        "serve",
        "--db",
        "missing.db",
        "--listen",
        "127.0.0.1:0",
        "--password-hash-file",
        "hash",
    ]);
    assert_eq!(
        answer.failed(),
        "snapback: missing.db: there is no database\n\
         hint: check the path given with --db; Snapback never creates a database\n"
    );
}

#[test]
fn a_short_password_is_refused() {
    let (code, out, err) = password(&Terminal::new(), "short\n");
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert_eq!(
        err,
        "snapback: password: the password is too short\n\
         hint: choose one of at least 8 characters, better of 15\n"
    );
}

#[test]
fn a_token_is_made_with_its_hash() {
    let made = Terminal::new().run(&["token", "nightly", "--json"]).json();
    let (token, hash) = (made["token"].as_str(), made["token_hash"].as_str());
    let (token, hash) = (token.expect("a token"), hash.expect("a hash"));
    assert!(token.starts_with("snapback_") && token.len() == 52, "{token}");
    assert!(hash.starts_with("nightly=") && !hash.contains(token), "{hash}");
}

#[test]
fn a_password_given_in_place_of_its_hash_is_not_repeated() {
    let terminal = Terminal::new();
    for option in ["--password-hash", "--token-hash"] {
        let listen = ["serve", "--db", "app.db", "--listen", "127.0.0.1:0"];
        let answer = terminal.run(&[&listen[..], &[option, "hunter2hunter2"]].concat());
        let said = answer.failed();
        assert!(said.contains("hint: make one with `snapback "), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn beyond_this_machine_a_password_is_required() {
    let said = Terminal::new().run(&["serve", "--db", "app.db", "--listen", "0.0.0.0:0"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("hint: set a password (`snapback password`)"), "{}", said.err);
}

#[test]
fn a_password_that_cannot_be_read_says_what_to_do() {
    let (code, out, err) = password(&Terminal::new(), b"\xff\xfe\n");
    assert_eq!((code, out.as_str()), (Some(1), ""));
    let hint = "\nhint: send it as one line of UTF-8, or type it at a terminal\n";
    assert!(err.starts_with("snapback: standard input: the password cannot be read"), "{err}");
    assert!(err.ends_with(hint), "{err}");
}
