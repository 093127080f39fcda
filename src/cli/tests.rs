//! How arguments are read. What commands do is tested on the built program, in `tests/it`.

use std::collections::BTreeSet;

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
    let commands: [&[&str]; 12] = [
        &["serve"],
        &["take"],
        &["list"],
        &["history"],
        &["copy", "periodic/a", "--to", "other"],
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

const README: &str = include_str!("../../README.md");
const DEPLOY: &str = include_str!("../../assets/deploy/README.md");
const UNIT: &str = include_str!("../../assets/deploy/snapback.service");
const CONTAINERFILE: &str = include_str!("../../assets/deploy/Containerfile");

/// Every variable that an option can come from.
fn variables(command: &clap::Command) -> BTreeSet<String> {
    let of_options = command.get_arguments().filter_map(|option| option.get_env());
    let own = of_options.map(|variable| variable.to_string_lossy().into_owned());
    own.chain(command.get_subcommands().flat_map(variables)).collect()
}

#[test]
fn every_variable_that_is_written_about_is_read_or_set() {
    let mut known = variables(&Cli::command());
    // Read elsewhere: by the log, and by stores far away.
    known.extend(["SNAPBACK_LOG", "SNAPBACK_STORE_PATIENCE"].map(str::to_owned));
    // Set for hooks, which is tested where they run.
    let of_hooks = DEPLOY.split("Hooks (").nth(1).and_then(|text| text.split("## ").next());
    let set: BTreeSet<String> = names(of_hooks.expect("the section on hooks"));
    for text in [README, DEPLOY, UNIT, CONTAINERFILE] {
        for name in names(text) {
            assert!(known.contains(&name) || set.contains(&name), "{name}");
        }
    }
    assert!(names(UNIT).contains("SNAPBACK_DB"));
}

#[test]
fn every_command_that_is_written_about_is_understood() {
    let mut seen = BTreeSet::new();
    for text in [README, DEPLOY] {
        let text = text.replace("\\\n", " ");
        for line in text.lines().filter_map(|line| line.strip_prefix("    ")) {
            let words = shlex::split(line.split(" > ").next().unwrap_or_default());
            let words = words.unwrap_or_default();
            let Some(own) = words.iter().position(|word| word == "snapback") else { continue };
            let mut arguments: Vec<&str> = words[own + 1..].iter().map(String::as_str).collect();
            seen.insert(arguments[0].to_owned());
            let parsed = |arguments: &[&str]| {
                Cli::try_parse_from([&["snapback"], arguments].concat()).map_err(|e| e.kind())
            };
            if parsed(&arguments).err() == Some(ErrorKind::MissingRequiredArgument) {
                // The database is named by the environment.
                arguments.extend(["--db", "app.db"]);
            }
            assert_eq!(parsed(&arguments).err(), None, "{line}");
        }
    }
    assert!(seen.len() > 10, "{seen:?}");
}

/// The variables of ours that a text names.
fn names(text: &str) -> BTreeSet<String> {
    let of_name = |letter: char| letter.is_ascii_uppercase() || letter == '_';
    let begun = text.match_indices("SNAPBACK_").map(|(place, _)| &text[place..]);
    let whole =
        begun.map(|rest| rest[..rest.find(|c| !of_name(c)).unwrap_or(rest.len())].to_owned());
    whole.collect()
}

#[test]
fn the_unit_starts_the_console_as_the_command_line_reads_it() {
    let starts: Vec<_> = UNIT.lines().filter_map(|line| line.strip_prefix("ExecStart=")).collect();
    let [start] = starts[..] else { panic!("one ExecStart: {starts:?}") };
    let words = shlex::split(start).expect("words");
    assert_eq!(words[0], "/usr/local/bin/snapback");
    // The database is named in the file of variables.
    let mut arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    arguments.extend(["--db", "/var/lib/app/app.db"]);
    let Command::Serve(_) = understood(&arguments) else { panic!("not the console") };
    // The supervisor has more patience than the console.
    let stop = UNIT.lines().find_map(|line| line.strip_prefix("TimeoutStopSec="));
    let stop: u64 = stop.and_then(|seconds| seconds.parse().ok()).expect("seconds");
    let own = words.iter().find_map(|word| word.strip_suffix('s')?.parse::<u64>().ok());
    assert!(own.is_some_and(|own| own + 20 < stop), "{own:?} {stop}");
}

#[test]
fn the_image_runs_the_console_as_the_command_line_reads_it() {
    let words = |instruction: &str| -> Vec<String> {
        let line = CONTAINERFILE.lines().find_map(|line| line.strip_prefix(instruction));
        serde_json::from_str(line.expect(instruction)).expect("a list of words")
    };
    assert_eq!(words("ENTRYPOINT "), ["/usr/local/bin/snapback"]);
    let mut arguments = words("CMD ");
    // The image's own variables, as options.
    let set = CONTAINERFILE.lines().find_map(|line| line.strip_prefix("ENV ")).expect("variables");
    for (name, value) in set.split(' ').filter_map(|pair| pair.split_once('=')) {
        let option = name.strip_prefix("SNAPBACK_").expect("one of ours").to_lowercase();
        arguments.extend([format!("--{}", option.replace('_', "-")), value.to_owned()]);
    }
    arguments.extend(["--db".to_owned(), "/data/app.db".to_owned()]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Command::Serve(_) = understood(&arguments) else { panic!("not the console") };
}

#[test]
fn the_help_of_the_history_names_every_action() {
    let program = Cli::command();
    let history = program.find_subcommand("history").expect("a command");
    let option = history.get_arguments().find(|known| known.get_long() == Some("what"));
    let help = option.and_then(clap::Arg::get_help).expect("help").to_string();
    for action in snapback::snapshot::Action::ALL {
        assert!(help.contains(action.name()), "{} in {help}", action.name());
    }
}
