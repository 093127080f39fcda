//! An operation that is killed, and what must hold afterwards.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, TransactionBehavior};
use snapback::snapshot::{Format, Options, SnapshotRef};
use snapback::store::Store;

use super::super::scene::{assert_all_sound, eager, try_console};
use crate::app::{App, BY, State};
use crate::writer::{LiveWriter, Written};

/// Where the events of a scene end before its first snapshot.
const OLDER: i64 = 400;

/// The state after so many events, made anew: what a database that holds them must be like.
#[derive(Default)]
struct Model {
    known: HashMap<i64, State>,
}

impl Model {
    fn after(&mut self, position: i64) -> &State {
        self.known.entry(position).or_insert_with(|| {
            let app = App::in_memory();
            app.sql("PRAGMA synchronous = off");
            app.events(usize::try_from(position).expect("a position"));
            app.state()
        })
    }
}

/// What an operation does to the database, once or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Nothing,
    /// The log and all that follows from it go back to the older snapshot.
    Rewind,
    /// The read models become those of the older snapshot; the log stays.
    Tables,
}

/// An operation and what it must have to do.
pub(super) struct Operation {
    pub(super) name: &'static str,
    /// Its arguments, given the older snapshot.
    arguments: fn(&App, &SnapshotRef) -> Vec<String>,
    effect: Effect,
    /// Some of the steps that it must be killed before: a call, and a part of the file's name.
    pub(super) steps: &'static [&'static str],
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn restore(older: &SnapshotRef, scope: &str) -> Vec<String> {
    words(&["restore", &older.to_string(), "--confirm", older.id.as_str(), "--scope", scope])
}

pub(super) const TAKE: Operation = Operation {
    name: "take",
    arguments: |_, _| words(&["take", "--note", "a note"]),
    effect: Effect::Nothing,
    steps: &[
        "write /packs/",
        "sync /packs/",
        "write /snapshots/periodic/",
        "link /snapshots/periodic/",
        "link /history/",
    ],
};

pub(super) const REWIND: Operation = Operation {
    name: "rewind",
    arguments: |_, older| restore(older, "rewind"),
    effect: Effect::Rewind,
    steps: &[
        "write /packs/",
        "sync /packs/",
        "link /snapshots/rewind/",
        "pwrite app.db-wal",
        "sync app.db-wal",
        "link /history/",
    ],
};

pub(super) const RESTORE: Operation = Operation {
    name: "restore",
    arguments: |_, older| restore(older, "tables"),
    effect: Effect::Tables,
    steps: &[
        "write /packs/",
        "sync /packs/",
        "link /snapshots/rewind/",
        "pwrite app.db-wal",
        "sync app.db-wal",
        "link /history/",
    ],
};

pub(super) const PRUNE: Operation = Operation {
    name: "prune",
    arguments: |_, _| words(&["prune", "--keep-last", "1"]),
    effect: Effect::Nothing,
    steps: &["unlink /snapshots/periodic/", "write /packs/", "unlink /packs/", "link /history/"],
};

pub(super) const DELETE: Operation = Operation {
    name: "delete",
    arguments: |_, older| words(&["delete", &older.to_string(), "--confirm", older.id.as_str()]),
    effect: Effect::Nothing,
    steps: &["unlink /snapshots/periodic/", "link /history/"],
};

pub(super) const IMPORT: Operation = Operation {
    name: "import",
    arguments: |app, _| words(&["import", &app.file("import.sqlite").display().to_string()]),
    effect: Effect::Nothing,
    steps: &["write /packs/", "link /snapshots/periodic/", "link /history/"],
};

/// Runs an operation while the application writes, and checks what it leaves behind, however it
/// ended: the database is exactly what the application wrote, with what the operation does or
/// without it; what is listed is whole; and it all goes on.
pub(super) struct Survival {
    operation: &'static Operation,
    model: Model,
}

impl Survival {
    pub(super) fn of(operation: &'static Operation) -> Self {
        Self { operation, model: Model::default() }
    }

