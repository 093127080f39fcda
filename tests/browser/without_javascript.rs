//! The console in a browser that runs no script: links, buttons and whole pages.

use super::Console;

#[test]
fn take_preview_restore_and_undo_need_no_script() {
    let console = Console::without_javascript();
    let browser = &console.browser;
    assert_eq!(browser.text("#keys-bar"), "", "nothing speaks of keys that do not work");

    browser.click("#take-open");
    browser.wait_for("main form input[name=note]");
    browser.type_into("main form input[name=note]", "by hand");
    browser.click("main form:has(input[name=note]) button");
    browser.wait_for("tr.snapshot");
    assert!(browser.text("#rows").contains("by hand"));
    let id = console.newest();
    console.more_events();
    let moved_on = console.app.state();

    browser.click("tr.snapshot button.open");
    browser.wait_for(".pane a.restore-open");
    browser.click(".pane a.restore-open");
    browser.wait_for("form.confirm input[name=confirm_id]");
    browser.type_into("form.confirm input[name=confirm_id]", &id);
    browser.click("form.confirm button.danger");
    browser.wait_for("tr.snapshot[data-kind=rewind]");

    let rewind = browser.attribute("tr.snapshot[data-kind=rewind]", "data-id").expect("an id");
    browser.click("tr.snapshot[data-kind=rewind] button.open");
    browser.wait_for(".pane a.restore-open");
    browser.click(".pane a.restore-open");
    browser.wait_for("form.confirm input[name=confirm_id]");
    browser.type_into("form.confirm input[name=confirm_id]", &rewind);
    browser.click("form.confirm button.danger");
    browser.wait_until("two safety copies", |browser| {
        browser.count("tr.snapshot[data-kind=rewind]") == 2
    });
    assert_eq!(console.app.state(), moved_on);
}

#[test]
fn the_wrong_id_is_refused_with_words_and_the_form_again() {
    let console = Console::without_javascript();
    let browser = &console.browser;
    browser.click("#take-open");
    browser.wait_for("main form input[name=note]");
    browser.click("main form:has(input[name=note]) button");
    browser.wait_for("tr.snapshot");
    browser.click("tr.snapshot button.open");
    browser.wait_for(".pane a.restore-open");
    browser.click(".pane a.restore-open");
    browser.wait_for("form.confirm input[name=confirm_id]");
    browser.type_into("form.confirm input[name=confirm_id]", "something else");
    browser.click("form.confirm button.danger");
    browser.wait_text("main", "confirm_id");
    browser.goto(&format!("{}/snapshots", console.base));
    browser.wait_for("#list");
    assert!(!browser.exists("tr.snapshot[data-kind=rewind]"), "nothing was restored");
}
