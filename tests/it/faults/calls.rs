//! Errors that the system gives to single calls, through strace.

use std::process::{Command, Output};

use super::process::under;
use super::scene::assert_all_sound;
use crate::app::{App, named};

/// More calls than any command makes: a guard against counting for ever.
const MOST: u32 = 300;

/// Runs the program with an error injected into some of its calls; says how many calls failed.
fn injected(
    app: &App,
    calls: &str,
    error: &str,
    when: &str,
    arguments: &[&str],
) -> (Output, usize) {
    let log = app.file("strace.log");
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-e", &format!("trace={calls}")])
        .args(["-e", &format!("inject={calls}:error={error}:when={when}")])
        .arg("-o")
        .arg(&log)
        .arg(env!("CARGO_BIN_EXE_snapback"));
    under(&mut strace, app, arguments);
    let output = strace.output().expect("these tests need strace: sudo apt-get install -y strace");
    let log = std::fs::read_to_string(&log).expect("a log of the calls");
    let hits = log.lines().filter(|line| line.contains("(INJECTED)")).count();
    (output, hits)
}

/// Fails each sync of a command in turn. The database is as it was, or as asked if the command says
/// so; what is listed is whole; the next attempt works.
fn every_failed_sync_is_told(arguments: fn(&App) -> Vec<String>) {
    for number in 1.. {
        assert!(number < MOST, "there is no end of syncs");
        let app = App::in_memory().with_events(60);
        app.take("older");
        app.events(40);
        let before = app.state();
        let words = arguments(&app);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let calls = "fsync,fdatasync";
        let (output, hits) = injected(&app, calls, "EIO", &number.to_string(), &words);
        if hits == 0 {
            assert!(output.status.success());
            assert!(number > 3, "a command that syncs is expected");
            break;
        }
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        let context = format!("sync {number}: {error}");
        if output.status.code() == Some(1) {
            assert!(error.contains("\nhint: "), "{context}");
            assert_eq!(app.state(), before, "{context}");
        } else {
            assert!(output.status.success(), "{context}");
        }
        assert_eq!(app.value("PRAGMA integrity_check"), "'ok'", "{context}");
        assert_all_sound(&app.reopen(), &context);
        let (again, _) = injected(&app, calls, "EIO", "10000", &words);
        assert!(again.status.success(), "{context}");
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// The arguments that restore the snapshot of a scene.
fn rewind(app: &App) -> Vec<String> {
    let listed = app.listed();
    let oldest = listed.last().expect("a snapshot");
    let name = named(&oldest.to_string());
    words(&["restore", &name.to_string(), "--confirm", name.id.as_str(), "--scope", "rewind"])
}

#[test]
fn a_take_survives_every_failed_sync() {
    every_failed_sync_is_told(|_| words(&["take", "--note", "a note"]));
}

#[test]
fn a_restore_survives_every_failed_sync() {
    every_failed_sync_is_told(rewind);
}

#[test]
fn interrupted_calls_are_made_again() {
    let app = App::in_memory().with_events(60);
    app.take("older");
    app.events(40);
    for words in [words(&["take"]), rewind(&app)] {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (output, hits) = injected(&app, "write,pwrite64", "EINTR", "2+3", &words);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(hits > 0, "nothing was interrupted");
        assert!(output.status.success(), "{error}");
    }
    assert_eq!(app.position(), 60);
    assert_all_sound(&app.snapshots(), "after interrupted calls");
}
