//! Work that takes long: seen, left, found again, cancelled.

use std::sync::Arc;

use snapback::snapshot::SnapshotRef;

use super::Console;
use crate::app::App;
use crate::held::{Access, HeldStore};

/// A console on a store that can be held, with one snapshot in it.
fn console(store: &HeldStore) -> (Console, SnapshotRef) {
    let app = App::new().with_events(40).store_over(Arc::new(store.clone()));
    let snapshot = app.take("whole");
    app.events(7);
    (Console::of(app), snapshot)
}

#[test]
fn long_work_survives_a_reload_and_tells_its_outcome_where_the_person_is() {
    let store = HeldStore::default();
    let (console, _) = console(&store);
    let browser = &console.browser;
    let hold = store.hold(Access::Write, "packs/");
    browser.press("t");
    browser.wait_focus("#tool input[name=note]");
    browser.type_text("a large one");
    browser.press("Enter");
    browser.wait_focus(".job h2");
    browser.wait_text("#status", "Taking a snapshot is under way");
    assert!(browser.exists(".job progress"));
    assert!(!browser.exists("#tool form"), "the form went");
    assert_eq!(browser.axe(), Vec::<String>::new());
    for width in [320, 1280] {
        browser.resize(width, 900);
        browser.screenshot(&format!("job-{width}"));
        assert_eq!(browser.overflow(), 0, "{width} pixels wide");
    }

    browser.reload();
    browser.wait_for("#jobs .job");
    browser.goto(&format!("{}/history", console.base));
    browser.wait_for("#jobs .job");
    drop(hold);
    browser.wait_gone(".job");
    browser.wait_text("#status", "Snapshot taken: periodic/");
    browser.wait_text("#result", "Snapshot taken");
}

#[test]
fn an_outcome_leaves_the_focus_where_somebody_works() {
    let store = HeldStore::default();
    let (console, snapshot) = console(&store);
    let browser = &console.browser;
    console.preview();
    let hold = store.hold(Access::Read, "packs/");
    browser.click("form.verify button");
    browser.wait_focus(".job h2");
    browser.press("/");
    browser.wait_focus("#filter");
    drop(hold);
    browser.wait_text("#status", &format!("{snapshot} is intact"));
    browser.wait_gone(".job");
    assert!(browser.has_focus("#filter"), "{}", browser.active());
}

#[test]
fn an_outcome_has_the_focus_of_the_work_that_it_ends() {
    let store = HeldStore::default();
    let (console, _) = console(&store);
    let browser = &console.browser;
    console.preview();
    let hold = store.hold(Access::Read, "packs/");
    browser.click("form.verify button");
    browser.wait_focus(".job h2");
    drop(hold);
    browser.wait_focus("#result-title");
    assert!(!browser.exists(".job"));
}

#[test]
fn long_work_can_be_cancelled_with_keys() {
    let store = HeldStore::default();
    let (console, _) = console(&store);
    let browser = &console.browser;
    console.preview();
    let hold = store.hold(Access::Read, "packs/");
    browser.click("form.verify button");
    browser.wait_focus(".job h2");
    browser.press("Tab");
    browser.wait_focus(".job button");
    browser.press("Enter");
    browser.wait_text(".job", "cancelling");
    assert_ne!(browser.active(), "body");
    drop(hold);
    browser.wait_gone(".job");
    browser.wait_text("#alert", "The operation was cancelled.");
    assert!(browser.text("#result").contains("Nothing was changed."));
}

#[test]
fn a_restore_that_writes_says_that_it_is_too_late_to_cancel() {
    let store = HeldStore::default();
    let (console, snapshot) = console(&store);
    let browser = &console.browser;
    console.preview();
    browser.press("r");
    browser.wait_focus("input[name=confirm_id]");
    let hold = store.hold(Access::Write, "snapshots/rewind/");
    browser.type_text(snapshot.id.as_str());
    browser.press("Enter");
    browser.wait_focus(".job h2");
    assert!(!browser.exists("form.confirm"), "what runs cannot be confirmed again");
    browser.click(".job button");
    browser.wait_text("#alert", "Too late to cancel");
    assert!(!browser.exists(".job button"));
    drop(hold);
    browser.wait_text("#result", "Restored");
    assert!(browser.exists("a#undo"), "the way back is next to the result");
}

#[test]
fn work_of_another_page_is_shown_here_too() {
    let store = HeldStore::default();
    let (console, _) = console(&store);
    let browser = &console.browser;
    browser.wait_text("#where", "· live");
    let focus = browser.active();
    let hold = store.hold(Access::Write, "packs/");
    let client = std::thread::scope(|scope| {
        let posted = scope.spawn(|| console.post("/snapshots/take"));
        browser.wait_for("#jobs .job");
        assert_eq!(browser.active(), focus);
        drop(hold);
        posted.join().expect("an answer")
    });
    assert!(client.starts_with("HTTP/1.0 303"), "{client}");
    browser.wait_gone(".job");
}
