//! Trying out rules of retention.

use super::Console;

#[test]
fn rules_are_tried_out_while_they_are_typed() {
    let console = Console::with_snapshots(3);
    let browser = &console.browser;
    browser.goto(&format!("{}/retention", console.base));
    browser.wait_focus("#keep-last");
    browser.press_with_control('a');
    browser.type_text("1");
    browser.wait_text("#simulation", "1 snapshot would stay, 2 would go");
    browser.wait_text("#simulation", "--keep-last 1");
    assert!(browser.has_focus("#keep-last"), "typing goes on");
    browser.type_into("#keep-weekly", "x");
    browser.wait_text("#alert", "This is no number of snapshots");
    assert_eq!(console.app.listed().len(), 3);
}

#[test]
fn rules_can_be_tried_out_without_scripts() {
    let console = Console::without_javascript();
    let browser = &console.browser;
    console.app.take("one");
    console.app.take("two");
    browser.goto(&format!("{}/retention?keep-last=1", console.base));
    assert!(browser.text("main").contains("1 snapshot would stay, 1 would go"));
    browser.type_into("#keep-last", "0");
    browser.click("#rules button");
    // Behind the 1 that is there.
    browser.wait_text("#simulation", "2 snapshots would stay, 0 would go");
    browser.wait_text("#simulation", "--keep-last 10");
}
