//! Killed before each call that changes a file, at each step of the store and of the commit; and
//! each of them failing.

use super::survival::{DELETE, IMPORT, Operation, PRUNE, RESTORE, REWIND, Survival, TAKE};
use super::tracer::{Blow, Step, struck};

/// More than any operation makes: a guard against counting for ever.
const MOST: usize = 500;

/// Kills an operation before its first step, before its second, and so on until it has no more.
fn survives_every_step(operation: &'static Operation) {
    let mut survival = Survival::of(operation);
    for number in 0.. {
        assert!(number < MOST, "there is no end of {}", operation.name);
        let run = survival.check(&format!("killed before step {number}"), |app, arguments| {
            struck(app, number, Blow::Kill, arguments)
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

/// Lets each step of an operation fail in turn. It says so, or has done what was asked all the same.
fn survives_every_failed_step(operation: &'static Operation) {
    let mut survival = Survival::of(operation);
    let mut told = 0;
    for number in 0.. {
        assert!(number < MOST, "there is no end of {}", operation.name);
        let run = survival.check(&format!("step {number} fails"), |app, arguments| {
            struck(app, number, Blow::Fail, arguments)
        });
        let failed = run.steps.get(number);
        match run.code {
            Some(0) => {}
            Some(1) => {
                assert!(run.stderr.contains("\nhint: "), "{failed:?}: {}", run.stderr);
                told += 1;
            }
            code => panic!("{code:?} after {failed:?}: {}", run.stderr),
        }
        if failed.is_none() {
            assert!(told > 3, "{} says nothing of failures", operation.name);
            return;
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_take_survives_every_failed_step() {
    survives_every_failed_step(&TAKE);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_rewind_survives_every_failed_step() {
    survives_every_failed_step(&REWIND);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_prune_survives_every_failed_step() {
    survives_every_failed_step(&PRUNE);
}

/// What an operation does when nothing befalls it.
fn steps_of(operation: &'static Operation) -> Vec<Step> {
    let run = Survival::of(operation)
        .check("unharmed", |app, arguments| struck(app, usize::MAX, Blow::Kill, arguments));
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    run.steps
}

/// The file of the store whose place a step takes or empties.
fn placed(step: &Step) -> Option<&str> {
    let of_the_store = step.file.contains("/app.snapback/") && !step.file.contains("/cache/");
    let (name, rest) = step.file.split_once('#').unwrap_or((&step.file, ""));
    let places = match step.call {
        "rename" | "link" => true,
        "unlink" => rest.is_empty(),
        _ => false,
    };
    (of_the_store && places).then_some(name)
}

#[test]
fn what_is_relied_on_is_durable_first() {
    for operation in [&TAKE, &REWIND, &PRUNE, &DELETE, &IMPORT] {
        let steps = steps_of(operation);
        let is_synced = |steps: &[Step], file: &str| {
            steps.iter().any(|step| step.call == "sync" && step.file.starts_with(file))
        };
        let relies = |step: &Step| {
            placed(step).is_some() || step.call == "pwrite" && step.file.contains("/app.db")
        };
        for (at, step) in steps.iter().enumerate() {
            let Some(name) = placed(step) else { continue };
            let (before, after) = (&steps[..at], &steps[at + 1..]);
            let content = format!("{name}#");
            if step.call != "unlink" {
                let written = before
                    .iter()
                    .rposition(|step| step.call == "write" && step.file.starts_with(&content))
                    .unwrap_or_else(|| panic!("{name} is never written"));
                assert!(is_synced(&before[written..], &content), "{name} may be empty: {steps:#?}");
            }
            let next = after.iter().position(relies).unwrap_or(after.len());
            let folder = name.rsplit_once('/').expect("a folder").0;
            let synced =
                after[..next].iter().any(|step| step.call == "sync" && step.file == folder);
            assert!(synced, "{} of {name} may be undone: {steps:#?}", step.call);
        }
        let place = |call: &str, file: &str| {
            steps.iter().position(|step| step.call == call && step.file.contains(file))
        };
        if let Some(first) = place("pwrite", "/app.db") {
            let copy = place("link", "/snapshots/rewind/").expect("a safety copy");
            assert!(copy < first, "the database changes before its copy is there: {steps:#?}");
        }
    }
}
