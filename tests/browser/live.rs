//! What moves by itself, and what must not.

use super::Console;
use super::weight::app_with_snapshots;
use crate::app::App;

#[test]
fn figures_move_when_the_application_goes_on() {
    let console = Console::with_snapshots(1);
    let browser = &console.browser;
    browser.wait_text("#where", "live");
    let behind = "tr.snapshot td[data-since]";
    browser.wait_until("7 behind", |browser| browser.text(behind) == "7");
    let focus = browser.active();
    console.app.events(1200);
    browser.wait_until("1 207 behind", |browser| browser.text(behind) == "1\u{202f}207");
    browser.wait_text("#place", "event 1\u{202f}247");
    browser.wait_text("#timeline .since", "1\u{202f}207 events since the newest snapshot");
    assert_eq!(browser.active(), focus);
}

#[test]
fn a_snapshot_taken_elsewhere_is_offered_and_comes_when_asked_for() {
    let console = Console::with_snapshots(1);
    let browser = &console.browser;
    console.preview();
    let focus = browser.active();
    browser.run("document.activeElement.mine = 'the same'");
    let other = console.app.reopen().take(Some("elsewhere"), "somebody").expect("a snapshot");
    browser.wait_until("1 new snapshot", |browser| {
        browser.count_shown("#news") == 1 && browser.text("#news") == "1 new snapshot"
    });
    browser.wait_text("#status", "1 new snapshot");
    assert_eq!(browser.count("tr.snapshot"), 1, "it comes when it is asked for");
    assert_eq!(browser.active(), focus);

    browser.click("#news");
    browser.wait_focus(&format!("#open-periodic-{}", other.snapshot_id));
    assert_eq!(browser.count("tr.snapshot"), 2);
    browser.wait_until("nothing new", |browser| browser.count_shown("#news") == 0);
    let same = browser.run(&format!("return document.getElementById('{focus}').mine"));
    assert_eq!(same, "the same", "the row that had the focus");
    assert!(browser.exists(".preview .pane"), "what was open stays open");
}

#[test]
fn a_snapshot_of_this_page_is_no_news() {
    let console = Console::with_snapshots(2);
    let browser = &console.browser;
    let app = &console.app;
    assert_eq!(browser.count_shown("#news"), 0);
    browser.wait_text("#where", "live");
    // Told after the page's own: once this is offered, they were told as well.
    app.reopen().take(None, "somebody").expect("a snapshot");
    browser.wait_until("one", |browser| browser.text("#news") == "1 new snapshot");
}

#[test]
fn a_snapshot_that_is_gone_elsewhere_is_told() {
    let console = Console::with_snapshots(2);
    let browser = &console.browser;
    let gone = console.app.listed().remove(0);
    console.app.reopen().delete(&gone, "somebody").expect("deleted");
    browser.wait_until("1 gone", |browser| browser.text("#news") == "1 gone");
    browser.click("#news");
    browser.wait_until("one row", |browser| browser.count("tr.snapshot") == 1);
    browser.wait_focus("tr.snapshot button.open");
}

#[test]
fn a_page_says_that_it_is_not_live_and_is_live_again_by_itself() {
    let mut console = Console::with_snapshots(1);
    console.browser.wait_text("#where", "· live");
    console.go_away();
    console.browser.wait_text("#where", "· not live");
    console.browser.wait_text("#status", "Not live");
    assert_eq!(console.browser.axe(), Vec::<String>::new());
    console.app.events(3);
    console.come_back();
    console.browser.wait_text("#where", "· live");
    console.browser.wait_text("#status", "Live again");
    let behind = "tr.snapshot td[data-since]";
    console.browser.wait_until("10 behind", |browser| browser.text(behind) == "10");
}

#[test]
fn pages_without_script_or_log_have_no_figure_that_could_stand_still() {
    let console = Console::without_javascript();
    assert_eq!(console.browser.text("#live"), "");
    assert_eq!(console.browser.count_shown("#news"), 0);
    let tables = App::new().tables_only("CREATE TABLE notes(id INTEGER PRIMARY KEY, text TEXT)");
    let console = Console::of(tables);
    console.browser.wait_text("#where", "· live");
    assert!(!console.browser.text("#where").contains("event"));
}

#[test]
fn a_list_that_is_narrowed_or_long_knows_what_it_does_not_show() {
    let console = Console::of(app_with_snapshots(120));
    let browser = &console.browser;
    browser.type_into("#filter", "old-00001");
    browser.wait_until("one row", |browser| browser.count("tr.snapshot") == 1);
    let other = console.app.reopen().take(None, "somebody").expect("a snapshot").snapshot();
    browser.wait_until("one", |browser| browser.text("#news") == "1 new snapshot");
    console.app.reopen().delete(&other, "somebody").expect("deleted");
    browser.wait_until("none", |browser| browser.count_shown("#news") == 0);
}
