//! Processes that are killed while the application writes: at any moment, and at each step.

#[cfg(target_os = "linux")]
mod steps;
mod survival;
#[cfg(target_os = "linux")]
mod tracer;

use std::time::{Duration, Instant};

use super::process::Process;
use super::seeded::Seeded;
use survival::{DELETE, IMPORT, Operation, PRUNE, RESTORE, REWIND, Survival, TAKE};

/// How often each operation is killed at any moment: `just crash` does it more often.
fn kills() -> u32 {
    let text = std::env::var("SNAPBACK_KILLS").unwrap_or_else(|_| "20".to_owned());
    text.parse().expect("SNAPBACK_KILLS is a number")
}

/// Kills an operation at moments spread over its duration.
fn survives_being_killed(operation: &'static Operation) {
    let mut random = Seeded::new(operation.name);
    let mut survival = Survival::of(operation);
    // The first is let live: it tells how long the operation takes.
    let duration = survival.check("unharmed", |app, arguments| {
        let start = Instant::now();
        let output = Process::start(app, arguments).wait();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        start.elapsed()
    });
    let killed_after = |survival: &mut Survival, wait: Duration, number: u32| {
        survival.check(&format!("kill {number}"), |app, arguments| {
            let process = Process::start(app, arguments);
            std::thread::sleep(wait);
            process.kill()
        })
    };
    let at_work = (1..=kills())
        .filter(|number| {
            killed_after(&mut survival, duration.mul_f64(random.fraction() * 1.1), *number)
        })
        .count();
    assert!(at_work > 0, "{} was over before every kill", operation.name);
}

#[test]
fn a_take_can_be_killed_at_any_moment() {
    survives_being_killed(&TAKE);
}

#[test]
fn a_rewind_can_be_killed_at_any_moment() {
    survives_being_killed(&REWIND);
}

#[test]
fn a_restore_of_tables_can_be_killed_at_any_moment() {
    survives_being_killed(&RESTORE);
}

#[test]
fn a_prune_can_be_killed_at_any_moment() {
    survives_being_killed(&PRUNE);
}

#[test]
fn a_deletion_can_be_killed_at_any_moment() {
    survives_being_killed(&DELETE);
}

#[test]
fn an_import_can_be_killed_at_any_moment() {
    survives_being_killed(&IMPORT);
}
