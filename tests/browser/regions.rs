//! What a screen reader is told, and by which parts of the page.

use serde_json::json;

use super::Console;

#[test]
fn one_status_and_one_alert_region_are_there_and_empty_before_any_script_runs() {
    let console = Console::without_javascript();
    let browser = &console.browser;
    for page in ["/snapshots", "/history", "/retention", "/nowhere"] {
        browser.goto(&format!("{}{page}", console.base));
        for role in ["status", "alert"] {
            let regions = format!("[role={role}]");
            browser.wait_for(&regions);
            assert_eq!(browser.count(&regions), 1, "{role} on {page}");
            assert_eq!(browser.text(&regions), "", "{role} on {page}");
        }
        // A further one would tell everything a second time, and whole tables with it.
        assert!(!browser.exists("[aria-live]"), "{page}");
    }
}

#[test]
fn a_swap_keeps_the_regions_that_are_listened_to() {
    let console = Console::open();
    let browser = &console.browser;
    browser.look("void (window.regions = [...document.querySelectorAll('#status, #alert')])");
    console.take("one");
    browser.press("Enter");
    browser.wait_text("#status", "No rows differ");
    assert_eq!(browser.look("window.regions.every(region => region.isConnected)"), json!(true));
}

#[test]
fn the_list_is_a_native_table_whose_rows_have_one_button_each() {
    let console = Console::with_snapshots(2);
    let browser = &console.browser;
    assert_eq!(browser.count("table#list > thead th[scope=col]"), 10);
    assert_eq!(browser.count("tr.snapshot button"), 2);
    let named = "[...document.querySelectorAll('tr.snapshot button')].every(button =>\
                 document.getElementById(button.getAttribute('aria-controls'))?.closest('tr')\
                 === button.closest('tr').nextElementSibling)";
    assert_eq!(browser.look(named), json!(true), "the preview opens in the row right below");
}

#[test]
fn the_confirmation_tells_what_will_happen_before_it_asks() {
    let console = Console::with_snapshots(1);
    let browser = &console.browser;
    let id = console.preview();
    browser.press("r");
    browser.wait_focus("input[name=confirm_id]");
    let text = browser.text("form.confirm");
    let (before, _) = text.split_once("Type the snapshot id").expect("the label of the field");
    for words in ["messages: ", "rewind snapshot", "undone with", "keep the event log", "events"] {
        assert!(before.contains(words), "{words} in {before}");
    }
    assert_eq!(browser.text("form.confirm label code"), id, "it can be read and copied");
    let described = "document.getElementById(document.querySelector('form.confirm button.danger')\
                     .getAttribute('aria-describedby')).textContent";
    assert!(browser.look(described).to_string().contains("Waits for the snapshot's id"));
}
