//! What was confirmed is what is done.

use snapback::ErrorKind;
use snapback::snapshot::{RestoreRequest, Scope, SnapshotRef};

use crate::app::{App, request};

fn planned(snapshot: &SnapshotRef, plan: &str, moving: bool) -> RestoreRequest {
    RestoreRequest { plan: Some(plan.to_owned()), moving, ..request(snapshot, Scope::Rewind) }
}

fn shown(app: &App, snapshot: &SnapshotRef) -> String {
    app.preview(snapshot).plan.expect("a plan")
}

#[test]
fn a_plan_that_still_holds_is_done() {
    let app = App::new().with_events(30);
    let before = app.state();
    let snapshot = app.take("before");
    app.events(10);
    let plan = shown(&app, &snapshot);
    assert_eq!(plan, shown(&app, &snapshot), "the same state gives the same plan");
    app.try_restore(&planned(&snapshot, &plan, false)).expect("the plan holds");
    assert_eq!(app.state(), before);
}

#[test]
fn a_database_that_moved_on_is_told_with_the_new_plan_and_what_is_new() {
    let app = App::new().with_events(30);
    let snapshot = app.take("before");
    let plan = shown(&app, &snapshot);
    app.events(2);
    let state = app.state();
    let error = app.try_restore(&planned(&snapshot, &plan, false)).expect_err("moved on");
    assert_eq!(error.kind(), ErrorKind::PlanMoved);
    assert_eq!(error.detail_lines(), ["message_sent ×2 since the plan was shown"]);
    assert_eq!(app.state(), state);
    assert_eq!(
        app.listed(),
        std::slice::from_ref(&snapshot),
        "no safety copy of what was not restored"
    );
    let new = error.new_plan().expect("the new plan").plan.clone().expect("its fingerprint");
    assert_eq!(new, shown(&app, &snapshot));
    app.try_restore(&planned(&snapshot, &new, false)).expect("the new plan holds");
}

#[test]
fn rows_that_changed_without_an_event_move_the_plan_too() {
    let app = App::new().with_events(30);
    let snapshot = app.take("before");
    let plan = shown(&app, &snapshot);
    app.sql("DELETE FROM memories");
    let error = app.try_restore(&planned(&snapshot, &plan, false)).expect_err("moved on");
    assert_eq!(error.detail_lines(), ["rows or the schema changed without a new event"]);
}

#[test]
fn a_moving_plan_accepts_what_arrives_later() {
    let app = App::new().with_events(30);
    let before = app.state();
    let snapshot = app.take("before");
    let plan = shown(&app, &snapshot);
    app.events(20);
    app.try_restore(&planned(&snapshot, &plan, true)).expect("later is fine");
    assert_eq!(app.state(), before);
}

#[test]
fn a_moving_plan_accepts_no_earlier_position_and_no_other_schema() {
    let app = App::new().with_events(30);
    let snapshot = app.take("before");
    app.events(10);
    let plan = shown(&app, &snapshot);
    app.restore(&snapshot, Scope::Rewind);
    let error = app.try_restore(&planned(&snapshot, &plan, true)).expect_err("earlier");
    assert_eq!(error.kind(), ErrorKind::PlanMoved);
    let plan = shown(&app, &snapshot);
    app.sql("CREATE TABLE later(x)");
    let error = app.try_restore(&planned(&snapshot, &plan, true)).expect_err("another schema");
    assert_eq!(error.kind(), ErrorKind::PlanMoved);
}

#[test]
fn the_plan_of_one_snapshot_is_none_of_another() {
    let app = App::new().with_events(30);
    let first = app.take("first");
    app.events(3);
    let second = app.take("second");
    let plan = shown(&app, &first);
    let error = app.try_restore(&planned(&second, &plan, true)).expect_err("another snapshot");
    assert_eq!(error.kind(), ErrorKind::PlanMoved);
}

#[test]
fn a_plan_that_was_never_shown_is_refused() {
    let app = App::new().with_events(30);
    let snapshot = app.take("before");
    let state = app.state();
    for plan in
        ["", "x", "30", "30-", "30--", "-1-a-b", "99999999999999999999-a-b", "30-\u{0}-\u{ff}"]
    {
        for moving in [false, true] {
            let error =
                app.try_restore(&planned(&snapshot, plan, moving)).expect_err("never shown");
            assert_eq!(error.kind(), ErrorKind::PlanMoved, "{plan:?}");
        }
    }
    assert_eq!(app.state(), state);
}
