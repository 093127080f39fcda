//! `snapback config check`: whether a file says something that can be served, and what.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;
use snapback::Result;

use super::super::plan::{Many, Plan, Planned};
use super::super::print::{Columns, Side};
use super::super::serve::Serve;
use super::super::{Outcome, print};
use super::serve_by_file;

/// The command's name.
pub(super) const VERB: &str = "config";

/// `snapback config`
#[derive(Debug, Args)]
pub(in super::super) struct ConfigCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Reads a configuration and prints what would be served; exit code 1 if that cannot be
    Check(Check),
}

#[derive(Debug, Args)]
struct Check {
    /// The file
    #[arg(long, value_name = "FILE", env = "SNAPBACK_CONFIG")]
    config: PathBuf,

    /// Print facts as JSON, and errors too
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// What would be served.
#[derive(Serialize)]
struct Checked {
    listen: String,
    /// Whether a password or a token is asked for.
    guarded: bool,
    open_at_once: Option<usize>,
    databases: Vec<Database>,
    folders: Vec<Folder>,
}

#[derive(Serialize)]
struct Database {
    /// `None` for the only one, by plain paths.
    #[serde(rename = "database")]
    name: Option<String>,
    path: String,
    store: String,
    schedule: String,
    keeps: String,
    /// Why it cannot be opened, if it cannot.
    reason: Option<String>,
}

#[derive(Serialize)]
struct Folder {
    pattern: String,
    databases: Vec<String>,
}

impl ConfigCommand {
    pub(in super::super) fn run(&self, out: &mut dyn Write) -> Result<Outcome> {
        let Verb::Check(check) = &self.verb;
        let serve = serve_by_file(&check.config, false)?;
        let checked = Checked::of(&serve)?;
        print::fact(out, check.json, &checked, ToString::to_string)?;
        let sound = checked.databases.iter().all(|database| database.reason.is_none());
        Ok(if sound { Outcome::Well } else { Outcome::BadNews })
    }

    pub(in super::super) fn json(&self) -> bool {
        let Verb::Check(check) = &self.verb;
        check.json
    }
}

impl Checked {
    fn of(serve: &Serve) -> Result<Self> {
        let (listen, guarded) = serve.options.told()?;
        let (databases, folders, several) = match Plan::of(serve)? {
            Plan::One(planned) => (vec![Database::of(None, &planned)?], Vec::new(), false),
            Plan::Many(many) => {
                // Two of the same name, and patterns that are none, are told here.
                many.databases(serve.open_at_once)?;
                let named = many.named.iter();
                let named =
                    named.map(|(name, planned)| Database::of(Some(name.to_string()), planned));
                (named.collect::<Result<_>>()?, folders(&many)?, true)
            }
        };
        let open_at_once = several.then_some(serve.open_at_once);
        Ok(Self { listen, guarded, open_at_once, databases, folders })
    }
}

fn folders(many: &Many) -> Result<Vec<Folder>> {
    many.folders
        .iter()
        .map(|folder| {
            let alone = Many { folders: vec![folder.clone()], ..Many::default() };
            let names = alone.databases(1)?.names();
            Ok(Folder {
                pattern: folder.pattern.clone(),
                databases: names.iter().map(ToString::to_string).collect(),
            })
        })
        .collect()
}

impl Database {
    fn of(name: Option<String>, planned: &Planned) -> Result<Self> {
        let retention = planned.options.opening.retention()?.options();
        let keeps: Vec<String> =
            retention.into_iter().map(|(rule, value)| format!("{rule} {value}")).collect();
        Ok(Self {
            name,
            path: planned.path.display().to_string(),
            store: planned.store.clone(),
            schedule: planned.options.schedule.to_string(),
            keeps: keeps.join(", "),
            reason: planned.look_at().err().map(|error| error.what()),
        })
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access = if self.guarded { "with a password or a token" } else { "without a password" };
        writeln!(f, "listens at {}, {access}", self.listen)?;
        if let Some(count) = self.open_at_once {
            writeln!(f, "{count} databases open at once")?;
        }
        let headings = ["DATABASE", "FILE", "STORE", "SCHEDULE", "KEEPS", "STATE"];
        let mut columns = Columns::new(&headings.map(|heading| (heading, Side::Left)));
        for database in &self.databases {
            columns.row(&[
                database.name.clone().unwrap_or_else(|| "-".to_owned()),
                database.path.clone(),
                database.store.clone(),
                database.schedule.clone(),
                database.keeps.clone(),
                database.reason.clone().unwrap_or_else(|| "sound".to_owned()),
            ]);
        }
        if !self.databases.is_empty() {
            write!(f, "{columns}")?;
        }
        for folder in &self.folders {
            let names = if folder.databases.is_empty() {
                "none yet".to_owned()
            } else {
                folder.databases.join(", ")
            };
            writeln!(f, "{}: {names}", print::printable(&folder.pattern))?;
        }
        Ok(())
    }
}
