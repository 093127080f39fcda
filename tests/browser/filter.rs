//! Finding a snapshot by typing a part of its id, kind or note.

use super::Console;

#[test]
fn the_filter_leaves_the_rows_that_match_and_counts_them() {
    let console = Console::with_snapshots(3);
    let browser = &console.browser;
    browser.press("/");
    browser.wait_focus("#filter");
    browser.type_text("second the");
    browser.wait_text("#status", "1 of 3");
    browser.wait_until("one row", |browser| browser.count_shown("tr.snapshot") == 1);
    assert!(browser.has_focus("#filter"), "typing goes on");

    browser.press("Enter");
    browser.wait_focus("tr.snapshot button.open");
    browser.press("/");
    browser.press("Escape");
    browser.wait_until("all rows", |browser| browser.count_shown("tr.snapshot") == 3);
    assert!(browser.has_focus("tr.snapshot button.open"), "back in the list");
}
