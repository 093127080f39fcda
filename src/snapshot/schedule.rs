//! When checkpoints are taken by themselves.
//!
//! Everything is told from the newest checkpoint in the store, whoever took it: a console that starts
//! after a long rest takes one, however many moments it missed, and several consoles on one store do
//! not take more than one would.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use croner::Cron;
use croner::errors::CronError;
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
        let refused = |why: &dyn fmt::Display| {
            Error::invalid("this is no cron expression")
                .because(why.to_string())
                .on(text.escape_debug())
                .hint("write minute, hour, day, month and weekday, such as \"0 3 * * *\"")
        };
        let times = text.parse().map(Self).map_err(|error: CronError| refused(&error))?;
        match times.after(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(times),
            None => Err(refused(&"it names a day that never comes")),
        }
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

/// How far the clocks of several consoles may be apart. A moment that lies further ahead is one of
/// a clock that was wrong.
const APART: SignedDuration = SignedDuration::from_mins(10);

/// Whether a moment is none that a sound clock can have told by now.
pub(crate) fn lies_ahead(moment: Timestamp, now: Timestamp) -> bool {
    moment.duration_since(now) > APART
}

/// What a schedule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    /// When the newest checkpoint was taken, or was found to have nothing new behind it.
    pub(crate) at: Timestamp,
    /// The position that events are counted from.
    pub(crate) position: Option<i64>,
}

