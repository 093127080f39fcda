//! What a machine can tell about reading the pages: axe's rules, in light and dark, and widths.

use super::{Browser, Console};

/// Fails with axe's words when the page breaks a rule in light or in dark.
fn clean(browser: &Browser, page: &str) {
    for dark in [false, true] {
        browser.prefers_dark(dark);
        let look = if dark { "dark" } else { "light" };
        browser.screenshot(&format!("{page}-{look}"));
        assert_eq!(browser.axe(), Vec::<String>::new(), "{page} in {look}");
    }
}

#[test]
fn every_step_of_a_restore_is_free_of_violations_in_light_and_dark() {
    let console = Console::with_snapshots(2);
    let browser = &console.browser;
    clean(browser, "list");
    let id = console.preview();
    clean(browser, "preview");
    browser.press("n");
    browser.press("Enter");
    browser.wait_for("table.rows");
    clean(browser, "rows");
    browser.press("r");
    browser.wait_focus("input[name=confirm_id]");
    clean(browser, "confirmation");
    browser.type_text(&id);
    browser.press("Enter");
    browser.wait_focus("#result-title");
    clean(browser, "result");
    browser.goto(&format!("{}/history", console.base));
    clean(browser, "history");
}

#[test]
fn the_help_dialog_is_free_of_violations_in_light_and_dark() {
    let console = Console::open();
    console.browser.press("?");
    console.browser.wait_for("dialog[open]");
    clean(&console.browser, "help");
}

#[test]
fn no_width_makes_the_page_scroll_sideways() {
    let console = Console::with_snapshots(2);
    let browser = &console.browser;
    console.preview();
    browser.press("r");
    browser.wait_focus("input[name=confirm_id]");
    for width in [320, 480, 768, 1024, 1280, 1920, 2560] {
        browser.resize(width, 900);
        browser.screenshot(&format!("width-{width}"));
        assert_eq!(browser.overflow(), 0, "{width} pixels wide");
    }
}
