//! When snapshots are taken by themselves: the options that say so.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use snapback::Error;
use snapback::snapshot::{CronTimes, Schedule};

/// When snapshots are taken by themselves.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Schedule")]
pub(crate) struct ScheduleOptions {
    /// Take a snapshot so long after the newest one, such as 15m, if anything has changed
    #[arg(long, value_name = "TIME", env = "SNAPBACK_EVERY")]
    every: Option<Time>,

    /// Take a snapshot once there are so many more events
    #[arg(long, value_name = "N", env = "SNAPBACK_EVERY_EVENTS", value_parser = clap::value_parser!(u64).range(1..))]
    every_events: Option<u64>,

    /// Take a snapshot at these times (in UTC), such as "0 3 * * *"
    #[arg(long, value_name = "EXPRESSION", env = "SNAPBACK_CRON", value_parser = parse_cron)]
    cron: Option<CronTimes>,
}

impl ScheduleOptions {
    pub(crate) fn read(&self) -> Schedule {
        let Self { every, every_events, cron } = self.clone();
        Schedule { every: every.map(|every| every.0), every_events, cron }
    }
}

/// In words that say it as the options do.
impl fmt::Display for ScheduleOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let every = self.every.and_then(|every| jiff::SignedDuration::try_from(every.0).ok());
        let said = [
            every.map(|every| format!("every {every:#}")),
            self.every_events.map(|events| format!("every {events} events")),
            self.cron.as_ref().map(|cron| format!("cron {cron}")),
        ];
        let said: Vec<String> = said.into_iter().flatten().collect();
        f.write_str(if said.is_empty() { "by hand" } else { "" })?;
        f.write_str(&said.join(", "))
    }
}

fn parse_cron(text: &str) -> Result<CronTimes, String> {
    text.parse().map_err(|error: Error| format!("{error}; {}", error.next_step()))
}

/// A time such as `24h` or `90m`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time(pub(crate) Duration);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.parse::<jiff::SignedDuration>().ok();
        parsed
            .and_then(|time| Duration::try_from(time).ok())
            .filter(|time| !time.is_zero())
            .map(Self)
            .ok_or_else(|| "state a time such as 24h or 90m".to_owned())
    }
}
