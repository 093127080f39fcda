//! Where the focus stands after each swap: never lost, and where a person goes on.

use super::Console;

#[test]
fn take_preview_restore_and_undo_need_keys_alone() {
    let console = Console::open();
    let browser = &console.browser;
    let id = console.take("before the import");
    let button = format!("open-periodic-{id}");
    assert_eq!(browser.active(), button, "after a take, the new row");

    let taken = console.app.dump("messages");
    console.more_events();
    let moved_on = console.app.state();
    browser.press("Enter");
    browser.wait_for(&format!("#preview-periodic-{id} .pane"));
    assert_eq!(browser.active(), button, "after opening, the button that opened");
    assert_eq!(browser.attribute(&format!("#{button}"), "aria-expanded").as_deref(), Some("true"));
    browser.wait_text("#status", "differ");

    browser.press("r");
    browser.wait_focus(&format!("#confirm-form-periodic-{id} input[name=confirm_id]"));
    browser.type_text(&id);
    browser.press("Enter");
    browser.wait_focus("#result-title");
    assert!(browser.exists("a#undo"), "the way back is next to the result");
    assert_eq!(console.app.dump("messages"), taken);

    browser.press("u");
    browser.wait_focus("form.confirm input[name=confirm_id]");
    let rewind =
        browser.attribute("input[name=confirm_id]", "data-expect").expect("the id to type");
    assert_ne!(rewind, id);
    browser.type_text(&rewind);
    browser.press("Enter");
    browser.wait_focus("#result-title");
    browser.wait_until("two safety copies", |browser| {
        browser.count("tr.snapshot[data-kind=rewind]") == 2
    });
    assert_eq!(console.app.state(), moved_on);
}

#[test]
fn a_safety_copy_is_restored_below_its_own_row_while_the_outcome_offers_the_undo() {
    let console = Console::open();
    let browser = &console.browser;
    let id = console.take("before the import");
    console.more_events();
    let messages = console.app.dump("messages");
    browser.press("Enter");
    browser.wait_for(&format!("#preview-periodic-{id} .pane"));
    browser.press("r");
    browser.wait_focus("form.confirm input[name=confirm_id]");
    browser.type_text(&id);
    browser.press("Enter");
    browser.wait_focus("#result-title");
    browser.wait_for("tr.snapshot[data-kind=rewind]");

    // The undo's form opens beside its outcome, and is left.
    browser.press("u");
    browser.wait_focus("#result form.confirm input[name=confirm_id]");
    let rewind =
        browser.attribute("input[name=confirm_id]", "data-expect").expect("the id to type");
    browser.press("Escape");
    browser.wait_gone("form.confirm");

    browser.press("g");
    browser.press("g");
    browser.press("Enter");
    browser.wait_for(&format!("#preview-rewind-{rewind} .pane"));
    browser.press("r");
    browser.wait_focus(&format!("#preview-rewind-{rewind} input[name=confirm_id]"));
    assert_eq!(browser.count("form.confirm"), 1);
    browser.type_text(&rewind);
    browser.press("Enter");
    browser.wait_until("two safety copies", |browser| {
        browser.count("tr.snapshot[data-kind=rewind]") == 2
    });
    assert_eq!(console.app.dump("messages"), messages);
}

#[test]
fn closing_a_preview_returns_to_its_row_and_asks_the_server_nothing() {
    let console = Console::with_snapshots(1);
    let browser = &console.browser;
    let button = format!("open-periodic-{}", console.preview());
    browser.press("n");
    browser.wait_focus("tr.change-table a, tr.change-table button");
    browser.press("Escape");
    browser.wait_gone(".preview .pane");
    assert_eq!(browser.active(), button);
    assert_eq!(browser.attribute(&format!("#{button}"), "aria-expanded").as_deref(), Some("false"));
    browser.press("Enter");
    browser.wait_for(".preview .pane");
    browser.press("Enter");
    browser.wait_gone(".preview .pane");
    assert_eq!(browser.active(), button);
}

#[test]
fn leaving_a_confirmation_returns_to_where_it_was_opened() {
    let console = Console::with_snapshots(1);
    let browser = &console.browser;
    let button = format!("open-periodic-{}", console.preview());
    browser.press("r");
    browser.wait_focus("input[name=confirm_id]");
    browser.press("Escape");
    browser.wait_gone("form.confirm");
    assert_eq!(browser.active(), button);
    assert!(browser.exists(".preview .pane"), "the preview stays open");
}

#[test]
fn a_deleted_row_gives_the_focus_to_the_next() {
    let console = Console::with_snapshots(3);
    let browser = &console.browser;
    browser.press("g");
    browser.press("g");
    browser.press("j");
    let id = browser.active().replace("open-periodic-", "");
    browser.press("j");
    let next = browser.active();
    browser.press("k");
    browser.press("D");
    browser.wait_focus("input[name=confirm_id]");
    browser.type_text(&id);
    browser.press("Enter");
    browser.wait_gone(&format!("#row-periodic-{id}"));
    browser.wait_focus(&format!("#{next}"));
}

#[test]
fn restore_on_a_closed_row_opens_the_preview_first() {
    let console = Console::with_snapshots(1);
    let browser = &console.browser;
    browser.press("r");
    browser.wait_focus("input[name=confirm_id]");
    assert!(browser.exists(".preview .pane"), "what is confirmed is in sight");
}
