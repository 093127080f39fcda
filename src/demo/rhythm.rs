//! When things happen in the demo: busy evenings, quiet nights.

use jiff::{SignedDuration, Timestamp};

use super::random::Random;

/// How much is going on in each hour of a day.
const HOURS: [u64; 24] =
    [9, 6, 4, 3, 3, 4, 7, 11, 15, 18, 20, 21, 22, 22, 22, 23, 25, 28, 31, 34, 35, 31, 23, 15];

/// How busy a day is, the last one first: no two weeks are alike.
const DAYS: [u64; 11] = [100, 84, 112, 70, 95, 58, 118, 88, 104, 76, 64];

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
    let weights: Vec<u64> = (0..i64::from(hours)).rev().map(weight).collect();
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

/// How busy an hour is that lies so many hours before the last one.
fn weight(before: i64) -> u64 {
    let of_day = usize::try_from((LAST - before).rem_euclid(24)).unwrap_or_default();
    let day = usize::try_from((before + 23 - LAST) / 24).unwrap_or_default();
    HOURS[of_day] * DAYS[day % DAYS.len()]
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
        assert!(evening > 4 * night, "{evening} {night}");
    }
}
