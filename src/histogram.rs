//! Durations in buckets, as Prometheus counts them.

use std::time::Duration;

/// The upper bounds of the buckets, in milliseconds: from what nobody notices to what everybody
/// does. The last bucket has none.
pub(crate) const BOUNDS_MS: [u64; 14] =
    [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000, 60_000, 600_000];

/// How many durations there were, by their length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    /// How many fell into each bucket, and beyond the last bound.
    counts: [u64; BOUNDS_MS.len() + 1],
    sum: Duration,
}

impl Histogram {
    /// Counts one.
    pub(crate) fn add(&mut self, duration: Duration) {
        let bucket = BOUNDS_MS.partition_point(|bound| Duration::from_millis(*bound) < duration);
        self.counts[bucket] += 1;
        self.sum = self.sum.saturating_add(duration);
    }

    /// For each bound, how many were not longer.
    pub(crate) fn up_to(&self) -> impl Iterator<Item = (Duration, u64)> {
        let mut total = 0;
        BOUNDS_MS.iter().zip(self.counts).map(move |(bound, count)| {
            total += count;
            (Duration::from_millis(*bound), total)
        })
    }

    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How long they were together.
    pub(crate) fn sum(&self) -> Duration {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket_and_each_counts_those_below_it() {
        let mut histogram = Histogram::default();
        for millis in [0, 1, 2, 3, 999_999] {
            histogram.add(Duration::from_millis(millis));
        }
        let counts: Vec<u64> = histogram.up_to().map(|(_, count)| count).collect();
        assert_eq!(counts[..4], [2, 3, 4, 4]);
        assert_eq!(counts.last(), Some(&4));
        assert_eq!((histogram.count(), histogram.sum().as_millis()), (5, 1_000_005));
    }
}
