//! Several machines on one bucket at once.

use std::process::{Command, Output};
use std::time::Duration;

use snapback::snapshot::{Kind, Scope, SnapshotRef};

use super::verbs::{insist, verified};
use crate::app::{App, BY, request};
use crate::bucket::Bucket;
use crate::writer::LiveWriter;

/// How often each of them does its part: more where `SNAPBACK_ROUNDS` says so.
fn rounds() -> usize {
    std::env::var("SNAPBACK_ROUNDS").map_or(3, |rounds| rounds.parse().expect("a number"))
}

/// Runs the program on the application's database and the bucket.
fn run(app: &App, bucket: &Bucket, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_snapback"))
        .args(arguments)
        .arg("--db")
        .arg(app.db_path())
        .args(["--store", &bucket.location(), "--cache-size", "0"])
        .envs(bucket.settings())
        .output()
        .expect("the program")
}

/// Runs it until it succeeds: as `insist` does.
fn insist_on(app: &App, bucket: &Bucket, arguments: &[&str]) -> String {
    loop {
        let done = run(app, bucket, arguments);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        if done.status.success() {
            return String::from_utf8(done.stdout).expect("text");
        }
        let passing = ["were removed while it was taken", "the store is in use by another"];
        assert!(passing.iter().any(|passing| said.contains(passing)), "{arguments:?}: {said}");
    }
}

#[test]
fn two_consoles_and_a_command_line_on_one_bucket_lose_nothing() {
    let (bucket, rounds) = (Bucket::new(), rounds());
    let app = App::new().grace(Duration::from_secs(5)).keep_last(4).store_in(bucket.open());
    let app = app.with_events(40);
    let first = app.take("first");
    app.pin(&first);
    let (one, other) = (app.snapshots(), app.reopen_in(bucket.open()));
    let writer = LiveWriter::calm(&app.db_path());
    let by_command = std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..rounds {
                insist(|| one.take(None, BY));
                insist(|| one.prune(false, BY));
            }
        });
        scope.spawn(|| {
            for _ in 0..rounds {
                insist(|| other.restore(&request(&first, Scope::Tables)));
                insist(|| other.prune(false, BY));
            }
        });
        let command = scope.spawn(|| {
            let id = first.id.to_string();
            let taken = |_| -> SnapshotRef {
                let restore = ["restore", &first.to_string(), "--confirm", &id, "--keep-last", "4"];
                insist_on(&app, &bucket, &restore);
                insist_on(&app, &bucket, &["prune", "--keep-last", "4"]);
                let said = insist_on(&app, &bucket, &["take", "--keep-last", "4"]);
                said.trim().parse().expect("the name of a snapshot")
            };
            (0..rounds).map(taken).last().expect("a round")
        });
        command.join().expect("no panic")
    });
    assert_eq!(writer.stop().errors, [""; 0]);
    let fresh = app.reopen_in(bucket.open());
    let list = fresh.list().expect("a list");
    let of = |kind| list.snapshots.iter().filter(|entry| entry.kind == kind).count();
    // Pinned is the first alone; each console and the program took as many as there were rounds.
    assert_eq!((of(Kind::Rewind), of(Kind::Periodic)), ((2 * rounds).min(4), 1 + 4));
    let done = |action| {
        let history = fresh.history(10_000).expect("a history");
        history.into_iter().filter(|one| one.action == action && one.ok).count()
    };
    assert_eq!(done(snapback::snapshot::Action::Take), 1 + 2 * rounds);
    assert_eq!(done(snapback::snapshot::Action::Restore), 2 * rounds);
    assert!(
        fresh
            .history(10_000)
            .expect("a history")
            .iter()
            .any(|one| { one.snapshot.as_ref() == Some(&by_command) && one.ok })
    );
    verified(&fresh);
    assert_eq!(app.value("PRAGMA integrity_check"), "'ok'");
}
