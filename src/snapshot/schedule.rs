//! When checkpoints are taken by themselves.
//!
//! Everything is told from the newest checkpoint in the store, whoever took it: a console that starts
//! after a long rest takes one, however many moments it missed, and several consoles on one store do
//! not take more than one would.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use croner::Cron;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::error::{Error, Result};

/// When checkpoints are taken by themselves: whenever any of these says so, and the database has
/// changed since the newest one.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    /// So long after the newest checkpoint.
    pub every: Option<Duration>,
    /// So many positions after the newest checkpoint's.
    pub every_events: Option<u64>,
    /// At the moments of a cron expression.
    pub cron: Option<CronTimes>,
}

/// The moments of a cron expression such as `0 3 * * MON-FRI`, in UTC.
#[derive(Clone, Debug)]
pub struct CronTimes(Cron);

impl FromStr for CronTimes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text.parse().map(Self).map_err(|error: croner::errors::CronError| {
            Error::invalid("this is no cron expression")
                .because(error)
                .on(text.escape_debug())
                .hint("write minute, hour, day, month and weekday, such as \"0 3 * * *\"")
        })
    }
}

impl fmt::Display for CronTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl CronTimes {
    /// The first moment behind another; `None` when there is none any more.
    fn after(&self, moment: Timestamp) -> Option<Timestamp> {
        let moment = moment.to_zoned(TimeZone::UTC);
        self.0.find_next_occurrence(&moment, false).ok().map(|next| next.timestamp())
    }
}

/// What a schedule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    /// When the newest checkpoint was taken, or was found to have nothing new behind it.
    pub(crate) at: Timestamp,
    /// Its position.
    pub(crate) position: Option<i64>,
}

impl Schedule {
    /// Whether nothing is ever taken by itself.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.every.is_none() && self.every_events.is_none() && self.cron.is_none()
    }

    /// When the next checkpoint is due by the clock: a moment that may have passed, as for one that
    /// was missed. `None` when only events tell.
    pub(crate) fn due_at(&self, newest: Option<Newest>, now: Timestamp) -> Option<Timestamp> {
        let every = self.every.map(|every| match newest {
            None => now,
            Some(newest) => SignedDuration::try_from(every)
                .ok()
                .and_then(|every| newest.at.checked_add(every).ok())
                .unwrap_or(Timestamp::MAX),
        });
        let cron = self.cron.as_ref().and_then(|cron| match newest {
            // The first one waits for its moment.
            None => cron.after(now),
            Some(newest) => cron.after(newest.at),
        });
        every.into_iter().chain(cron).min()
    }

    /// Whether a checkpoint is due at `now`, the database being at `position`.
    pub(crate) fn is_due(
        &self,
        newest: Option<Newest>,
        position: Option<i64>,
        now: Timestamp,
    ) -> bool {
        let passed = match (self.every_events, position) {
            (Some(every), Some(position)) => {
                let behind = newest.and_then(|newest| newest.position).unwrap_or_default();
                u64::try_from(position.saturating_sub(behind)).is_ok_and(|passed| passed >= every)
            }
            _ => false,
        };
        passed || self.due_at(newest, now).is_some_and(|due| due <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Timestamp {
        text.parse().expect("a moment")
    }

    fn newest(at: &str, position: i64) -> Newest {
        Newest { at: moment(at), position: Some(position) }
    }

    fn every(minutes: u64) -> Schedule {
        Schedule { every: Some(Duration::from_mins(minutes)), ..Schedule::default() }
    }

    #[test]
    fn the_next_one_is_due_so_long_after_the_newest_whoever_took_it() {
        let last = newest("2026-11-23T10:00:00Z", 7);
        let due = |now| every(15).is_due(Some(last), Some(9), moment(now));
        assert!(!due("2026-11-23T10:14:59Z"));
        assert!(due("2026-11-23T10:15:00Z"));
        // After a week's rest one is due, and with it the wait begins anew.
        assert!(due("2026-11-30T10:00:00Z"));
        let caught_up = newest("2026-11-30T10:00:00Z", 9);
        assert!(!every(15).is_due(Some(caught_up), Some(9), moment("2026-11-30T10:00:01Z")));
    }

    #[test]
    fn the_first_one_is_due_at_once_by_the_interval_and_at_its_moment_by_the_calendar() {
        let now = moment("2026-11-23T10:00:00Z");
        assert!(every(15).is_due(None, None, now));
        let nightly =
            Schedule { cron: Some("0 3 * * *".parse().expect("cron")), ..Schedule::default() };
        assert!(!nightly.is_due(None, None, now));
        assert_eq!(nightly.due_at(None, now), Some(moment("2026-11-24T03:00:00Z")));
    }

    #[test]
    fn a_moment_of_the_calendar_that_was_missed_is_caught_up_once() {
        let nightly =
            Schedule { cron: Some("0 3 * * *".parse().expect("cron")), ..Schedule::default() };
        let last = newest("2026-11-20T03:00:02Z", 7);
        assert!(!nightly.is_due(Some(last), None, moment("2026-11-21T02:59:59Z")));
        assert!(nightly.is_due(Some(last), None, moment("2026-11-23T10:00:00Z")));
        let caught_up = newest("2026-11-23T10:00:00Z", 7);
        assert_eq!(
            nightly.due_at(Some(caught_up), moment("2026-11-23T10:00:01Z")),
            Some(moment("2026-11-24T03:00:00Z"))
        );
    }

    #[test]
    fn events_make_one_due_before_the_clock_does() {
        let both = Schedule { every_events: Some(1000), ..every(60) };
        let (last, soon) = (newest("2026-11-23T10:00:00Z", 5000), moment("2026-11-23T10:00:05Z"));
        assert!(!both.is_due(Some(last), Some(5999), soon));
        assert!(both.is_due(Some(last), Some(6000), soon));
        // A log that was rewound is no reason.
        assert!(!both.is_due(Some(last), Some(10), soon));
    }

    #[test]
    fn nonsense_is_refused_with_the_way_to_write_it() {
        for text in ["", "nightly", "61 * * * *", "0 3 * *"] {
            let error = text.parse::<CronTimes>().expect_err(text);
            assert!(error.next_step().contains("0 3 * * *"), "{text}");
        }
    }
}