impl Schedule {
    /// Whether nothing is ever taken by itself.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.every.is_none() && self.every_events.is_none() && self.cron.is_none()
    }

    /// When the next checkpoint is due by the clock: a moment that may have passed, as for one that
    /// was missed. `None` when only events tell. It was looked at first at the moment `since`.
    pub(crate) fn due_at(
        &self,
        newest: Option<Newest>,
        since: Timestamp,
        now: Timestamp,
    ) -> Option<Timestamp> {
        // After a clock was set back nobody knows how long ago it was.
        let newest = newest.map(|newest| newest.at).filter(|at| !lies_ahead(*at, now));
        let every = self.every.map(|every| match newest {
            None => now,
            Some(at) => SignedDuration::try_from(every)
                .ok()
                .and_then(|every| at.checked_add(every).ok())
                .unwrap_or(Timestamp::MAX),
        });
        // The first one waits for its moment.
        let cron = self.cron.as_ref().and_then(|cron| cron.after(newest.unwrap_or(since)));
        every.into_iter().chain(cron).min()
    }

    /// Whether a checkpoint is due at `now`, the database being at `position`.
    pub(crate) fn is_due(
        &self,
        newest: Option<Newest>,
        position: Option<i64>,
        since: Timestamp,
        now: Timestamp,
    ) -> bool {
        let passed = match (self.every_events, position) {
            (Some(every), Some(position)) => {
                let behind = newest.and_then(|newest| newest.position).unwrap_or_default();
                u64::try_from(position.saturating_sub(behind)).is_ok_and(|passed| passed >= every)
            }
            _ => false,
        };
        passed || self.due_at(newest, since, now).is_some_and(|due| due <= now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    fn nightly() -> Schedule {
        Schedule { cron: Some("0 3 * * *".parse().expect("cron")), ..Schedule::default() }
    }

    #[test]
    fn the_next_one_is_due_so_long_after_the_newest_whoever_took_it() {
        let last = newest("2026-11-23T10:00:00Z", 7);
        let due = |now| every(15).is_due(Some(last), Some(9), last.at, moment(now));
        assert!(!due("2026-11-23T10:14:59Z"));
        assert!(due("2026-11-23T10:15:00Z"));
        // After a week's rest one is due, and with it the wait begins anew.
        assert!(due("2026-11-30T10:00:00Z"));
        let caught_up = newest("2026-11-30T10:00:00Z", 9);
        let soon = moment("2026-11-30T10:00:01Z");
        assert!(!every(15).is_due(Some(caught_up), Some(9), last.at, soon));
    }

    #[test]
    fn the_first_one_is_due_at_once_by_the_interval_and_at_its_moment_by_the_calendar() {
        let now = moment("2026-11-23T10:00:00Z");
        assert!(every(15).is_due(None, None, now, now));
        let due = |at| nightly().is_due(None, None, now, moment(at));
        assert!(!due("2026-11-23T10:00:00Z") && !due("2026-11-24T02:59:59Z"));
        assert!(due("2026-11-24T03:00:00Z") && due("2026-11-24T03:00:07Z"));
        assert_eq!(nightly().due_at(None, now, now), Some(moment("2026-11-24T03:00:00Z")));
    }

    #[test]
    fn a_moment_of_the_calendar_that_was_missed_is_caught_up_once() {
        let last = newest("2026-11-20T03:00:02Z", 7);
        assert!(!nightly().is_due(Some(last), None, last.at, moment("2026-11-21T02:59:59Z")));
        assert!(nightly().is_due(Some(last), None, last.at, moment("2026-11-23T10:00:00Z")));
        let caught_up = newest("2026-11-23T10:00:00Z", 7);
        assert_eq!(
            nightly().due_at(Some(caught_up), last.at, moment("2026-11-23T10:00:01Z")),
            Some(moment("2026-11-24T03:00:00Z"))
        );
    }

    #[test]
    fn events_make_one_due_before_the_clock_does() {
        let both = Schedule { every_events: Some(1000), ..every(60) };
        let (last, soon) = (newest("2026-11-23T10:00:00Z", 5000), moment("2026-11-23T10:00:05Z"));
        let due = |position| both.is_due(Some(last), Some(position), last.at, soon);
        assert!(!due(5999));
        assert!(due(6000));
        // A log that was rewound is no reason.
        assert!(!due(10));
    }

    #[test]
    fn nonsense_is_refused_with_the_way_to_write_it() {
        for text in ["", "nightly", "61 * * * *", "0 3 * *", "0 3 30 2 *"] {
            let error = text.parse::<CronTimes>().expect_err(text);
            assert!(error.next_step().contains("0 3 * * *"), "{text}");
        }
    }

    /// Any schedule of a clock: so many minutes, or an expression, or both.
    fn schedules() -> impl Strategy<Value = Schedule> {
        let cron = prop_oneof![
            Just("* * * * *"),
            Just("*/7 3-5 * * *"),
            Just("0 3 * * MON-FRI"),
            Just("30 12 1 */2 *"),
            Just("0 0 29 2 *"),
        ];
        let every = proptest::option::of(1_u64..5_000);
        (every, proptest::option::of(cron)).prop_filter_map("some rule", |(every, cron)| {
            (every.is_some() || cron.is_some()).then(|| Schedule {
                every: every.map(Duration::from_mins),
                every_events: None,
                cron: cron.map(|cron| cron.parse().expect("cron")),
            })
        })
    }

    /// Any moment of some years, to the second.
    fn moments() -> impl Strategy<Value = Timestamp> {
        (1_700_000_000_i64..2_000_000_000).prop_map(|at| Timestamp::from_second(at).expect("one"))
    }

    fn taken(at: Timestamp) -> Newest {
        Newest { at, position: None }
    }

    proptest! {
        #[test]
        fn what_is_due_stays_due_until_it_is_taken(
            schedule in schedules(),
            last in moments(),
            seconds in 0_i64..10_000_000,
            later in 0_i64..10_000_000,
        ) {
            let now = last + SignedDuration::from_secs(seconds);
            let later = now + SignedDuration::from_secs(later);
            let due = |newest, at| schedule.is_due(Some(newest), None, last, at);
            let next = schedule.due_at(Some(taken(last)), last, now).expect("some moment");
            prop_assert!(next > last, "{next} is no later than {last}");
            prop_assert_eq!(due(taken(last), now), next <= now);
            prop_assert!(!due(taken(last), now) || due(taken(last), later));
            // However many moments were missed, one checkpoint makes up for them.
            prop_assert!(!due(taken(now), now));
        }

        #[test]
        fn a_clock_that_jumps_stops_no_schedule_for_long(
            schedule in schedules(),
            last in moments(),
            now in moments(),
            since in moments(),
        ) {
            // What was remembered of a clock that was wrong is forgotten.
            let since = if lies_ahead(since, now) { now } else { since };
            let from = if lies_ahead(last, now) { since } else { last };
            let next = schedule.due_at(Some(taken(last)), since, now).expect("some moment");
            if let Some(every) = schedule.every {
                let longest = SignedDuration::try_from(every).expect("a time") + APART;
                prop_assert!(next <= now + longest, "{next} is too far from {now}");
            }
            if let Some(cron) = &schedule.cron {
                prop_assert!(next <= cron.after(from).expect("some moment"));
            }
        }

        #[test]
        fn the_calendar_is_in_utc_and_leaves_no_moment_out(from in moments()) {
            let times: CronTimes = "*/15 * * * *".parse().expect("cron");
            let next = times.after(from).expect("a moment").as_second();
            prop_assert_eq!(next, (from.as_second() / 900 + 1) * 900);
        }
    }
}
