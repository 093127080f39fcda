//! Connections that are slow or break, and servers that go down in the middle.

use std::time::Duration;

use snapback::ErrorKind;
use snapback::snapshot::Scope;

use super::verbs::verified;
use crate::app::{App, BY, request};
use crate::bucket::Bucket;

/// Rows that no compression makes small: several parts of an upload.
const LARGE: &str = "CREATE TABLE files(id INTEGER PRIMARY KEY, body BLOB);
    WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 180)
    INSERT INTO files SELECT i, randomblob(60000) FROM n";

const PAUSE: Duration = Duration::from_millis(2);

#[test]
fn a_take_over_a_slow_connection_does_not_keep_the_database_waiting() {
    let bucket = Bucket::new();
    let app = App::new().store_in(bucket.open()).with_events(5);
    let snapshots = app.snapshots();
    app.sql(LARGE);
    bucket.proxy().slow_down(PAUSE);
    std::thread::scope(|scope| {
        let take = scope.spawn(|| snapshots.take(None, BY).expect("taken"));
        // Rows are on their way to the bucket: all were read, or nothing would be uploaded yet.
        bucket.proxy().wait_for(1 << 20);
        // A truncating checkpoint is refused while anybody reads in an older state.
        let busy = app.value("PRAGMA wal_checkpoint(TRUNCATE)");
        assert!(!take.is_finished(), "the upload was over before it could be looked at");
        assert_eq!(busy, "0", "the take still reads the database");
        bucket.proxy().slow_down(Duration::ZERO);
        take.join().expect("no panic");
    });
    verified(&snapshots);
}

#[test]
fn connections_that_break_again_and_again_only_take_longer() {
    let bucket = Bucket::new();
    let app = App::new().store_in(bucket.open()).with_events(200);
    app.sql(
        "CREATE TABLE files(id INTEGER PRIMARY KEY, body BLOB);
        INSERT INTO files VALUES(1, randomblob(1000000))",
    );
    let before = app.state();
    bucket.proxy().cut_every(3_000_000);
    let snapshot = app.take("before");
    app.sql("DELETE FROM files");
    app.restore(&snapshot, Scope::Rewind);
    verified(&app.snapshots());
    assert_eq!(app.state(), before);
    assert!(bucket.proxy().cuts() > 0);
}

#[test]
fn a_take_survives_the_servers_restart() {
    let mut bucket = Bucket::new();
    let app = App::new().store_in(bucket.open()).with_events(5);
    let snapshots = app.snapshots();
    app.sql(LARGE);
    bucket.proxy().slow_down(PAUSE);
    std::thread::scope(|scope| {
        let take = scope.spawn(|| snapshots.take(None, BY).expect("taken"));
        bucket.proxy().wait_for(3 << 20);
        bucket.kill();
        assert!(!take.is_finished());
        bucket.proxy().slow_down(Duration::ZERO);
        bucket.revive();
        take.join().expect("no panic");
    });
    verified(&app.reopen_in(bucket.open()));
}

#[test]
fn a_restore_survives_the_servers_restart() {
    let mut bucket = Bucket::new();
    let app = App::new().store_in(bucket.open()).with_events(5);
    app.sql(LARGE);
    let before = app.state();
    let snapshot = app.take("before");
    app.sql("DELETE FROM files WHERE id > 20");
    let snapshots = app.snapshots();
    bucket.proxy().slow_down(PAUSE);
    let wanted = request(&snapshot, Scope::Rewind);
    std::thread::scope(|scope| {
        let restore = scope.spawn(|| snapshots.restore(&wanted).expect("restored"));
        bucket.proxy().wait_for(2 << 20);
        bucket.kill();
        assert!(!restore.is_finished());
        bucket.proxy().slow_down(Duration::ZERO);
        bucket.revive();
        restore.join().expect("no panic");
    });
    assert_eq!(app.state(), before);
    verified(&app.reopen_in(bucket.open()));
}

#[test]
fn a_restore_without_a_durable_safety_copy_changes_nothing() {
    let bucket = Bucket::new();
    let app = App::new().store_in(bucket.open_impatiently()).with_events(5);
    app.sql(LARGE);
    let snapshot = app.take("before");
    // The safety copy has to bring these up.
    app.sql("UPDATE files SET body = randomblob(60000)");
    let after = app.state();
    let snapshots = app.snapshots();
    bucket.proxy().slow_down(PAUSE);
    let wanted = request(&snapshot, Scope::Rewind);
    let error = std::thread::scope(|scope| {
        let restore = scope.spawn(|| snapshots.restore(&wanted));
        // What differs was read by now, and the copy is on its way.
        bucket.proxy().wait_for(12 << 20);
        bucket.proxy().cut_off();
        restore.join().expect("no panic").expect_err("the copy is not durable")
    });
    assert_eq!(error.kind(), ErrorKind::Failed, "{error}");
    assert_eq!(app.state(), after);
    bucket.proxy().slow_down(Duration::ZERO);
    bucket.proxy().reconnect();
    verified(&app.reopen_in(bucket.open()));
}

#[test]
fn a_server_that_cannot_be_reached_is_said_to_be() {
    let bucket = Bucket::new();
    let app = App::new().store_in(bucket.open_impatiently());
    bucket.proxy().cut_off();
    let error = app.try_open().err().expect("unreachable");
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.thing().starts_with(&bucket.location()), "{error}");
    assert!(error.next_step().contains("try again"), "{error:?}");
}
