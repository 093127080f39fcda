//! The harness itself keeps its promises.

use snapback::snapshot::Scope;

use crate::app::{App, invariant_holds};

#[test]
fn an_application_is_taken_restored_and_undone() {
    let app = App::new().with_events(60);
    let before = app.state();
    let snapshot = app.take("before");
    app.events(40);
    let after = app.state();
    let restored = app.restore(&snapshot, Scope::Rewind);
    assert_eq!(app.state(), before);
    app.undo(&restored);
    assert_eq!(app.state(), after);
}

#[test]
fn values_that_look_alike_are_told_apart() {
    let app = App::new();
    let row =
        &app.query("SELECT 1, 1.0, '1', x'31', 0.0, -0.0, 9e999, NULL, 'NULL', 'a' || char(0)")[0];
    let distinct: std::collections::HashSet<_> = row.iter().collect();
    assert_eq!(distinct.len(), row.len(), "{row:?}");
}

#[test]
fn live_writers_keep_the_invariant() {
    let app = App::new();
    let writer = app.writer();
    writer.wait_for(100);
    assert!(invariant_holds(&app.application()));
    let written = writer.stop();
    assert_eq!(written.errors, Vec::<String>::new());
    assert_eq!(app.position().unsigned_abs(), written.transactions);
}
