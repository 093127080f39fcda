//! The command line: every verb of the library as a command, over its public interface only.
//!
//! The terminal, the environment and the process's exit code are known here and nowhere else.

mod access;
mod change;
mod config;
mod error;
mod log;
mod look;
mod operations;
mod options;
mod plan;
mod print;
mod retention;
mod schedule;
mod serve;
mod shell;
mod text;
mod webhook;

use std::io::Write;
use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{Parser, Subcommand};
use config::Refusal;
use snapback::{Error, Result};

pub(crate) use options::beside as store_beside;
pub(crate) use print::say;
pub(crate) use serve::{ServeOptions, listen, serve};

/// Ours, and that of the SQLite inside: some releases of it could damage a database.
static VERSION: LazyLock<String> =
    LazyLock::new(|| format!("{} (SQLite {})", env!("CARGO_PKG_VERSION"), rusqlite::version()));

/// See, take, preview and restore snapshots of a live event-sourced SQLite database.
#[derive(Debug, Parser)]
#[command(name = "snapback", version = VERSION.as_str())]
struct Cli {
    /// How the log on standard error is written: `text`, or `json`, an object a line
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        env = "SNAPBACK_LOG_FORMAT",
        default_value = "text",
        help_heading = "Output"
    )]
    log_format: log::Format,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves a self-made demo database with live writes
    Demo(crate::demo::Demo),
    /// Serves the console for a database
    Serve(Box<serve::Serve>),
    /// Takes a snapshot and prints its name
    Take(change::Take),
    /// Lists every snapshot, newest first
    List(look::List),
    /// Shows what restoring a snapshot would change
    Diff(look::Diff),
    /// Lists what was done, newest first: when, by whom, and what came of it
    History(look::History),
    /// Restores a snapshot, after a safety copy of the present state
    Restore(change::Restore),
    /// Reads snapshots back; exit code 1 if anything is damaged
    Verify(look::Verify),
    /// Deletes a snapshot
    Delete(change::Delete),
    /// Applies retention and prints what it keeps and why
    Prune(change::Prune),
    /// Writes a whole snapshot to one file
    Export(change::Export),
    /// Takes over an exported file as a snapshot and prints its name
    Import(change::Import),
    /// Copies a snapshot to another store
    Copy(change::Copy),
    /// Checks a configuration file
    Config(config::ConfigCommand),
    /// Asks for a password and prints its hash, for `serve`
    Password(access::Password),
    /// Makes a token for a script and prints it with its hash, for `serve`
    Token(access::NewToken),
    /// Prints a script that has a shell complete commands and options
    Completions(shell::Completions),
    /// Prints the manual page, or writes those of all commands
    Man(shell::Manual),
}

/// Whether a command that did its work found everything well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing to report.
    Well,
    /// The command's answer is bad news, already printed: damage was found.
    BadNews,
}

impl Command {
    fn run(self, out: &mut dyn Write) -> Result<Outcome> {
        match self {
            Self::Demo(demo) => demo.run(out),
            Self::Serve(serve) => serve.run(out),
            Self::Take(take) => take.run(out),
            Self::List(list) => list.run(out),
            Self::Diff(diff) => diff.run(out),
            Self::History(history) => history.run(out),
            Self::Restore(restore) => restore.run(out),
            Self::Verify(verify) => verify.run(out),
            Self::Delete(delete) => delete.run(out),
            Self::Prune(prune) => prune.run(out),
            Self::Export(export) => export.run(out),
            Self::Import(import) => import.run(out),
            Self::Copy(copy) => copy.run(out),
            Self::Config(config) => config.run(out),
            Self::Password(password) => password.run(out),
            Self::Token(token) => token.run(out),
            Self::Completions(completions) => completions.run(out),
            Self::Man(manual) => manual.run(out),
        }
    }

    /// Whether facts and errors are wanted as JSON.
    fn json(&self) -> bool {
        match self {
            Self::Demo(_) | Self::Completions(_) | Self::Man(_) => false,
            Self::Serve(serve) => serve.json,
            Self::Take(take) => take.database.json,
            Self::List(list) => list.database.json,
            Self::Diff(diff) => diff.database.json,
            Self::History(history) => history.database.json,
            Self::Restore(restore) => restore.database.json,
            Self::Verify(verify) => verify.database.json,
            Self::Delete(delete) => delete.database.json,
            Self::Prune(prune) => prune.database.json,
            Self::Export(export) => export.database.json,
            Self::Import(import) => import.database.json,
            Self::Copy(copy) => copy.database.json,
            Self::Config(config) => config.json(),
            Self::Password(password) => password.json,
            Self::Token(token) => token.json,
        }
    }
}

/// Runs the command that the process was started with.
///
/// The exit code is 0 when it was done, 1 when it failed or found damage, 2 on bad usage.
pub(crate) fn main() -> ExitCode {
    let Cli { log_format, command } = match config::understand(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(Refusal::Usage(usage)) => usage.exit(),
        Err(Refusal::Config { error, json }) => return failed(&error, json),
    };
    log::to_stderr(log_format);
    let json = command.json();
    match command.run(&mut std::io::stdout().lock()) {
        Ok(Outcome::Well) => ExitCode::SUCCESS,
        Ok(Outcome::BadNews) => ExitCode::FAILURE,
        // Whoever read our output has seen enough: no failure, and nobody left to tell.
        Err(failure) if print::is_broken_pipe(&failure) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure, json),
    }
}

fn failed(failure: &Error, json: bool) -> ExitCode {
    let report = error::report(failure, json);
    // With standard error gone there is no place left to complain to.
    let _ = std::io::stderr().lock().write_all(report.as_bytes());
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests;
