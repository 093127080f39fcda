//! When things happen in the demo: busy evenings, quiet nights.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::random::Random;

/// How much is going on in each hour of a day.
const HOURS: [u64; 24] =
    [3, 1, 1, 0, 0, 1, 4, 12, 18, 14, 11, 13, 19, 15, 10, 11, 14, 19, 26, 34, 38, 31, 19, 8];

/// The hour of the day at which the history ends, whenever that is: it always ends on a busy
/// evening, so that there is something to see.
const LAST: i64 = 20;

/// `count` moments in the hours before `end`, in order, in the rhythm of day and night.
pub(super) fn moments(
    end: Timestamp,
    hours: u32,
    count: u64,
    random: &mut Random,
) -> Vec<Timestamp> {
    let begin = end - SignedDuration::from_hours(i64::from(hours));
    let weights: Vec<u64> = (0..i64::from(hours)).map(|hour| weight(begin, hours, hour)).collect();
    let total: u64 = weights.iter().sum();
    let mut moments: Vec<Timestamp> = (0..count)
        .map(|_| {
            let hour = hour_at(&weights, random.below(total));
            let within = i64::try_from(random.below(3_600_000)).unwrap_or_default();
            begin + SignedDuration::from_hours(hour) + SignedDuration::from_millis(within)
        })
        .collect();
    moments.sort_unstable();
    moments
}

/// How busy an hour is; weekends start late.
fn weight(begin: Timestamp, hours: u32, hour: i64) -> u64 {
    let until_end = i64::from(hours) - 1 - hour;
    let of_day = usize::try_from((LAST - until_end).rem_euclid(24)).unwrap_or_default();
    let base = HOURS[of_day];
    let at = (begin + SignedDuration::from_hours(hour)).to_zoned(TimeZone::UTC);
    let weekend = matches!(at.weekday(), Weekday::Saturday | Weekday::Sunday);
    if weekend && of_day < 10 { base / 3 } else { base }
}

/// The hour in which a place in the running sum of the weights lies.
fn hour_at(weights: &[u64], place: u64) -> i64 {
    let mut sum = 0;
    let passed = weights.iter().take_while(|&&weight| {
        sum += weight;
        sum <= place
    });
    i64::try_from(passed.count()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_in_order_and_within_their_hours() {
        let end: Timestamp = "2026-11-22T20:04:46Z".parse().expect("a timestamp");
        let told = moments(end, 14 * 24, 5000, &mut Random::new(1));
        assert_eq!(told.len(), 5000);
        assert!(told.is_sorted());
        assert!(told[0] >= end - SignedDuration::from_hours(14 * 24));
        assert!(told[4999] <= end);
    }

    #[test]
    fn it_ends_in_an_evening_busier_than_the_nights() {
        let end: Timestamp = "2026-11-22T04:30:00Z".parse().expect("a timestamp");
        let told = moments(end, 14 * 24, 5000, &mut Random::new(1));
        let hours_before = |wanted: i64| {
            let hour = |at: &&Timestamp| end.duration_since(**at).as_hours() % 24 == wanted;
            told.iter().filter(hour).count()
        };
        let (evening, night) = (hours_before(0), hours_before(18));
        assert!(evening > 10 * night, "{evening} {night}");
    }
}
