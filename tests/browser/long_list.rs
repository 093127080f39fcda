//! A list that is too long to be sent at once.

use super::Console;
use super::weight::app_with_snapshots;

const ROWS: &str = "tr.snapshot";

#[test]
fn more_rows_come_as_the_end_comes_into_sight_and_the_focus_and_the_page_stay() {
    let console = Console::of(app_with_snapshots(230));
    let browser = &console.browser;
    assert_eq!(browser.count(ROWS), 100);
    browser.press("j");
    let first = browser.active();
    browser.scroll_to("tr.more-row");
    let place = || browser.look("Math.round(window.scrollY)");
    let before = place();
    browser.wait_until("the next rows", |browser| browser.count(ROWS) == 200);
    assert_eq!(browser.active(), first, "the focus stays where it was");
    assert_eq!(place(), before, "the page does not jump");
}

#[test]
fn walking_past_the_last_loaded_row_goes_on_in_the_next_ones() {
    let console = Console::of(app_with_snapshots(120));
    let browser = &console.browser;
    browser.resize(1280, 600);
    browser.press("G");
    browser.wait_until("all rows", |browser| browser.count(ROWS) == 120);
    browser.press("G");
    assert!(browser.has_focus("tr.snapshot:nth-last-child(2) .open"), "the very last");
    assert!(!browser.exists("tr.more-row"), "there is no more");
}

#[test]
fn the_filter_finds_what_is_not_loaded_yet_by_id_kind_and_date() {
    let console = Console::of(app_with_snapshots(230));
    let browser = &console.browser;
    let oldest = "old-00001";
    assert!(!browser.text("#rows").contains(oldest));
    browser.press("/");
    browser.type_text(oldest);
    browser.wait_until("the one row", |browser| browser.count_shown(ROWS) == 1);
    browser.wait_text("#rows", oldest);
    browser.wait_text("#shown", "1 of 230 snapshots");
    assert!(browser.has_focus("#filter"), "typing goes on");
    browser.press("Escape");
    browser.wait_until("the first rows again", |browser| browser.count_shown(ROWS) == 100);
    browser.wait_text("#shown", "230 snapshots");
    browser.press("/");
    browser.type_text("rewind old-001");
    browser.wait_text("#status", "of 230 snapshots");
    browser.press("Enter");
    browser.wait_focus("tr.snapshot[data-kind=rewind] .open");
    browser.press("/");
    browser.type_text("no such thing");
    browser.wait_text("#rows", "No snapshot matches");
}

#[test]
fn without_a_script_the_rest_of_the_list_is_a_link_away() {
    let app = app_with_snapshots(120);
    let console = Console::of_without_javascript(app);
    let browser = &console.browser;
    assert_eq!(browser.count(ROWS), 100);
    browser.click("tr.more-row a");
    browser.wait_until("the rest", |browser| browser.count(ROWS) == 20);
    browser.type_into("#filter", "old-00120");
    browser.press("Enter");
    browser.wait_until("the one row", |browser| browser.count(ROWS) == 1);
}
