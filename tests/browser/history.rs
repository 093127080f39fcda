//! Searching what was done.

use super::Console;
use crate::app::{App, BY, named};

/// A history of takes, a restore and a failure.
fn with_history() -> App {
    let app = App::new().with_events(30).keep_last(0);
    let taken = app.take("one");
    app.events(5);
    app.restore(&taken, snapback::snapshot::Scope::Rewind);
    app.snapshots().delete(&named("rewind/gone"), BY).expect_err("no such snapshot");
    app.take("two");
    app
}

#[test]
fn the_history_is_searched_while_somebody_types() {
    let console = Console::of(with_history());
    let browser = &console.browser;
    browser.goto(&format!("{}/history", console.base));
    assert_eq!(browser.count(".history tbody tr"), 4);
    for dark in [false, true] {
        browser.prefers_dark(dark);
        for width in [1280, 360] {
            browser.resize(width, 800);
            browser.screenshot(&format!("history-{}-{width}", if dark { "dark" } else { "light" }));
            assert_eq!(browser.overflow(), 0, "{width} pixels wide");
        }
        assert_eq!(browser.axe(), Vec::<String>::new());
    }
    browser.press("/");
    browser.wait_focus("#filter");
    browser.type_text("no such");
    browser.wait_until("one line", |browser| browser.count(".history tbody tr") == 1);
    assert!(browser.text(".history tbody").contains("rewind/gone"));
    browser.wait_text("#status", "1 line");
    assert!(browser.has_focus("#filter"), "typing goes on");
    browser.type_text(" of this");
    browser.wait_text("#occurrences", "Nothing in the history matches.");
    browser.press("Escape");
    assert_eq!(browser.value("#filter"), "");
    browser.wait_until("all lines", |browser| browser.count(".history tbody tr") > 1);
    browser.press("/");
    browser.press("Escape");
    assert!(!browser.has_focus("body"), "somebody who leaves the field is somewhere");
}

#[test]
fn earlier_lines_come_below_and_take_the_focus() {
    let console = Console::of(with_history());
    let browser = &console.browser;
    browser.goto(&format!("{}/history?limit=3", console.base));
    browser.click(".history a.more");
    browser.wait_until("all lines", |browser| browser.count(".history tbody tr") == 4);
    browser.wait_focus(".history tbody tr:last-child td");
}

#[test]
fn the_history_is_searched_and_paged_without_scripts() {
    let console = Console::of_without_javascript(with_history());
    let browser = &console.browser;
    browser.goto(&format!("{}/history?limit=3", console.base));
    browser.click(".history a.more");
    browser.wait_until("the last line", |browser| browser.count(".history tbody tr") == 1);
    browser.type_into("#filter", "gone");
    browser.click(".search button");
    browser.wait_until("what was searched", |browser| {
        browser.text(".history tbody").contains("rewind/gone")
    });
    assert_eq!(browser.count(".history tbody tr"), 1);
}
