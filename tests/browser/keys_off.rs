//! The console for somebody who switched the keys off, or uses a mouse.

use super::Console;

#[test]
fn everything_is_reached_without_keys_of_our_own() {
    let console = Console::open();
    let browser = &console.browser;
    browser.click("#help-open");
    browser.wait_for("dialog[open]");
    browser.click("#keys-on");
    browser.press("Escape");
    browser.wait_gone("dialog[open]");

    browser.click("#take-open");
    browser.wait_focus("#take-note");
    browser.type_text("by mouse");
    browser.click("#take-form button");
    browser.wait_focus("tr.snapshot button.open");
    let id = console.newest();
    for key in ["j", "r", "t", "x", "c", "D", "u", "?", "/"] {
        browser.press(key);
    }
    assert!(browser.has_focus("tr.snapshot button.open"), "letters do nothing now");
    assert!(!browser.exists(".preview .pane, #tool form, dialog[open], input:checked.mark"));
    console.more_events();

    // Enter, Space and Tab belong to the browser, and Escape still leaves.
    browser.press("Enter");
    browser.wait_for(".preview .pane");
    browser.click(".preview a.restore-open");
    browser.wait_focus("input[name=confirm_id]");
    browser.press("Escape");
    browser.wait_gone("form.confirm");
    browser.wait_focus(".preview a.restore-open");
    browser.press("Enter");
    browser.wait_focus("input[name=confirm_id]");
    browser.type_text(&id);
    browser.click("form.confirm button.danger");
    browser.wait_focus("#result-title");
    browser.press("Tab");
    browser.press("Tab");
    assert!(browser.has_focus("a#undo"), "undo is next to the result");
    browser.press("Enter");
    browser.wait_focus("input[name=confirm_id]");

    browser.click("tr.snapshot .mark");
    browser.click("#compare button");
    browser.wait_for("#result .comparison");
}

#[test]
fn the_whole_row_opens_for_the_mouse_and_a_mark_does_not() {
    let console = Console::with_snapshots(1);
    let browser = &console.browser;
    browser.click("tr.snapshot .mark");
    assert!(!browser.exists(".preview .pane"));
    browser.click("tr.snapshot td.note");
    browser.wait_for(".preview .pane");
    browser.click("tr.snapshot td.note");
    browser.wait_gone(".preview .pane");
}
