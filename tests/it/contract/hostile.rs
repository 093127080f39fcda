//! Rows, names and notes that mean harm are shown as what they are.

use super::crawl::crawl;
use super::forms::Form;
use crate::app::App;

/// What would be harmful if it were not escaped, or would mislead if it were not shown.
const SCRIPT: &str = "<script>alert(1)</script>";
const ATTRIBUTE: &str = "\"' onmouseover=\"alert(1)\" x='";
const TURNED: &str = "abc\u{202e}txt.exe";
const CONTROL: &str = "a\u{0}b\u{7}c\u{1b}[31md\r\ne";

/// An application whose every text means harm, with a snapshot and changes since.
fn hostile() -> App {
    let quoted = |text: &str| text.replace('\'', "''");
    let table = format!("t{SCRIPT}{ATTRIBUTE}").replace('"', "\"\"");
    let app = App::new().schema(&format!(
        "CREATE TABLE event_log(id INTEGER PRIMARY KEY, type TEXT);
         CREATE TABLE \"{table}\"(id INTEGER PRIMARY KEY, \"c{SCRIPT}\" TEXT);"
    ));
    app.take(&format!("note {SCRIPT}{ATTRIBUTE}{TURNED}"));
    {
        let connection = app.application();
        for text in [SCRIPT, ATTRIBUTE, TURNED, CONTROL] {
            let sql = format!("INSERT INTO \"{table}\" VALUES(NULL, ?1)");
            connection.execute(&sql, [text]).expect("a row");
        }
        let long = "é".repeat(1_000_000);
        connection
            .execute(&format!("INSERT INTO \"{table}\" VALUES(5, ?1)"), [&long])
            .expect("a long row");
    }
    app.sql(&format!("INSERT INTO event_log(type) VALUES('{}')", quoted(SCRIPT)));
    app.sql(&format!("INSERT INTO event_log(type) VALUES('{}')", quoted(ATTRIBUTE)));
    app
}

#[test]
fn hostile_names_notes_events_and_cells_are_text_in_every_page() {
    let app = hostile();
    let client = app.client();
    let mut shown = String::new();
    for (path, answer) in crawl(&client, "/snapshots") {
        if !answer.header("Content-Type").starts_with("text/html") {
            continue;
        }
        assert_eq!(answer.status, 200, "{path}");
        let fragment = client.fragment(&path);
        for text in [answer.text(), fragment] {
            assert!(!text.contains("<script>") && !text.contains("onmouseover=\""), "{path}");
            // Cells name what hides; elsewhere an element keeps it from what is around it.
            let hidden = ['\u{202e}', '\0', '\u{7}', '\u{1b}'];
            assert!(!path.contains("/tables/") || !text.contains(hidden), "{path}");
            assert!(text.len() < 100_000, "{path}: {}", text.len());
            shown.push_str(&text);
        }
    }
    for part in [
        "note &lt;script&gt;",
        "<bdi>t&lt;script&gt;alert(1)",
        "<bdi>c&lt;script&gt;alert(1)",
        "<bdi class=\"type\">&lt;script&gt;alert(1)",
        "‹U+202E›",
        "‹U+0000›",
        "‹U+001B›",
        "(1\u{202f}000\u{202f}000 characters)",
    ] {
        assert!(shown.contains(part), "{part}");
    }
}

#[test]
fn facts_hold_every_cell_whole() {
    let app = hostile();
    let client = app.client();
    let preview = client.json(&format!("/snapshots/{}/preview?kind=periodic", app.listed()[0].id));
    assert_eq!(preview["tables"][0]["name"], format!("t{SCRIPT}{ATTRIBUTE}"));
    assert_eq!(preview["events_since"][0]["type"], ATTRIBUTE);
    let (path, _) = crawl(&client, "/snapshots")
        .into_iter()
        .find(|(path, _)| path.contains("/tables/"))
        .expect("rows");
    let rows = client.json(&path);
    for (row, text) in [SCRIPT, ATTRIBUTE, TURNED, CONTROL].into_iter().enumerate() {
        assert_eq!(rows["rows"][row]["before"][1], text);
    }
    let long = rows["rows"][4]["before"][1].as_str().expect("a text");
    assert_eq!(long.chars().count(), 1_000_000);
}

#[test]
fn hostile_requests_are_told_back_as_text() {
    let app = hostile();
    let client = app.client();
    let script = "%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%27";
    let id = app.listed()[0].id.clone();
    for path in [
        format!("/{script}"),
        format!("/snapshots?q={script}"),
        format!("/snapshots/{script}/preview?kind=periodic"),
        format!("/snapshots/{id}/preview?kind={script}"),
        format!("/snapshots/{id}/tables/{script}?kind=periodic"),
        format!("/snapshots/{id}/export?kind=periodic&format={script}"),
        format!("/snapshots/compare?from={script}&to={script}"),
        format!("/history?limit={script}"),
        format!("/assets/{script}"),
    ] {
        for form in [Form::Page, Form::Fragment] {
            let text = client.read(&path, form).text();
            assert!(!text.contains("<script>") && !text.contains("\"'\""), "{path}: {text}");
        }
    }
    for field in ["kind", "scope", "table", "plan", "moving"] {
        let hostile = "<script>\"'";
        let mut fields = vec![("kind", "periodic"), ("confirm_id", id.as_str())];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, hostile));
        for form in [Form::Page, Form::Fragment] {
            let text = client.post_as(&format!("/snapshots/restore/{id}"), &fields, form).text();
            assert!(!text.contains("<script>"), "{field}: {text}");
        }
    }
}
