//! Whatever SQLite can hold goes through a snapshot and comes back the same.

mod constraints;
mod indexes;
mod keys;
mod names;
mod values;

use snapback::snapshot::{Restored, Scope};

use crate::app::App;

/// The log that every database of these tests has, behind its own tables.
const LOG: &str = ";CREATE TABLE event_log(id INTEGER PRIMARY KEY, event_type TEXT);
    INSERT INTO event_log VALUES(1, 'made');";

/// A database of `schema`.
fn database(schema: &str) -> App {
    App::new().schema(&format!("{schema}{LOG}"))
}

/// Takes a snapshot of `schema`, runs `change`, and restores and undoes in both scopes. Gives back
/// the application and the first restore.
fn round_trip(schema: &str, change: &str) -> (App, Restored) {
    let app = database(schema);
    let restored = round_trip_of(&app, change);
    (app, restored)
}

fn round_trip_of(app: &App, change: &str) -> Restored {
    let before = app.state();
    let snapshot = app.take("before");
    app.sql(change);
    app.sql("INSERT INTO event_log(event_type) VALUES('changed')");
    let after = app.state();

    let restored = app.restore(&snapshot, Scope::Tables);
    let mut expected = before.clone();
    expected.insert("event_log".into(), after["event_log"].clone());
    assert_eq!(app.state(), expected, "restored, the log left alone");
    sound(app);
    assert_eq!(app.preview(&snapshot).differing_rows(), 0);
    app.undo(&restored);
    assert_eq!(app.state(), after, "undone");

    let rewound = app.restore(&snapshot, Scope::Rewind);
    assert_eq!(app.state(), before, "rewound");
    sound(app);
    app.undo(&rewound);
    assert_eq!(app.state(), after, "the rewind undone");
    sound(app);
    restored
}

fn sound(app: &App) {
    assert_eq!(app.value("PRAGMA integrity_check"), "'ok'");
}
