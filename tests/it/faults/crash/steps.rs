//! Killed at each call that changes a file: at each step of the store, and of the commit.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output};

use super::super::process::under;
use super::survival::{DELETE, IMPORT, Operation, PRUNE, RESTORE, REWIND, Survival, TAKE};
use crate::app::App;

/// The calls that change files, names or what is durable.
const CALLS: [&str; 12] = [
    "write",
    "pwrite64",
    "ftruncate",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
];

/// More of one call than any operation makes: a guard against counting for ever.
const MOST: u32 = 500;

/// Runs the program, to be killed at the `number`th `call` of any of its threads. What was called
/// is in the log.
fn killed_at(app: &App, call: &str, number: u32, arguments: &[&str]) -> (Output, String) {
    let log = app.file("strace.log");
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-e", &format!("trace={}", CALLS.join(","))])
        .args(["-e", &format!("inject={call}:signal=SIGKILL:when={number}")])
        .arg("-o")
        .arg(&log)
        .arg(env!("CARGO_BIN_EXE_snapback"));
    under(&mut strace, app, arguments);
    let output = strace.output().expect("these tests need strace: sudo apt-get install -y strace");
    (output, std::fs::read_to_string(&log).expect("a log of the calls"))
}

/// Kills an operation at its first call of each kind, at its second, and so on until it has no more.
/// A call that the kill comes at is not made, as a rule: the one before it was the last step.
fn survives_every_step(operation: &'static Operation) {
    let mut survival = Survival::of(operation);
    let mut killed_by = BTreeSet::new();
    for call in CALLS {
        for number in 1.. {
            assert!(number < MOST, "there is no end of {call}");
            let context = format!("killed at {call} {number}");
            let (output, log) =
                survival.check(&context, |app, arguments| killed_at(app, call, number, arguments));
            if output.status.signal().is_none() {
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{context}: {said}");
                break;
            }
            assert!(log.contains("+++ killed by SIGKILL +++"), "{context}: {log}");
            killed_by.insert(call);
        }
    }
    for step in ["fsync", "write"] {
        assert!(killed_by.contains(step), "{} was never killed at {step}", operation.name);
    }
}

#[test]
fn a_take_can_be_killed_at_every_step() {
    survives_every_step(&TAKE);
}

#[test]
fn a_rewind_can_be_killed_at_every_step() {
    survives_every_step(&REWIND);
}

#[test]
fn a_restore_of_tables_can_be_killed_at_every_step() {
    survives_every_step(&RESTORE);
}

#[test]
fn a_prune_can_be_killed_at_every_step() {
    survives_every_step(&PRUNE);
}

#[test]
fn a_deletion_can_be_killed_at_every_step() {
    survives_every_step(&DELETE);
}

#[test]
fn an_import_can_be_killed_at_every_step() {
    survives_every_step(&IMPORT);
}
