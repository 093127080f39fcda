//! What a preview opens into: changed rows, cell by cell, and the events since.

use super::Console;
use crate::app::App;

/// A snapshot, and after it a change of every sort: JSON, long text, a blob, rows gone and added.
pub(crate) fn app_with_changes() -> App {
    let app = App::new().with_events(40);
    app.sql(
        "CREATE TABLE profiles(id INTEGER PRIMARY KEY, settings TEXT, about TEXT, picture BLOB);
         INSERT INTO profiles VALUES
            (1, '{\"theme\":\"dark\",\"tags\":[\"a\",\"b\"],\"mail\":{\"daily\":true,\"at\":7}}',
                replace(hex(zeroblob(300)), '00', 'so on ') || 'and ends well', NULL),
            (2, '[]', 'gone <script>alert(1)</script>', x'00ff10'),
            (3, NULL, 'stays', NULL);
         WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 139)
         INSERT INTO profiles SELECT i, NULL, 'profile ' || i, NULL FROM n;",
    );
    app.take("all as it was");
    app.sql(
        "UPDATE profiles SET
            settings = '{\"theme\":\"light\",\"tags\":[\"a\"],\"mail\":{\"daily\":true,\"at\":7},\"new\":1}',
            about = replace(about, 'well', 'badly'), picture = randomblob(70000) WHERE id = 1;
         DELETE FROM profiles WHERE id = 2;
         INSERT INTO profiles VALUES(4, NULL, 'came later', NULL);
         UPDATE profiles SET about = about || ', edited' WHERE id > 9;",
    );
    app.events(60);
    app
}

const PROFILES: &str = "tr.change-table[data-table=profiles] a";
const TABLE: &str = ".table-rows table.rows";

fn opened() -> Console {
    let console = Console::of(app_with_changes());
    let browser = &console.browser;
    console.preview();
    browser.click(PROFILES);
    browser.wait_for(TABLE);
    console
}

#[test]
fn a_changed_row_shows_its_key_and_each_cell_before_and_after() {
    let console = opened();
    let browser = &console.browser;
    browser.wait_text("#status", "50 changed rows of profiles, and more");
    let row = format!("{TABLE} tr.changed");
    assert_eq!(browser.text(&format!("{row} .key")), "1");
    assert!(browser.text(&row).contains("would change"), "what a restore would do, in words");
    // Both sides of the text start and end alike: only the last word is marked.
    assert_eq!(browser.text(&format!("{row} > td > del mark")), "badly");
    assert_eq!(browser.text(&format!("{row} > td > ins mark")), "well");
    let json = browser.text(&format!("{row} .json-changes"));
    for words in ["theme: ", "tags[1]: ", "new: ", "3 values unchanged"] {
        assert!(json.contains(words), "{words} in {json}");
    }
    assert!(!json.contains("daily"), "what is the same is not shown: {json}");
    assert!(browser.text(&row).contains("blob, 70\u{202f}000 bytes"), "cut, with size and type");
    let gone = format!("{TABLE} tr.added");
    assert!(browser.text(&gone).contains("<script>alert(1)"), "text is only text");
    assert!(browser.text(&gone).contains("blob, 3 bytes 00 ff 10"));
}

#[test]
fn changed_rows_are_filtered_by_the_kind_of_change_and_the_chosen_one_is_marked() {
    let console = opened();
    let browser = &console.browser;
    browser.click(".filters a:nth-of-type(3)");
    browser.wait_until("one row", |browser| browser.count(&format!("{TABLE} tbody tr")) == 1);
    assert_eq!(browser.text(".filters a[aria-current]"), "removed");
    assert!(browser.text(TABLE).contains("came later"));
    assert!(browser.has_focus(".filters a[aria-current]"), "the focus is on what was chosen");
    browser.wait_text("#status", "1 changed row of profiles");
}

#[test]
fn more_rows_follow_below_and_the_focus_goes_to_the_first_of_them() {
    let console = opened();
    let browser = &console.browser;
    let rows = format!("{TABLE} tbody tr:not(.more-row)");
    assert_eq!(browser.count(&rows), 50);
    browser.click(&format!("{TABLE} a.more"));
    browser.wait_until("more rows", |browser| browser.count(&rows) == 100);
    browser.wait_focus(&format!("{TABLE} tbody tr:nth-child(51) th.key"));
    browser.click(&format!("{TABLE} a.more"));
    browser.wait_until("all rows", |browser| browser.count(&rows) == 133);
    assert!(!browser.exists(&format!("{TABLE} a.more")), "that was the last page");
}

#[test]
fn events_since_are_counted_by_type_and_open_to_the_events_themselves_in_pages() {
    let console = Console::of(app_with_changes());
    let browser = &console.browser;
    console.preview();
    assert!(browser.text(".events-col h3").starts_with("60 events since"));
    browser.click(".events-col .all a");
    let rows = ".event-rows tbody tr:not(.more-row)";
    browser.wait_until("a page of events", |browser| browser.count(rows) == 50);
    assert_eq!(browser.text(".event-rows th[scope=row]"), "100", "the newest first");
    browser.wait_text("#status", "50 events, and more");
    browser.click(".event-rows a.more");
    browser.wait_until("all events", |browser| browser.count(rows) == 60);
    browser.wait_focus(".event-rows tbody tr:nth-child(51) th.key");

    browser.click(".events li:last-child a");
    let kind = browser.text(".events li:last-child a");
    browser.wait_text("#status", &format!("of type {kind}"));
    let count = browser.text(".events li:last-child .count").replace('×', "");
    assert_eq!(browser.count(rows).to_string(), count, "as many as were counted");
}

#[test]
fn a_comparison_opens_its_changed_rows_too() {
    let app = app_with_changes();
    app.take("later");
    let console = Console::of(app);
    let browser = &console.browser;
    for key in ["j", "x", "j", "x", "c"] {
        browser.press(key);
    }
    browser.wait_focus("#result-title");
    browser.wait_text("#status", "differ");
    browser.press("n");
    browser.press("n");
    browser.press("N");
    browser.wait_focus("#result tr.change-table a");
    browser.click(&format!("#result {PROFILES}"));
    browser.wait_for(&format!("#result {TABLE}"));
    browser.click("#result .all a");
    browser.wait_for("#result #events-compare .table-rows");
}

#[test]
fn rows_events_and_comparison_are_pages_without_a_script() {
    let console = Console::of_without_javascript(app_with_changes());
    let browser = &console.browser;
    browser.click("tr.snapshot button.open");
    browser.wait_for(PROFILES);
    browser.click(PROFILES);
    browser.wait_for(TABLE);
    browser.click(".filters a:nth-of-type(4)");
    browser.wait_for(".filters a:nth-of-type(4)[aria-current]");
    browser.click("a.more");
    browser.wait_until("the next page", |browser| !browser.text(TABLE).contains("profile 10,"));
    browser.goto(&console.base);
    browser.click("tr.snapshot button.open");
    browser.wait_for(".events-col .all a");
    browser.click(".events-col .all a");
    browser.wait_for(".event-rows a.more");
    browser.click(".event-rows a.more");
    browser.wait_until("the rest", |browser| browser.count(".event-rows tbody tr") == 10);
    browser.goto(&console.base);
    browser.click("input.mark");
    browser.click("#compare button");
    browser.wait_for(".comparison .changes");
}
