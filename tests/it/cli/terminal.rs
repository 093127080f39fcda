//! A folder with a database, and the program run in it.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use rusqlite::Connection;
use serde_json::Value;

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE event_log (
        id INTEGER PRIMARY KEY, created_at TEXT NOT NULL, event_type TEXT NOT NULL,
        payload TEXT NOT NULL);
    CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    INSERT INTO users VALUES (1, 'mara'), (2, 'jon');
";

/// The program's answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl Answer {
    /// What was printed by a command that has to succeed.
    #[track_caller]
    pub(super) fn done(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out
    }

    /// What a command that has to succeed printed, as JSON.
    #[track_caller]
    pub(super) fn json(self) -> Value {
        serde_json::from_str(&self.done()).expect("JSON")
    }

    /// What was said by a command that has to fail, and printed nothing else.
    #[track_caller]
    pub(super) fn failed(self) -> String {
        assert_eq!((self.code, self.out.as_str()), (Some(1), ""), "{}", self.err);
        self.err
    }
}

/// A folder with `app.db`, an application's database.
pub(super) struct Terminal {
    folder: tempfile::TempDir,
}

impl Terminal {
    pub(super) fn new() -> Self {
        let terminal = Self { folder: tempfile::tempdir().expect("a folder") };
        terminal.sql(SCHEMA);
        terminal
    }

    /// Posts notes, each with its event.
    pub(super) fn with_notes(self, notes: usize) -> Self {
        for number in 1..=notes {
            self.post(&format!("note {number}"));
        }
        self
    }

    pub(super) fn post(&self, body: &str) {
        self.app()
            .execute_batch(&format!(
                "BEGIN;
                 INSERT INTO event_log (created_at, event_type, payload)
                     VALUES ('2026-11-22T20:04:46Z', 'note_posted', '{{}}');
                 INSERT INTO notes (body) VALUES ('{body}');
                 COMMIT;"
            ))
            .expect("posted");
    }

    /// The application's own connection.
    pub(super) fn app(&self) -> Connection {
        Connection::open(self.file("app.db")).expect("a database")
    }

    pub(super) fn sql(&self, sql: &str) {
        self.app().execute_batch(sql).expect("valid SQL");
    }

    /// One number out of the database.
    pub(super) fn number(&self, sql: &str) -> i64 {
        self.app().query_row(sql, [], |row| row.get(0)).expect("a number")
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program in this folder, without options of the surroundings.
    pub(super) fn program(&self) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_snapback"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("SNAPBACK_") {
                program.env_remove(name);
            }
        }
        program.current_dir(self.folder.path()).env("USER", "mara");
        program
    }

    /// Runs a command as it stands.
    pub(super) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Answer {
        self.run_in(&[], arguments)
    }

    /// Runs a command with these environment variables.
    pub(super) fn run_in<S: AsRef<OsStr>>(
        &self,
        variables: &[(&str, &str)],
        arguments: &[S],
    ) -> Answer {
        let output = self
            .program()
            .envs(variables.iter().copied())
            .args(arguments)
            .output()
            .expect("the program runs");
        Answer {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Runs a command on `app.db`.
    pub(super) fn on_app(&self, arguments: &[&str]) -> Answer {
        self.run(&[arguments, &["--db", "app.db"]].concat())
    }

    /// Takes a snapshot and tells its full name.
    pub(super) fn take(&self) -> String {
        self.on_app(&["take"]).done().trim_end().to_owned()
    }
}

/// The id in a full name.
pub(super) fn id(name: &str) -> &str {
    name.split_once('/').expect("KIND/ID").1
}
