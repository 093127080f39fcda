//! A whole snapshot as one file, and that file as a snapshot again.

use poem::http::Method;
use rusqlite::Connection;

use super::forms::Form;
use super::scene::Scene;
use crate::app::App;

#[test]
fn an_export_is_a_download_with_a_name() {
    let scene = Scene::new();
    for (query, ending, media_type) in [
        ("&format=json", "json", "application/json"),
        ("", "json", "application/json"),
        ("&format=sqlite", "sqlite", "application/vnd.sqlite3"),
    ] {
        for form in [Form::Page, Form::Json] {
            let answer = scene.client.read(&format!("{}{query}", scene.about("export")), form);
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("Content-Type"), media_type);
            let name = format!("attachment; filename=\"periodic-{}.{ending}\"", scene.taken.id);
            assert_eq!(answer.header("Content-Disposition"), name);
            assert_eq!(answer.header("Content-Length"), answer.body.len().to_string());
        }
    }
}

#[test]
fn an_export_as_a_fragment_leads_to_the_download() {
    let scene = Scene::new();
    let answer = scene.client.read(&scene.about("export"), Form::Fragment);
    assert_eq!(answer.status, 200);
    answer.assert_form(Form::Fragment, "export");
    assert!(answer.text().contains("href=\"/jobs/"), "{}", answer.text());
}

#[test]
fn the_json_has_the_shape_of_a_whole_snapshot() {
    let scene = Scene::new();
    let whole = scene.client.get(&scene.about("export")).json();
    assert_eq!(whole["last_event_id"], 30);
    assert_eq!(whole["event_log"].as_array().map(Vec::len), Some(30));
    assert_eq!(whole["event_log"][0]["event_type"], "bot_created");
    let app = App::new().with_events(30);
    for table in ["bots", "chats", "messages", "memories"] {
        let rows = whole["tables"][table].as_array().or_else(|| whole[table].as_array());
        assert_eq!(rows.map(Vec::len), Some(app.dump(table).len()), "{table}");
    }
}

#[test]
fn the_sqlite_file_opens_with_sqlite_and_holds_every_table() {
    let scene = Scene::new();
    let answer = scene.client.get(&format!("{}&format=sqlite", scene.about("export")));
    let path = scene.app.file("opened.sqlite");
    std::fs::write(&path, &answer.body).expect("a file");
    let connection = Connection::open(path).expect("it opens");
    let exported = crate::app::state(&connection);
    for (table, rows) in App::new().with_events(30).state() {
        assert_eq!(exported.get(&table), Some(&rows), "{table}");
    }
}

#[test]
fn either_format_comes_back_as_the_same_snapshot() {
    for format in ["json", "sqlite"] {
        let scene = Scene::new();
        let exported = scene.client.get(&format!("{}&format={format}", scene.about("export")));
        let call = scene.client.call(Method::POST, "/snapshots/import").wants_json();
        let answer = call.upload("file", &format!("kept.{format}"), exported.body).send();
        assert_eq!(answer.status, 201, "{}", answer.text());
        let entry = answer.json();
        assert_eq!(entry["kind"], "periodic");
        assert_eq!(entry["last_event_id"], 30);
        assert_ne!(entry["snapshot_id"], scene.id());
        let compared = scene.client.json(&format!(
            "/snapshots/compare?from={}&to=periodic/{}",
            scene.taken,
            entry["snapshot_id"].as_str().expect("an id")
        ));
        for table in compared["tables"].as_array().expect("tables") {
            for change in ["added", "removed", "changed"] {
                assert_eq!(table[change], 0, "{format}: {table}");
            }
        }
        let id = entry["snapshot_id"].as_str().expect("an id");
        let fields = [("kind", "periodic"), ("confirm_id", id), ("scope", "rewind")];
        let done = scene.client.post_as(&format!("/snapshots/restore/{id}"), &fields, Form::Json);
        assert_eq!(done.status, 200, "{}", done.text());
        assert_eq!(scene.app.state(), App::new().with_events(30).state(), "{format}");
    }
}
