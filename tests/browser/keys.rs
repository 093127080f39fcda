//! What the keys do in the list, and when they do nothing.

use super::Console;

#[test]
fn movement_keys_walk_the_rows_and_stop_at_both_ends() {
    let console = Console::with_snapshots(3);
    let browser = &console.browser;
    let at = |row: usize| browser.has_focus(&format!("tr.snapshot:nth-of-type({}) *", 2 * row - 1));
    browser.press("g");
    browser.press("g");
    assert!(at(1), "g g: the first");
    browser.press("k");
    assert!(at(1), "nothing is before the first");
    browser.press("j");
    assert!(at(2), "j: the next");
    browser.press("ArrowDown");
    assert!(at(3), "down: the next");
    browser.press("j");
    assert!(at(3), "nothing is after the last");
    browser.press("ArrowUp");
    assert!(at(2), "up: the one before");
    browser.press("G");
    assert!(at(3), "G: the last");
}

#[test]
fn keys_are_letters_while_somebody_types() {
    let console = Console::with_snapshots(1);
    let browser = &console.browser;
    browser.press("/");
    browser.wait_focus("#filter");
    browser.type_text("trD?");
    assert_eq!(browser.value("#filter"), "trD?");
    assert!(!browser.exists("#tool form"), "t is a letter there");
    assert!(!browser.exists("dialog[open]"), "? is a sign there");
}

#[test]
fn a_key_with_a_modifier_is_left_to_the_browser() {
    let console = Console::with_snapshots(2);
    let browser = &console.browser;
    browser.press("G");
    let before = browser.active();
    browser.press_with_control('k');
    assert_eq!(browser.active(), before);
}

#[test]
fn two_marks_are_compared_and_a_third_lets_go_of_one() {
    let console = Console::with_snapshots(3);
    let browser = &console.browser;
    browser.press("c");
    browser.wait_text("#status", "Mark");
    browser.press("g");
    browser.press("g");
    for _ in 0..3 {
        browser.press("x");
        browser.press("j");
    }
    assert_eq!(browser.count("input.mark:checked"), 2);
    browser.wait_text("#status", "2 marked");
    browser.press("c");
    browser.wait_for("#result .pane");
}

#[test]
fn no_single_key_changes_a_thing() {
    let console = Console::with_snapshots(2);
    let browser = &console.browser;
    let before = console.app.state();
    for key in ["j", "k", "G", "x", "p", "e", "n", "N", "r", "u", "D", "t", "o", "Enter"] {
        browser.goto(&format!("{}/snapshots", console.base));
        browser.wait_for("#keys-bar kbd");
        browser.press("G");
        browser.press(key);
    }
    browser.goto(&format!("{}/snapshots", console.base));
    browser.wait_for("tr.snapshot");
    assert_eq!(browser.count("tr.snapshot"), 2);
    assert_eq!(console.app.state(), before);
    assert!(!browser.text("#rows").contains("pinned"));
}

#[test]
fn a_changed_table_is_reached_and_opened_from_the_row() {
    let console = Console::with_snapshots(1);
    let browser = &console.browser;
    console.preview();
    browser.press("n");
    browser.wait_focus("tr.change-table a, tr.change-table button");
    let first = browser.active();
    browser.press("Enter");
    browser.wait_for("table.rows");
    assert_eq!(browser.active(), first, "opening rows leaves the focus");
}

#[test]
fn a_pin_and_a_note_are_two_keys_away() {
    let console = Console::with_snapshots(1);
    let browser = &console.browser;
    browser.press("p");
    browser.wait_focus("button.pin");
    browser.press("Enter");
    browser.wait_text("#rows", "pinned");
    assert!(browser.has_focus("button.pin"), "the focus stays for the way back");

    browser.press("e");
    browser.wait_focus(".preview input[name=note]");
    browser.type_text(", kept");
    browser.press("Enter");
    browser.wait_text("#rows", "the first, kept");
    browser.press("Escape");
    browser.wait_focus("tr.snapshot button.open");
}

#[test]
fn an_undo_without_a_restore_says_so() {
    let console = Console::with_snapshots(1);
    console.browser.press("u");
    console.browser.wait_text("#status", "no restore to undo");
    assert!(!console.browser.exists("form.confirm"));
}

#[test]
fn a_key_that_is_held_down_repeats_movement_and_nothing_else() {
    let console = Console::with_snapshots(3);
    let browser = &console.browser;
    browser.press("g");
    browser.press("g");
    browser.repeat("j");
    browser.repeat("j");
    assert!(browser.has_focus("tr.snapshot:nth-of-type(5) *"), "j goes on to the third");
    browser.repeat("t");
    browser.repeat("Enter");
    browser.repeat("r");
    browser.press("k");
    assert!(!browser.exists("#tool form"), "t opens one form, not one after the other");
    assert!(!browser.exists(".preview .pane"), "Enter does not carry over");
    assert!(!browser.exists("form.confirm"));
}

#[test]
fn a_key_in_the_middle_of_a_composition_belongs_to_the_input_method() {
    let console = Console::with_snapshots(1);
    let browser = &console.browser;
    browser.press_composing("t");
    assert!(!browser.exists("#tool form"));
    browser.press("/");
    browser.type_text("first");
    browser.press_composing("Escape");
    assert_eq!(browser.value("#filter"), "first", "Escape ended the composition only");
    browser.press_composing("Enter");
    assert!(browser.has_focus("#filter"));
}

#[test]
fn a_sequence_ends_after_a_second_and_with_any_other_key() {
    let console = Console::with_snapshots(3);
    let browser = &console.browser;
    let at_last = || browser.has_focus("tr.snapshot:nth-of-type(5) *");
    browser.press("G");
    assert!(at_last());
    let now = browser.look("Date.now() / 1000").as_f64().expect("a moment");
    browser.press_at("g", now);
    browser.press_at("g", now + 1.5);
    assert!(at_last(), "one and a half seconds lie between");
    browser.press_at("g", now + 2.0);
    assert!(browser.has_focus("tr.snapshot:nth-of-type(1) *"), "half a second lies between");
    browser.press("G");
    browser.press("g");
    browser.press("x");
    browser.press("g");
    assert!(at_last(), "x came between");
}

#[test]
fn marks_compare_one_with_now_or_two_with_each_other_and_are_told() {
    let console = Console::with_snapshots(2);
    let browser = &console.browser;
    browser.press("x");
    browser.wait_text("#status", "1 marked: c compares it with now");
    browser.press("c");
    browser.wait_text("#result-title", "From now to periodic/");
    browser.press("Escape");
    browser.wait_focus("tr.snapshot button.open");
    browser.press("x");
    browser.wait_text("#status", "Nothing marked");
}

#[test]
fn the_status_bar_and_the_help_name_the_same_keys() {
    let console = Console::with_snapshots(1);
    let browser = &console.browser;
    let keys = |place: &str| {
        let caps =
            format!("[...document.querySelectorAll('{place} kbd')].map(cap => cap.textContent)");
        let caps = browser.look(&caps);
        caps.as_array().expect("keys").iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let bar = keys("#keys-bar");
    browser.press("?");
    browser.wait_for("dialog[open]");
    let help = keys("#help");
    assert!(bar.len() > 5 && bar.iter().all(|key| help.contains(key)), "{bar:?} in {help:?}");
}
