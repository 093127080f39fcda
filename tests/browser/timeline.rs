//! The picture over the list: each mark leads to its snapshot.

use super::Console;

#[test]
fn enter_on_a_mark_goes_to_the_button_of_its_row() {
    let console = Console::with_snapshots(2);
    let browser = &console.browser;
    let button = format!("open-periodic-{}", console.newest());
    let mark = format!("#timeline a[href='#{button}']");
    browser.wait_for(&mark);
    browser.goto(&format!("{}/snapshots", console.base));
    browser.wait_for(&mark);
    for _ in 0..12 {
        if browser.has_focus(&mark) {
            break;
        }
        browser.press("Tab");
    }
    browser.wait_focus(&mark);
    browser.press("Enter");
    browser.wait_focus(&format!("#{button}"));
}
