//! The changed rows of one table, cell by cell, in pages.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::forms::attribute;
use super::redact;
use super::scene::Scene;
use crate::app::App;

/// A table with a row of each change, and a value of each sort.
const VALUES: &str = "
    CREATE TABLE event_log(id INTEGER PRIMARY KEY, type TEXT);
    CREATE TABLE t(id INTEGER PRIMARY KEY, v);
    INSERT INTO t VALUES(1, 'text'), (2, 1), (3, 1.0), (4, x'00ff'), (5, NULL), (6, 9e999),
        (7, CAST(x'ff' AS TEXT)), (8, 'goes'), (9, 'stays');";

fn values() -> (App, String) {
    let app = App::new().schema(VALUES);
    let taken = app.take("before");
    app.sql("UPDATE t SET v = 'new' WHERE id < 8; DELETE FROM t WHERE id = 8; INSERT INTO t VALUES(10, 'new')");
    let path = format!("/snapshots/{}/tables/t?kind=periodic", taken.id);
    (app, path)
}

#[test]
fn rows_as_facts_have_before_and_after_in_the_row_encoding() {
    let (app, path) = values();
    let rows = app.client().json(&path);
    let changed = |id: i64, after: Value| json!({"change": "changed", "key": [id], "before": [id, "new"], "after": [id, after]});
    let expected = json!({
        "table": "t",
        "key": ["id"],
        "columns": ["id", "v"],
        "rows": [
            changed(1, json!("text")),
            changed(2, json!(1)),
            changed(3, json!(1.0)),
            changed(4, json!({"blob": "AP8="})),
            changed(5, Value::Null),
            changed(6, json!({"real": "inf"})),
            changed(7, json!({"text": "/w=="})),
            {"change": "added", "key": [8], "before": null, "after": [8, "goes"]},
            {"change": "removed", "key": [10], "before": [10, "new"], "after": null},
        ],
        "next": null,
    });
    assert_eq!(rows, expected);
}

#[test]
fn rows_as_a_fragment() {
    let (app, path) = values();
    insta::assert_snapshot!(redact::markup(&app.client().fragment(&path)));
}

#[test]
fn one_change_can_be_asked_for() {
    let (app, path) = values();
    let client = app.client();
    for (change, count) in [("added", 1), ("removed", 1), ("changed", 7), ("", 9)] {
        let rows = client.json(&format!("{path}&change={change}"));
        let rows = rows["rows"].as_array().expect("rows");
        assert_eq!(rows.len(), count, "{change}");
        assert!(rows.iter().all(|row| change.is_empty() || row["change"] == change), "{rows:?}");
    }
}

/// Every row, following `next` from page to page.
fn followed(scene: &Scene, query: &str) -> (Vec<Value>, usize) {
    let path = format!("{}{query}", scene.about("tables/messages"));
    let (mut rows, mut pages, mut after) = (Vec::new(), 0, String::new());
    loop {
        let page = scene.client.json(&format!("{path}&after={after}"));
        rows.extend(page["rows"].as_array().expect("rows").iter().cloned());
        pages += 1;
        match page["next"].as_str() {
            Some(next) => after = utf8_percent_encode(next, NON_ALPHANUMERIC).to_string(),
            None => return (rows, pages),
        }
    }
}

#[test]
fn pages_follow_one_another_without_gap_or_repetition() {
    let scene = Scene::new();
    let (all, pages) = followed(&scene, "&limit=1000");
    assert_eq!(pages, 1);
    for limit in [1, 3, 14] {
        let (rows, pages) = followed(&scene, &format!("&limit={limit}"));
        assert_eq!(rows, all, "{limit}");
        assert_eq!(pages, all.len().div_ceil(limit), "{limit}");
    }
}

#[test]
fn the_way_on_is_the_next_page_as_rows() {
    let scene = Scene::new();
    let first = scene.client.fragment(&format!("{}&limit=5", scene.about("tables/messages")));
    let link = attribute(&first, "<a class=\"more\"", "hx-get").replace("&amp;", "&");
    assert_eq!(attribute(&first, "<a class=\"more\"", "hx-target"), "closest tr");
    assert_eq!(attribute(&first, "<a class=\"more\"", "hx-swap"), "outerHTML");
    let later = scene.client.fragment(&link);
    assert!(later.starts_with("<tr"), "{later}");
    assert_eq!(later.matches("data-focus").count(), 1, "{later}");
    // Without JavaScript it is a page with a table of its own.
    let page = scene.client.get(&link).text();
    assert!(page.contains("<table"), "{page}");
}

#[test]
fn a_table_of_any_name_has_an_address() {
    let name = "a/b?c=d&e \"f\" #g %h <i> é";
    let quoted = name.replace('"', "\"\"");
    let app = App::new().schema(&format!(
        "CREATE TABLE event_log(id INTEGER PRIMARY KEY); CREATE TABLE \"{quoted}\"(a INTEGER PRIMARY KEY)"
    ));
    let taken = app.take("x");
    app.sql(&format!("INSERT INTO \"{quoted}\" VALUES(1)"));
    let client = app.client();
    let preview = client.fragment(&format!("/snapshots/{}/preview?kind=periodic", taken.id));
    let row = &preview[preview.find("<tr class=\"change-table\"").expect("a row")..];
    let link = attribute(row, "<a ", "hx-get").replace("&amp;", "&");
    let rows = client.json(&link);
    assert_eq!(rows["table"], name, "{link}");
    assert_eq!(rows["rows"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_composite_key_and_a_hidden_rowid_are_named() {
    let app = App::new().schema(
        "CREATE TABLE event_log(id INTEGER PRIMARY KEY);
         CREATE TABLE pairs(a TEXT, b TEXT, v, PRIMARY KEY(a, b)) WITHOUT ROWID;
         CREATE TABLE bare(v);",
    );
    let taken = app.take("x");
    app.sql("INSERT INTO pairs VALUES('x', 'y', 1); INSERT INTO bare VALUES('z')");
    let client = app.client();
    let of =
        |table: &str| client.json(&format!("/snapshots/{}/tables/{table}?kind=periodic", taken.id));
    let pairs = of("pairs");
    assert_eq!(pairs["key"], json!(["a", "b"]));
    assert_eq!(pairs["rows"][0]["key"], json!(["x", "y"]));
    let bare = of("bare");
    assert_eq!(bare["key"], json!(["rowid"]));
    assert_eq!(bare["columns"], json!(["v"]));
    assert_eq!(
        bare["rows"][0],
        json!({"change": "removed", "key": [1], "before": ["z"], "after": null})
    );
}