    /// One run; `run` is given the arguments and ends the operation one way or the other.
    pub(super) fn check<T>(&mut self, context: &str, run: impl FnOnce(&App, &[&str]) -> T) -> T {
        let Self { operation, model } = self;
        let context = format!("{}, {context}", operation.name);
        let app = App::in_memory();
        let (older, read_models) = scene(&app);
        let listed = app.listed();
        let arguments = (operation.arguments)(&app, &older);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let before = projections(&app);
        let writer = match operation.effect {
            // Whatever else was written there could not be told from what it brings back.
            Effect::Tables => {
                LiveWriter::repeating(&app.db_path(), 1, |connection, _| log_only(connection))
            }
            _ => LiveWriter::start(&app.db_path(), 1),
        };
        writer.wait_for(5);
        let outcome = run(&app, &arguments);
        writer.wait_for(5);
        let written = writer.stop();
        assert_eq!(written.errors, Vec::<String>::new(), "{context}");
        check_log(&app, &written, operation.effect, &context);
        if operation.effect == Effect::Tables {
            let now = projections(&app);
            assert!(now == before || now == read_models, "{context}: something between");
        } else {
            assert_eq!(&app.state(), model.after(app.position()), "{context}");
        }
        check_store(&app, &listed, operation, &context);
        outcome
    }
}

/// The state but for the log.
fn projections(app: &App) -> State {
    let mut state = app.state();
    state.remove("event_log");
    state
}

/// An event that no read model follows from.
fn log_only(connection: &mut Connection) -> rusqlite::Result<i64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(
        "INSERT INTO event_log(created_at, event_type, payload) VALUES('2026-01-01', 'seen', '{}')",
        [],
    )?;
    let position = transaction.last_insert_rowid();
    transaction.commit()?;
    Ok(position)
}

/// An application with two snapshots of its own, packs old enough to go, and a file to import. The
/// older snapshot, and the read models in it.
fn scene(app: &App) -> (SnapshotRef, State) {
    let setup = console_on_disk(app, Options::default());
    app.events(usize::try_from(OLDER).expect("a number"));
    let older = setup.take(Some("older"), BY).expect("a snapshot").snapshot();
    let read_models = projections(app);
    app.events(200);
    setup.take(Some("newer"), BY).expect("a snapshot");
    let file = app.file("import.sqlite");
    setup.export(&older, Format::Sqlite, &file, BY).expect("an export");
    // Rows that the store does not have yet.
    let import = Connection::open(file).expect("the export");
    import.execute("UPDATE messages SET body = body || '!'", []).expect("other rows");
    age(&app.store_dir().join("packs"));
    (older, read_models)
}

fn console_on_disk(app: &App, options: Options) -> snapback::snapshot::Snapshots {
    let store = Store::directory(&app.store_dir()).expect("a store");
    try_console(&app.db_path(), store, options).expect("a console")
}

/// Makes every file below a folder two hours old.
fn age(folder: &Path) {
    let then = SystemTime::now() - Duration::from_hours(2);
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            age(&path);
        } else {
            let file = std::fs::File::options().write(true).open(path).expect("a file");
            file.set_modified(then).expect("a time");
        }
    }
}

/// The log is what the application's own record says.
fn check_log(app: &App, written: &Written, effect: Effect, context: &str) {
    assert_eq!(app.value("PRAGMA integrity_check"), "'ok'", "{context}");
    let steps_back: Vec<&[i64]> =
        written.positions.windows(2).filter(|pair| pair[1] != pair[0] + 1).collect();
    if effect == Effect::Rewind {
        let sound = steps_back.len() <= 1 && steps_back.iter().all(|pair| pair[1] == OLDER + 1);
        assert!(sound, "{context}: {steps_back:?}");
    } else {
        assert!(steps_back.is_empty(), "{context}: {steps_back:?}");
    }
    assert_eq!(Some(&app.position()), written.positions.last(), "{context}");
}

/// The store lists only what is whole, and what was left over goes once it is old.
fn check_store(app: &App, before: &[SnapshotRef], operation: &Operation, context: &str) {
    let console = console_on_disk(app, Options::default());
    assert_all_sound(&console, context);
    let listed = app.listed();
    let new = listed.iter().filter(|snapshot| !before.contains(snapshot)).count();
    assert!(new <= 1, "{context}: {listed:?}");
    if !matches!(operation.name, "prune" | "delete") {
        assert!(before.iter().all(|snapshot| listed.contains(snapshot)), "{context}: {listed:?}");
    }
    age(&app.store_dir());
    drop(console);
    let swept = console_on_disk(app, eager(5));
    assert_eq!(leftovers(&app.store_dir()), Vec::<String>::new(), "{context}");
    // It goes on as if nothing had been.
    swept.take(None, BY).expect("a take");
    swept.prune(false, BY).expect("a prune");
    assert_all_sound(&swept, context);
}

/// Whether a file has the name of one that is still being written.
fn is_leftover(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.contains('#') || name.starts_with(".tmp")
}

/// Files that a killed process was still writing.
fn leftovers(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(leftovers(&path));
        } else if is_leftover(&path) {
            found.push(path.display().to_string());
        }
    }
    found
}
