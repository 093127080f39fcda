//! Several databases: the overview by keys, and the dialog to choose another.

use super::Browser;
use crate::client::Served;
use crate::many::tenants::Tenants;

/// The overview over some tenants, one of them broken, all looked at.
fn overview(browser: &Browser) -> (Tenants, Served) {
    let tenants = Tenants::new().with(&["acme", "beta", "gamma"]);
    std::fs::write(tenants.db("notes"), "no database ".repeat(200)).expect("a file");
    let served = tenants.serve();
    browser.goto(&format!("{}/", served.base()));
    browser.wait_for("#overview");
    browser.wait_until("every database was read", |browser| {
        let read = browser.text("#rows").matches("ready").count() == 3;
        if !read {
            browser.reload();
        }
        read
    });
    (tenants, served)
}

#[test]
fn the_overview_is_walked_filtered_and_opened_by_keys() {
    let browser = Browser::new();
    let (_tenants, _served) = overview(&browser);
    assert_eq!(browser.text("#shown"), "4 databases · 1 cannot be opened");
    browser.press("j");
    browser.wait_focus("#database-acme .open");
    browser.press("j");
    browser.wait_focus("#database-beta .open");
    browser.press("k");
    browser.wait_focus("#database-acme .open");
    browser.press("G");
    browser.wait_focus("#database-notes .open");
    browser.press("/");
    browser.wait_focus("#filter");
    browser.type_text("bet");
    browser.wait_text("#status", "1 of 4 databases");
    assert_eq!(browser.count_shown("tr.database"), 1);
    browser.press("Enter");
    browser.wait_focus("#database-beta .open");
    browser.press("Enter");
    browser.wait_for("#list");
    assert_eq!(browser.text("#here"), "beta ▾");
}

#[test]
fn the_overview_fits_every_width() {
    let browser = Browser::new();
    let (_tenants, _served) = overview(&browser);
    for width in [360, 768, 1024, 1280, 2560] {
        browser.resize(width, 900);
        browser.screenshot(&format!("databases-{width}"));
        assert_eq!(browser.overflow(), 0, "{width} pixels wide");
        if width >= 768 {
            assert_eq!(browser.heads_astray("#overview"), 0, "{width} pixels wide");
        }
    }
}

#[test]
fn keys_that_are_for_snapshots_do_nothing_to_a_database() {
    let browser = Browser::new();
    let (_tenants, _served) = overview(&browser);
    browser.press("j");
    for key in ["x", "c", "p", "e", "r", "D", "u", "n"] {
        browser.press(key);
        assert!(browser.exists("#overview"), "{key}");
    }
    assert!(!browser.exists("form.confirm"));
    browser.press("r");
    browser.wait_text("#status", "Open a database first");
    browser.press("?");
    browser.wait_for("dialog#help[open]");
    assert!(browser.text("#help").contains("choose another database"));
}

#[test]
fn every_database_is_taken_by_keys_and_the_outcome_is_told_for_each() {
    let browser = Browser::new();
    let (tenants, _served) = overview(&browser);
    browser.press("t");
    browser.wait_focus("#take-note");
    assert!(browser.text("#tool").contains("4 databases"));
    browser.press("Escape");
    browser.wait_gone("#take-form");
    browser.press("t");
    browser.wait_focus("#take-note");
    browser.type_text("before the release");
    browser.press("Enter");
    browser.wait_text("#result", "3 snapshots taken, 1 failed");
    browser.wait_focus("#result-title");
    browser.screenshot("databases-taken");
    assert_eq!(browser.count("#result tbody tr"), 4);
    assert!(browser.text("#result tbody tr").contains("file is not a database"), "first");
    assert!(tenants.file("gamma.snapback/snapshots/periodic").is_dir());
    browser.wait_until("the rows tell of it", |browser| {
        browser.text("#database-gamma").contains("just now")
    });
}

#[test]
fn a_key_chooses_another_database_from_any_page() {
    let browser = Browser::new();
    let (_tenants, served) = overview(&browser);
    for page in ["snapshots", "history", "jobs"] {
        browser.goto(&format!("{}/d/acme/{page}", served.base()));
        browser.wait_for("#keys-bar kbd");
        browser.press("d");
        browser.wait_focus("#pick");
        assert!(browser.exists("dialog#picker[open]"));
        browser.press("Escape");
        browser.wait_gone("dialog#picker[open]");
        browser.press("d");
        browser.wait_focus("#pick");
        browser.type_text("a");
        browser.press("ArrowDown");
        browser.wait_focus("#pick-list li:first-child a");
        browser.press("ArrowUp");
        browser.wait_focus("#pick");
        browser.type_text("mm");
        browser.wait_until("one is left", |browser| browser.count_shown("#pick-list li") == 1);
        browser.press("Enter");
        browser.wait_until("the other database", |browser| {
            browser.exists("#here") && browser.text("#here") == "gamma ▾"
        });
    }
    browser.press("d");
    browser.wait_focus("#pick");
    for (dark, look) in [(false, "light"), (true, "dark")] {
        browser.prefers_dark(dark);
        browser.screenshot(&format!("picker-{look}"));
        assert_eq!(browser.axe(), Vec::<String>::new(), "{look}");
    }
}

#[test]
fn without_javascript_links_lead_everywhere() {
    let browser = Browser::javascript_off();
    let (_tenants, _served) = overview(&browser);
    browser.click("#database-beta .open");
    browser.wait_for("#list");
    browser.click("#here");
    browser.wait_for("#overview");
    browser.click("#take-open");
    browser.wait_for("#take-form");
    browser.click("#take-form button");
    browser.wait_text("main", "3 snapshots taken, 1 failed");
}

#[test]
fn the_overview_reads_well_in_light_and_dark_wide_and_narrow() {
    let browser = Browser::new();
    let (_tenants, _served) = overview(&browser);
    browser.press("j");
    for dark in [false, true] {
        browser.prefers_dark(dark);
        for width in [1280, 768, 360] {
            browser.resize(width, 800);
            browser
                .screenshot(&format!("databases-{width}-{}", if dark { "dark" } else { "light" }));
            assert_eq!(browser.overflow(), 0, "{width} pixels wide");
        }
        assert_eq!(browser.axe(), Vec::<String>::new(), "dark: {dark}");
    }
}
