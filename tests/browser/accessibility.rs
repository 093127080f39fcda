//! What a machine can tell about reading the pages: axe's rules, in light and dark, and widths.

use super::rows::app_with_changes;
use super::{Browser, Console};
use crate::app::{App, named};

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
    for page in ["history", "retention"] {
        browser.goto(&format!("{}/{page}", console.base));
        clean(browser, page);
    }
}

#[test]
fn the_help_dialog_is_free_of_violations_in_light_and_dark() {
    let console = Console::open();
    console.browser.press("?");
    console.browser.wait_for("dialog[open]");
    clean(&console.browser, "help");
}

#[test]
fn changed_rows_events_and_comparisons_are_free_of_violations() {
    let console = Console::of(app_with_changes());
    let browser = &console.browser;
    console.preview();
    browser.click("tr.change-table[data-table=profiles] a");
    browser.wait_for("table.rows .json-changes");
    clean(browser, "rows-of-every-sort");
    browser.goto(&format!("{}/snapshots", console.base));
    console.preview();
    browser.click(".events-col .all a");
    browser.wait_for(".event-rows");
    clean(browser, "events");
    browser.goto(&format!("{}/snapshots", console.base));
    browser.press("x");
    browser.press("c");
    browser.wait_for("#result .comparison");
    clean(browser, "compare");
    browser.click("#result .events-col .all a");
    browser.wait_for("#result .event-rows");
    clean(browser, "compare-events");
}

#[test]
fn forms_are_free_of_violations() {
    let console = Console::with_snapshots(1);
    let browser = &console.browser;
    browser.press("t");
    browser.wait_focus("#take-note");
    clean(browser, "take");
    browser.press("Escape");
    browser.click("#import-open");
    browser.wait_for("#tool input[type=file]");
    clean(browser, "import");
    browser.press("Escape");
    browser.press("D");
    browser.wait_focus("input[name=confirm_id]");
    clean(browser, "delete");
    for page in ["take", "import"] {
        browser.goto(&format!("{}/snapshots/{page}", console.base));
        clean(browser, &format!("{page}-page"));
    }
}

#[test]
fn empty_states_say_what_to_do_and_are_free_of_violations() {
    let console = Console::open();
    let browser = &console.browser;
    browser.wait_text("#rows", "No snapshot yet");
    clean(browser, "empty");
    browser.goto(&format!("{}/history", console.base));
    browser.wait_text("main", "Nothing was done yet");
    clean(browser, "history-empty");
    browser.goto(&format!("{}/snapshots", console.base));
    browser.wait_for("#keys-bar kbd");
    console.take("nothing has happened since");
    browser.press("Enter");
    browser.wait_text(".preview", "every table is as in the snapshot");
    clean(browser, "nothing-differs");
    browser.press("/");
    browser.type_text("no such thing");
    browser.wait_text("#shown", "0 of 1 snapshot");
    clean(browser, "no-match");
}

#[test]
fn a_database_without_an_event_log_is_free_of_violations() {
    let app = App::new().tables_only("CREATE TABLE notes(id INTEGER PRIMARY KEY, text TEXT)");
    app.take("before");
    app.sql("INSERT INTO notes(text) VALUES('one')");
    let console = Console::of(app);
    console.preview();
    console.browser.wait_text(".preview", "--event-table");
    clean(&console.browser, "no-event-log");
}

#[test]
fn errors_say_what_to_do_and_are_free_of_violations() {
    let console = Console::with_snapshots(1);
    let browser = &console.browser;
    let id = console.preview();
    // The plan moves on between look and leap.
    browser.press("r");
    browser.wait_focus("input[name=confirm_id]");
    browser.type_text(&id);
    console.more_events();
    browser.press("Enter");
    browser.wait_for(".error");
    clean(browser, "plan-moved");

    let damaged = named("periodic/damaged");
    console.app.drop_in(&damaged, "{\"last_event_id\": 4, ");
    browser.goto(&format!("{}/snapshots", console.base));
    browser.wait_for("#row-periodic-damaged");
    browser.press("G");
    browser.press("g");
    browser.press("g");
    browser.click("#open-periodic-damaged");
    browser.wait_for("#preview-periodic-damaged .error");
    assert!(browser.exists("#preview-periodic-damaged a.delete-open"), "it can be deleted");
    assert!(browser.has_focus("#open-periodic-damaged"), "the focus stays on the button");
    browser.wait_until("it is told", |browser| browser.text("#alert").contains("damaged"));
    clean(browser, "damaged");
    browser.goto(&format!("{}/snapshots/damaged/preview?kind=periodic", console.base));
    browser.wait_for(".error a.delete-open");
    clean(browser, "damaged-page");
    for (name, path) in [
        ("not-found", "/nowhere"),
        ("no-kind", "/snapshots/damaged/preview"),
        ("no-marks", "/snapshots/compare"),
    ] {
        browser.goto(&format!("{}{path}", console.base));
        browser.wait_for(".error .hint");
        clean(browser, name);
    }
}
