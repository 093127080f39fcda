//! The help dialog, and the switch in it that turns the keys off.

use super::Console;

#[test]
fn the_help_dialog_lists_the_keys_and_closes_with_escape() {
    let console = Console::open();
    let browser = &console.browser;
    browser.press("?");
    browser.wait_for("dialog#help[open]");
    for words in ["next snapshot", "opens its confirmation", "take a snapshot", "filter"] {
        assert!(browser.text("#help").contains(words), "{words} in the help");
    }
    browser.press("t");
    assert!(!browser.exists("#tool form"), "keys rest behind an open dialog");
    browser.press("Escape");
    browser.wait_gone("dialog#help[open]");
}

#[test]
fn keys_that_are_switched_off_stay_off_and_can_be_switched_on_again() {
    let console = Console::open();
    let browser = &console.browser;
    browser.press("?");
    browser.wait_for("dialog#help[open]");
    browser.click("#keys-on");
    browser.press("Escape");
    browser.wait_gone("dialog#help[open]");

    browser.reload();
    browser.wait_text("#keys-bar", "off");
    browser.press("?");
    assert!(!browser.exists("dialog#help[open]"), "? is a key like the others");

    browser.click("#help-open");
    browser.wait_for("dialog#help[open]");
    browser.click("#keys-on");
    browser.press("Escape");
    browser.wait_gone("dialog#help[open]");
    browser.press("t");
    browser.wait_focus("#tool input[name=note]");
}
