//! Which snapshots are kept: the options that say so.

use clap::Args;
use snapback::snapshot::Retention;

/// The rules of retention. They add up: what any of them keeps, stays.
#[derive(Clone, Debug, Default, Args)]
#[expect(clippy::struct_field_names, reason = "they are the options' names")]
#[command(next_help_heading = "Retention (N, or periodic=N,rewind=N)")]
pub(crate) struct RetentionOptions {
    /// Keep the newest N of each kind; 0 says nothing, and keeps all where no other rule is given
    #[arg(long, value_name = "N", env = "SNAPBACK_KEEP_LAST", default_value = "5", value_parser = checked("keep-last"))]
    keep_last: Option<String>,

    /// Keep the newest of each of the last N hours that have one (in UTC)
    #[arg(long, value_name = "N", env = "SNAPBACK_KEEP_HOURLY", value_parser = checked("keep-hourly"))]
    keep_hourly: Option<String>,

    /// Keep the newest of each of the last N days that have one
    #[arg(long, value_name = "N", env = "SNAPBACK_KEEP_DAILY", value_parser = checked("keep-daily"))]
    keep_daily: Option<String>,

    /// Keep the newest of each of the last N weeks that have one
    #[arg(long, value_name = "N", env = "SNAPBACK_KEEP_WEEKLY", value_parser = checked("keep-weekly"))]
    keep_weekly: Option<String>,

    /// Keep the newest of each of the last N months that have one
    #[arg(long, value_name = "N", env = "SNAPBACK_KEEP_MONTHLY", value_parser = checked("keep-monthly"))]
    keep_monthly: Option<String>,

    /// Keep the newest of each of the last N years that have one
    #[arg(long, value_name = "N", env = "SNAPBACK_KEEP_YEARLY", value_parser = checked("keep-yearly"))]
    keep_yearly: Option<String>,

    /// Keep all that are not older than the newest by more than this, such as 36h, 14d or 6mo
    #[arg(long, value_name = "TIME", env = "SNAPBACK_KEEP_WITHIN", value_parser = checked("keep-within"))]
    keep_within: Option<String>,

    /// Keep every safety copy that is younger than this
    #[arg(long, value_name = "TIME", env = "SNAPBACK_KEEP_REWIND_AGE", value_parser = checked("keep-rewind-age"))]
    keep_rewind_age: Option<String>,
}

impl RetentionOptions {
    /// What the options say.
    pub(crate) fn read(&self) -> snapback::Result<Retention> {
        let given = [
            &self.keep_last,
            &self.keep_hourly,
            &self.keep_daily,
            &self.keep_weekly,
            &self.keep_monthly,
            &self.keep_yearly,
            &self.keep_within,
            &self.keep_rewind_age,
        ];
        let mut retention = Retention::default();
        for (rule, value) in Retention::RULES.into_iter().zip(given) {
            if let Some(value) = value {
                retention.set(rule, value)?;
            }
        }
        Ok(retention)
    }
}

/// Reads the value of a rule, so that a wrong one is told as wrong usage.
fn checked(rule: &'static str) -> impl Fn(&str) -> Result<String, String> + Clone {
    move |text| match Retention::default().set(rule, text) {
        Ok(()) => Ok(text.to_owned()),
        Err(error) => Err(format!("{error}; {}", error.next_step())),
    }
}
