//! Logging in and out, with and without JavaScript.

use snapback::web::{Access, Options, PasswordHash};

use super::Browser;
use crate::app::App;

const PASSWORD: &str = "correct horse";

fn logs_in_takes_and_logs_out(browser: &Browser) {
    let app = App::new().with_events(10);
    let password = PasswordHash::of(PASSWORD).expect("a hash");
    let access = Access { password: Some(password), ..Access::default() };
    let served = app.serve_with(Options { access, ..Options::default() });
    browser.goto(&format!("{}/history", served.base()));
    browser.wait_for("#login-form");
    assert_eq!(browser.active(), "login-password");
    assert!(!browser.exists("#where span[title]"), "the database is not named");

    browser.type_into("#login-password", "a wrong one");
    browser.click("#login-form button");
    browser.wait_text("main", "The password is wrong");
    browser.type_into("#login-name", "ann");
    browser.type_into("#login-password", PASSWORD);
    browser.click("#login-form button");
    browser.wait_for("#logout");
    assert!(browser.text("h1").contains("History"), "it leads to what was asked for");

    browser.click("#logout button");
    browser.wait_for("#login-form");
    browser.goto(&format!("{}/snapshots", served.base()));
    browser.wait_for("#login-form");
    assert!(!browser.exists("tr.snapshot"));
}

#[test]
fn the_page_to_log_in_is_accessible() {
    let app = App::new();
    let password = PasswordHash::of(PASSWORD).expect("a hash");
    let access = Access { password: Some(password), ..Access::default() };
    let served = app.serve_with(Options { access, ..Options::default() });
    let browser = Browser::new();
    for dark in [false, true] {
        browser.prefers_dark(dark);
        browser.goto(&format!("{}/login", served.base()));
        browser.wait_for("#login-form");
        assert_eq!(browser.axe(), Vec::<String>::new());
        browser.goto(&format!("{}/snapshots", served.base()));
        browser.wait_for("#login-form");
        assert_eq!(browser.axe(), Vec::<String>::new());
    }
}

#[test]
fn a_person_logs_in_and_out() {
    logs_in_takes_and_logs_out(&Browser::new());
}

#[test]
fn a_person_logs_in_and_out_without_javascript() {
    logs_in_takes_and_logs_out(&Browser::javascript_off());
}
