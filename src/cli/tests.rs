//! How arguments are read. What commands do is tested on the built program, in `tests/it`.

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use super::{Cli, Command};

/// The error of a command that is not understood, by its kind and its text.
fn usage(arguments: &[&str]) -> (ErrorKind, String) {
    let error = Cli::try_parse_from([&["snapback"], arguments].concat()).expect_err("bad usage");
    (error.kind(), error.to_string())
}

fn understood(arguments: &[&str]) -> Command {
    Cli::try_parse_from([&["snapback"], arguments].concat()).expect("good usage").command
}

#[test]
fn the_commands_are_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_on_a_database_reads_the_same_options() {
    let commands: [&[&str]; 10] = [
        &["serve"],
        &["take"],
        &["list"],
        &["diff", "periodic/a"],
        &["restore", "periodic/a", "--confirm", "a"],
        &["verify"],
        &["delete", "periodic/a", "--confirm", "a"],
        &["prune"],
        &["export", "periodic/a", "-o", "a.json"],
        &["import", "a.json"],
    ];
    let options = [
        "--db",
        "app.db",
        "--store",
        "s",
        "--event-table",
        "t",
        "--event-column",
        "c",
        "--event-type-column",
        "y",
        "--event-time-column",
        "w",
        "--exclude-table",
        "a*",
        "--exclude-table",
        "b",
        "--keep-last",
        "0",
        "--json",
    ];
    for command in commands {
        understood(&[command, &options[..]].concat());
    }
}

#[test]
fn a_usage_error_ends_the_process_with_2() {
    for arguments in [&["take", "--frobnicate"][..], &["list", "--db"], &["dance"], &[]] {
        let error =
            Cli::try_parse_from([&["snapback"], arguments].concat()).expect_err("bad usage");
        assert_eq!(error.exit_code(), 2, "{arguments:?}");
    }
}

#[test]
fn a_snapshot_without_its_kind_is_bad_usage() {
    let (kind, text) = usage(&["diff", "20261122T200446Z", "--db", "app.db"]);
    assert_eq!(kind, ErrorKind::ValueValidation);
    assert!(
        text.contains(
            "a snapshot is named KIND/ID; write periodic/ID or rewind/ID, as the list prints them"
        ),
        "{text}"
    );
}

#[test]
fn a_kind_that_does_not_exist_is_bad_usage_that_names_the_two() {
    let (_, text) = usage(&["verify", "weekly/20261122T200446Z", "--db", "app.db"]);
    assert!(text.contains("state kind=periodic or kind=rewind"), "{text}");
}

#[test]
fn an_id_that_leaves_its_folder_is_bad_usage() {
    for id in ["periodic/../x", "periodic/", "periodic/a/b"] {
        let (kind, _) = usage(&["delete", id, "--confirm", "x", "--db", "app.db"]);
        assert_eq!(kind, ErrorKind::ValueValidation, "{id}");
    }
}

#[test]
fn a_restore_wants_its_confirmation_unless_it_is_dry() {
    let (kind, _) = usage(&["restore", "periodic/a", "--db", "app.db"]);
    assert_eq!(kind, ErrorKind::MissingRequiredArgument);
    understood(&["restore", "periodic/a", "--dry-run", "--db", "app.db"]);
}

#[test]
fn a_delete_wants_its_confirmation() {
    let (kind, _) = usage(&["delete", "periodic/a", "--db", "app.db"]);
    assert_eq!(kind, ErrorKind::MissingRequiredArgument);
}

#[test]
fn a_scope_is_one_of_two_words() {
    let (_, text) = usage(&["restore", "periodic/a", "--dry-run", "--db", "a", "--scope", "all"]);
    assert!(text.contains("state scope=tables or scope=rewind"), "{text}");
}

#[test]
fn the_store_lies_beside_the_database() {
    let Command::List(list) = understood(&["list", "--db", "/data/app.db"]) else {
        panic!("not the list")
    };
    assert_eq!(list.database.store().expect("a place"), "/data/app.db.snapback");
}

#[test]
fn the_version_names_the_bundled_sqlite() {
    let (kind, text) = usage(&["--version"]);
    assert_eq!(kind, ErrorKind::DisplayVersion);
    assert_eq!(text, format!("snapback 0.1.0 (SQLite {})\n", rusqlite::version()));
}
