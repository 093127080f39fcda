//! Processes that are killed at any moment, while the application writes.
//!
//! `SNAPBACK_KILLS` says how often each operation is killed; `just crash` does it more often.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::Connection;
use snapback::snapshot::{Format, Options, SnapshotRef};
use snapback::store::Store;

use super::process::Process;
use super::scene::{assert_all_sound, eager, try_console};
use super::seeded::Seeded;
use crate::app::{App, BY, State, state};
use crate::writer::LiveWriter;

/// Where the events of a scene end before its first snapshot.
const OLDER: i64 = 400;

/// How often each operation is killed.
fn kills() -> u32 {
    let text = std::env::var("SNAPBACK_KILLS").unwrap_or_else(|_| "20".to_owned());
    text.parse().expect("SNAPBACK_KILLS is a number")
}

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

/// An operation and what it must have to do.
struct Operation {
    name: &'static str,
    /// Its arguments, given the older snapshot.
    arguments: fn(&App, &SnapshotRef) -> Vec<String>,
    /// Whether it may put the log back.
    rewinds: bool,
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// An application with two snapshots of its own, packs old enough to go, and a file to import.
fn scene(app: &App) -> SnapshotRef {
    let setup = console_on_disk(app, Options::default());
    app.events(usize::try_from(OLDER).expect("a number"));
    let older = setup.take(Some("older"), BY).expect("a snapshot").snapshot();
    app.events(200);
    setup.take(Some("newer"), BY).expect("a snapshot");
    setup.export(&older, Format::Sqlite, &app.file("import.sqlite"), BY).expect("an export");
    age(&app.store_dir().join("packs"));
    older
}

fn console_on_disk(app: &App, options: Options) -> snapback::snapshot::Snapshots {
    let store = Store::directory(&app.store_dir()).expect("a store");
    try_console(&app.db_path(), store, options).expect("a console")
}

/// Makes every file of a folder two hours old.
fn age(folder: &Path) {
    let then = SystemTime::now() - Duration::from_hours(2);
    for file in std::fs::read_dir(folder).expect("a folder") {
        let path = file.expect("a file").path();
        if path.is_file() {
            let file = std::fs::File::options().write(true).open(path).expect("a file");
            file.set_modified(then).expect("a time");
        }
    }
}

/// Kills an operation at moments spread over its duration. Each time: the database is exactly
/// what the application wrote, with the restore or without it; what is listed is whole.
fn survives_being_killed(operation: &Operation) {
    let mut random = Seeded::new(operation.name);
    let mut model = Model::default();
    let mut duration = Duration::ZERO;
    let mut at_work = 0;
    for number in 0..=kills() {
        let app = App::in_memory();
        let older = scene(&app);
        let listed = app.listed();
        let arguments = (operation.arguments)(&app, &older);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let writer = LiveWriter::start(&app.db_path(), 1);
        writer.wait_for(5);
        let start = Instant::now();
        let process = Process::start(&app, &arguments);
        if number == 0 {
            // The first is let live: it tells how long the operation takes.
            let output = process.wait();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            duration = start.elapsed();
        } else {
            std::thread::sleep(duration.mul_f64(random.fraction() * 1.1));
            at_work += u32::from(process.kill());
        }
        writer.wait_for(5);
        let context = format!("{}, kill {number}", operation.name);
        let written = writer.stop();
        assert_eq!(written.errors, Vec::<String>::new());
        check_database(&app, &written.positions, operation, &mut model, &context);
        check_store(&app, &listed, operation, &context);
    }
    assert!(at_work > 0, "{} was over before every kill", operation.name);
}

/// The database is what the application's own record says.
fn check_database(
    app: &App,
    written: &[i64],
    operation: &Operation,
    model: &mut Model,
    context: &str,
) {
    let connection = Connection::open(app.db_path()).expect("the database");
    let integrity: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
    assert_eq!(integrity, "ok", "{context}");
    let steps_back: Vec<&[i64]> =
        written.windows(2).filter(|pair| pair[1] != pair[0] + 1).collect();
    if operation.rewinds {
        let sound = steps_back.len() <= 1 && steps_back.iter().all(|pair| pair[1] == OLDER + 1);
        assert!(sound, "{context}: {steps_back:?}");
    } else {
        assert!(steps_back.is_empty(), "{context}: {steps_back:?}");
    }
    let position = app.position();
    assert_eq!(Some(&position), written.last(), "{context}");
    assert_eq!(&state(&connection), model.after(position), "{context}");
}

/// The store lists only what is whole, and what was left over goes once it is old.
fn check_store(app: &App, before: &[SnapshotRef], operation: &Operation, context: &str) {
    let console = console_on_disk(app, Options::default());
    assert_all_sound(&console, context);
    let listed = app.listed();
    let new = listed.iter().filter(|snapshot| !before.contains(snapshot)).count();
    assert!(new <= 1, "{context}: {listed:?}");
    if operation.name != "prune" {
        assert!(before.iter().all(|snapshot| listed.contains(snapshot)), "{context}: {listed:?}");
    }
    for folder in ["packs", "labels", "history", "snapshots/periodic", "snapshots/rewind"] {
        if app.store_dir().join(folder).is_dir() {
            age(&app.store_dir().join(folder));
        }
    }
    drop(console);
    let swept = console_on_disk(app, eager(5));
    assert_eq!(leftovers(&app.store_dir()), Vec::<String>::new(), "{context}");
    // It goes on as if nothing had been.
    swept.take(None, BY).expect("a take");
    swept.prune(false, BY).expect("a prune");
    assert_all_sound(&swept, context);
}

/// Files that a killed process was still writing.
fn leftovers(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(leftovers(&path));
        } else if path.to_string_lossy().contains('#') {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn a_take_can_be_killed_at_any_moment() {
    survives_being_killed(&Operation {
        name: "take",
        arguments: |_, _| words(&["take", "--note", "a note"]),
        rewinds: false,
    });
}

#[test]
fn a_rewind_can_be_killed_at_any_moment() {
    survives_being_killed(&Operation {
        name: "restore",
        arguments: |_, older| {
            let (name, id) = (older.to_string(), older.id.to_string());
            words(&["restore", &name, "--confirm", &id, "--scope", "rewind"])
        },
        rewinds: true,
    });
}

#[test]
fn a_prune_can_be_killed_at_any_moment() {
    survives_being_killed(&Operation {
        name: "prune",
        arguments: |_, _| words(&["prune", "--keep-last", "1"]),
        rewinds: false,
    });
}

#[test]
fn an_import_can_be_killed_at_any_moment() {
    survives_being_killed(&Operation {
        name: "import",
        arguments: |app, _| words(&["import", &app.file("import.sqlite").display().to_string()]),
        rewinds: false,
    });
}
