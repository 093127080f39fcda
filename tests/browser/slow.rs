//! A server that takes its time, and one that goes away.

use super::Console;

#[test]
fn what_takes_long_disables_its_control_and_says_so_until_the_answer_is_there() {
    let (console, gate) = Console::behind_a_gate();
    let browser = &console.browser;
    browser.press("t");
    browser.wait_focus("#take-note");
    browser.type_text("slow");
    gate.shut();
    browser.press("Enter");
    browser.wait_for("#take-form button:disabled");
    browser.wait_text("#status", "Under way");
    assert_eq!(browser.attribute("#take-form", "aria-busy").as_deref(), Some("true"));
    assert_ne!(browser.active(), "body", "the focus is not lost meanwhile");
    browser.press("Enter");
    gate.open();
    browser.wait_for("tr.snapshot");
    browser.wait_focus("tr.snapshot button.open");
    assert_eq!(browser.count("tr.snapshot"), 1, "it was sent once");
}

#[test]
fn a_preview_that_takes_long_is_asked_for_once_and_can_be_walked_away_from() {
    let (console, gate) = Console::behind_a_gate();
    let browser = &console.browser;
    console.take("one");
    console.take("two");
    gate.shut();
    browser.press("Enter");
    browser.wait_for("tr.snapshot button.open[aria-busy=true]");
    browser.press("Enter");
    browser.press("j");
    let second = browser.active();
    gate.open();
    browser.wait_for(".preview .pane");
    assert_eq!(browser.active(), second, "the focus stays where it went");
    assert_eq!(browser.count(".preview .pane"), 1);
}

#[test]
fn a_server_that_went_away_is_told_with_what_to_do_and_the_page_goes_on_working() {
    let (console, gate) = Console::behind_a_gate();
    let browser = &console.browser;
    console.take("one");
    gate.break_off();
    browser.press("Enter");
    browser.wait_text("#alert", "Is Snapback still running?");
    assert!(browser.has_focus("tr.snapshot button.open"), "the focus stays");
    assert!(!browser.exists("[aria-busy=true]"), "nothing waits any more");
    browser.press("t");
    browser.wait_until("told again", |browser| browser.text("#alert").contains("No answer"));
    browser.press("?");
    browser.wait_for("dialog[open]");
}

#[test]
fn a_change_that_got_no_answer_points_to_the_history() {
    let (console, gate) = Console::behind_a_gate();
    let browser = &console.browser;
    browser.press("t");
    browser.wait_focus("#take-note");
    gate.break_off();
    browser.press("Enter");
    browser.wait_text("#alert", "look in History");
    browser.wait_for("#take-form button:enabled");
    browser.wait_focus("#take-form *");
}
