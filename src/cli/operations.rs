//! What follows from what was done: hooks, and word of failures.

use std::path::Path;

use clap::Args;
use jiff::Timestamp;
use reqwest::Url;
use snapback::snapshot::{Alarm, Failure, Hook, Hooks, Options};
use snapback::{Error, Result};

use super::options::by;
use super::schedule::Time;
use super::webhook;

/// What runs after what was done, and who is told of failures.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Operations")]
pub(crate) struct OperationOptions {
    /// A program to run after a snapshot was taken, with its arguments: split as a shell does,
    /// nothing expanded. What was done is in its environment: `SNAPBACK_SNAPSHOT`, `SNAPBACK_POSITION`, …
    #[arg(long, value_name = "COMMAND", env = "SNAPBACK_AFTER_TAKE", value_parser = parse_hook)]
    after_take: Option<Hook>,

    /// The same after a restore: `SNAPBACK_SNAPSHOT`, `SNAPBACK_SCOPE`, `SNAPBACK_REWIND`, …
    #[arg(long, value_name = "COMMAND", env = "SNAPBACK_AFTER_RESTORE", value_parser = parse_hook)]
    after_restore: Option<Hook>,

    /// How long such a program may run before it is killed, with all that it started
    #[arg(long, value_name = "TIME", env = "SNAPBACK_HOOK_TIMEOUT", default_value = "60s")]
    hook_timeout: Time,

    /// An address that failures are posted to, as JSON
    #[arg(
        long,
        value_name = "URL",
        env = "SNAPBACK_WEBHOOK",
        hide_env_values = true,
        value_parser = webhook::parse_address
    )]
    webhook: Option<Url>,
}

impl OperationOptions {
    /// Adds them to what applies to every snapshot.
    pub(super) fn add_to(&self, options: Options) -> Result<Options> {
        let hooks = Hooks {
            after_take: self.after_take.clone(),
            after_restore: self.after_restore.clone(),
            timeout: self.hook_timeout.0,
        };
        let alarm = self.webhook.as_ref().map(webhook::alarm).transpose()?;
        Ok(Options { hooks, alarm, ..options })
    }
}

/// Tells of a database that cannot be opened.
pub(super) fn tell(alarm: Option<&Alarm>, error: &Error, database: &Path) {
    if let Some(alarm) = alarm {
        alarm.tell(&Failure {
            what: error.what(),
            thing: error.thing().to_owned(),
            hint: error.next_step().to_owned(),
            verb: "open",
            snapshot: None,
            by: by(),
            database: database.display().to_string(),
            time: Timestamp::now(),
        });
    }
}

fn parse_hook(line: &str) -> Result<Hook, String> {
    line.parse().map_err(|error: Error| format!("{}; {}", error.what(), error.next_step()))
}
