//! What fits, and what the page does for eyes that need it another way.

use serde_json::json;

use super::rows::app_with_changes;
use super::{Browser, Console};

/// Rows, events and a confirmation, all open at once.
fn everything_open() -> Console {
    let console = Console::of(app_with_changes());
    let browser = &console.browser;
    console.preview();
    browser.click("tr.change-table[data-table=profiles] a");
    browser.wait_for("table.rows .json-changes");
    browser.click(".events-col .all a");
    browser.wait_for(".event-rows");
    browser.press("r");
    browser.wait_focus("input[name=confirm_id]");
    console
}

#[test]
fn no_width_makes_the_page_scroll_sideways() {
    let console = everything_open();
    let browser = &console.browser;
    for width in [320, 480, 768, 1024, 1090, 1240, 1280, 1920, 2560] {
        browser.resize(width, 900);
        browser.screenshot(&format!("width-{width}"));
        assert_eq!(browser.overflow(), 0, "{width} pixels wide");
    }
}

#[test]
fn rows_and_counts_are_read_at_every_width() {
    let console = everything_open();
    let browser = &console.browser;
    let last = |css: &str, side: &str| {
        browser.look(&format!(
            "[...document.querySelectorAll({css:?})].at(-1).getBoundingClientRect().{side}"
        ))
    };
    for width in [360, 480, 768, 1280, 2560] {
        browser.resize(width, 900);
        assert!(browser.count_shown("table.rows thead th") > 2, "the rows are open");
        assert_eq!(browser.heads_astray("table.rows"), 0, "{width} pixels wide");
        let counts = last(".changes > tbody > .change-table > .changed", "right");
        let edge = last(".changes-col", "right");
        assert!(counts.as_f64() <= edge.as_f64(), "{width} pixels wide: {counts} beyond {edge}");
    }
}

#[test]
fn only_an_open_preview_takes_room_and_then_the_whole_width() {
    let console = Console::with_snapshots(3);
    let browser = &console.browser;
    let width = |css: &str| {
        browser.look(&format!("document.querySelector({css:?}).getBoundingClientRect().width"))
    };
    for pixels in [360, 768, 1024, 1280] {
        browser.resize(pixels, 900);
        assert_eq!(browser.count_shown(".preview-row"), 0, "{pixels} pixels wide");
    }
    console.preview();
    for pixels in [360, 768, 1024, 1280] {
        browser.resize(pixels, 900);
        assert_eq!(browser.count_shown(".preview-row"), 1, "{pixels} pixels wide");
        assert_eq!(width(".preview-row > td"), width("#rows"), "{pixels} pixels wide");
    }
}

#[test]
fn zoomed_to_twice_the_size_the_page_still_fits() {
    let console = everything_open();
    let browser = &console.browser;
    for width in [1280, 1024, 800] {
        browser.zoom_twice(width, 900);
        browser.screenshot(&format!("zoomed-{width}"));
        assert_eq!(browser.overflow(), 0, "{width} pixels wide");
    }
}

#[test]
fn nothing_moves_by_itself() {
    let console = everything_open();
    let browser = &console.browser;
    browser.sees("prefers-reduced-motion", "reduce");
    let moving = "[...document.querySelectorAll('*')].map(at => getComputedStyle(at))\
                  .filter(look => look.animationName !== 'none' || look.transitionDuration !== '0s'\
                  || look.scrollBehavior !== 'auto').length";
    assert_eq!(browser.look(moving), json!(0));
}

#[test]
fn forced_colours_leave_kinds_states_changes_and_the_focus_visible() {
    let console = everything_open();
    let browser = &console.browser;
    browser.sees("forced-colors", "active");
    browser.screenshot("forced-colours");
    assert_eq!(browser.axe(), Vec::<String>::new());
    let seen = |css: &str, pseudo: &str, property: &str| {
        browser.look(&format!(
            "getComputedStyle(document.querySelector({css:?}), {pseudo:?})[{property:?}]"
        ))
    };
    assert_ne!(seen(".kind", "::before", "backgroundColor"), seen("body", "", "backgroundColor"));
    assert_eq!(
        browser.text("table.rows tr.changed .sign"),
        "~ would change",
        "a sign, not a colour"
    );
    assert_eq!(seen("input[name=confirm_id]", "", "outlineStyle"), json!("solid"));
}

#[test]
fn a_print_has_the_facts_and_nothing_to_press() {
    let console = everything_open();
    let browser = &console.browser;
    let shown = |css: &str| browser.count_shown(css);
    browser.prints();
    browser.screenshot("print");
    assert_eq!(shown(".tools") + shown("#keys-bar") + shown(".actions") + shown("nav"), 0);
    assert!(shown("tr.snapshot") > 0 && shown("tr.change-table") > 0);
}

#[test]
fn a_relative_date_tells_the_exact_one() {
    let console = Console::with_snapshots(1);
    let browser = &console.browser;
    let time = "tr.snapshot time";
    assert_eq!(browser.text(time), "just now");
    let exact = |browser: &Browser| browser.attribute(time, "title").unwrap_or_default();
    assert!(exact(browser).ends_with(" UTC"), "{}", exact(browser));
}
