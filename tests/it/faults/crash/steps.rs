//! Killed before each call that changes a file: at each step of the store, and of the commit.

use super::survival::{DELETE, IMPORT, Operation, PRUNE, RESTORE, REWIND, Survival, TAKE};
use super::tracer::killed_before;

/// More than any operation makes: a guard against counting for ever.
const MOST: usize = 500;

/// Kills an operation before its first step, before its second, and so on until it has no more.
fn survives_every_step(operation: &'static Operation) {
    let mut survival = Survival::of(operation);
    for number in 0.. {
        assert!(number < MOST, "there is no end of {}", operation.name);
        let run = survival.check(&format!("killed before step {number}"), |app, arguments| {
            killed_before(app, number, arguments)
        });
        let Some(code) = run.code else { continue };
        // It had no such step: it was killed before each that it has.
        assert_eq!(code, 0, "{}: {}", operation.name, run.stderr);
        for named in operation.steps {
            let (call, file) = named.split_once(' ').expect("a call and a file");
            let made = run.steps.iter().any(|step| step.call == call && step.file.contains(file));
            assert!(made, "{} made no {named}: {:#?}", operation.name, run.steps);
        }
        return;
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
