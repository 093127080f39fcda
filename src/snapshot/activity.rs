//! Events over time, for a picture: told from a few events, however many there are.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Core;
use super::facts::Activity;
use super::row::Value;
use crate::database::{EventLog, View};
use crate::error::Result;

/// Unix times from here on are milliseconds: as seconds they would lie beyond the year 5000.
const MILLISECONDS: u64 = 100_000_000_000;

/// Events from `since`, or from the first event where that is later, to `now`, in `intervals` equal
/// parts. `None` where the log has no times, or none between.
///
/// Times grow with positions, so the position at which an interval begins is found by halving.
pub(crate) fn activity(
    core: &Core,
    since: Timestamp,
    now: Timestamp,
    intervals: usize,
) -> Result<Option<Activity>> {
    let Some(log) = core.database.event_log() else { return Ok(None) };
    if log.time_column.as_ref().is_some_and(|column| core.hides(&log.table, column)) {
        return Ok(None);
    }
    let transaction = core.database.read()?;
    let mut clock = EventClock { view: transaction.view(), log, known: BTreeMap::new() };
    let Some((first, last)) = clock.view.position_range(log)? else { return Ok(None) };
    let (Some(begin), Some(end)) = (clock.time(first)?, clock.time(last)?) else { return Ok(None) };
    let (from, to) = (since.max(begin), now.max(end));
    let span = to.as_millisecond() - from.as_millisecond();
    let parts = i64::try_from(intervals).unwrap_or(i64::MAX);
    if span <= 0 || parts == 0 {
        return Ok(None);
    }
    let mut counts = Vec::with_capacity(intervals);
    let mut before = clock.first_at(from, first, last.saturating_add(1))?;
    for part in 1..=parts {
        let passed = i128::from(span) * i128::from(part) / i128::from(parts);
        let until = from.as_millisecond() + i64::try_from(passed).unwrap_or(span);
        let next = match Timestamp::from_millisecond(until) {
            Ok(until) if part < parts => clock.first_at(until, before, last.saturating_add(1))?,
            _ => last.saturating_add(1),
        };
        counts.push(next.saturating_sub(before).unsigned_abs());
        before = next;
    }
    Ok(Some(Activity { from, to, counts }))
}

/// Tells the times of events.
struct EventClock<'c> {
    view: View<'c>,
    log: &'c EventLog,
    known: BTreeMap<i64, Option<Timestamp>>,
}

impl EventClock<'_> {
    /// The time of the first event at `position` or behind it.
    fn time(&mut self, position: i64) -> Result<Option<Timestamp>> {
        if let Some(known) = self.known.get(&position) {
            return Ok(*known);
        }
        let time = self
            .view
            .event_time(self.log, position)?
            .and_then(|value| moment(&Value::of((&value).into())));
        self.known.insert(position, time);
        Ok(time)
    }

    /// The first position, in `low..high`, whose event is not before `moment`; `high` without one.
    fn first_at(&mut self, moment: Timestamp, mut low: i64, mut high: i64) -> Result<i64> {
        while low < high {
            let middle = low.saturating_add_unsigned(high.abs_diff(low) / 2);
            if self.time(middle)?.is_some_and(|time| time < moment) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}

/// A stored time: ISO 8601 text, in UTC where it names no zone, or Unix seconds or milliseconds.
fn moment(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Text(text) => text.parse().ok().or_else(|| {
            let civil: DateTime = text.parse().ok()?;
            Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
        }),
        Value::Integer(time) if time.unsigned_abs() >= MILLISECONDS => {
            Timestamp::from_millisecond(*time).ok()
        }
        Value::Integer(time) => Timestamp::from_second(*time).ok(),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the cast saturates, and the range is checked"
        )]
        Value::Real(time) if time.abs() < 1e11 => {
            Timestamp::from_millisecond((time * 1000.0) as i64).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_usual_form() {
        let expected: Timestamp = "2026-11-22T20:04:46Z".parse().expect("a time");
        for value in [
            Value::Text("2026-11-22T20:04:46Z".into()),
            Value::Text("2026-11-22T21:04:46+01:00".into()),
            Value::Text("2026-11-22 20:04:46".into()),
            Value::Text("2026-11-22T20:04:46.000".into()),
            Value::Integer(expected.as_second()),
            Value::Integer(expected.as_millisecond()),
            Value::Real(1_795_377_886.0),
        ] {
            assert_eq!(moment(&value), Some(expected), "{value:?}");
        }
        assert_eq!(moment(&Value::Text("yesterday".into())), None);
        for extreme in [i64::MIN, i64::MAX] {
            assert_eq!(moment(&Value::Integer(extreme)), None);
        }
    }
}
