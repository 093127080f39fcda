//! The form that stands before everything that takes data away.

use super::Console;

const FIELD: &str = "form.confirm input[name=confirm_id]";
const BUTTON: &str = "form.confirm button.danger";

#[test]
fn a_restore_waits_until_the_id_is_typed_exactly() {
    let console = Console::with_snapshots(1);
    let browser = &console.browser;
    let id = console.preview();
    browser.press("r");
    browser.wait_focus(FIELD);
    let disabled = || browser.attribute(BUTTON, "aria-disabled");
    assert_eq!(disabled().as_deref(), Some("true"));
    assert!(!browser.text("form.confirm .reason").is_empty(), "the reason is said");

    browser.type_text(&id[..id.len() - 1]);
    assert_eq!(disabled().as_deref(), Some("true"));
    browser.press("Enter");
    browser.wait_text("#status", &id);
    assert!(browser.has_focus(FIELD), "nothing was sent");
    assert!(!browser.exists("tr.snapshot[data-kind=rewind]"), "nothing was restored");

    browser.type_text(&id[id.len() - 1..]);
    assert_eq!(disabled().as_deref(), Some("false"));
    assert_eq!(browser.text("form.confirm .reason"), "");
    browser.press("Enter");
    browser.wait_focus("#result-title");
}

#[test]
fn a_plan_that_moved_on_is_shown_again_with_the_typed_id_kept() {
    let console = Console::with_snapshots(1);
    let browser = &console.browser;
    let id = console.preview();
    browser.press("r");
    browser.wait_focus(FIELD);
    browser.type_text(&id);
    console.more_events();
    browser.press("Enter");
    browser.wait_until("words about the new plan", |browser| !browser.text("#alert").is_empty());
    browser.wait_for(FIELD);
    assert_eq!(browser.value(FIELD), id);
    assert_ne!(browser.active(), "body");
    assert!(!browser.exists("tr.snapshot[data-kind=rewind]"), "nothing was restored");
}
