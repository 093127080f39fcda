//! From moments and amounts to places in the picture.

use jiff::Timestamp;

/// The size of the picture's own units; it is stretched to the width of the page.
pub(super) const WIDTH: f64 = 1000.0;
pub(super) const HEIGHT: f64 = 100.0;
/// Where the marks stand, and the ground of the area.
pub(super) const GROUND: f64 = 74.0;
/// How high the area may reach.
pub(super) const CEILING: f64 = 8.0;
/// What is left free at both sides.
pub(super) const MARGIN: f64 = 2.0;

/// A stretch of time, laid over the width of the picture.
pub(super) struct Scale {
    from: i64,
    to: i64,
}

impl Scale {
    pub(super) fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from: from.as_millisecond(), to: to.as_millisecond() }
    }

    /// Where a moment lies; one beyond the picture lies at its edge.
    pub(super) fn x(&self, moment: Timestamp) -> f64 {
        // A stretch of no length is now.
        let part = share(moment.as_millisecond(), self.from, self.to).unwrap_or(1.0);
        MARGIN + part * (WIDTH - 2.0 * MARGIN)
    }

    /// How high a share of the highest reaches; the ground without one.
    pub(super) fn y(part: Option<f64>) -> f64 {
        GROUND - part.unwrap_or(0.0) * (GROUND - CEILING)
    }
}

/// How far `value` is on the way from `low` to `high`; `None` when that is no way at all.
pub(super) fn share(value: i64, low: i64, high: i64) -> Option<f64> {
    let whole = i128::from(high) - i128::from(low);
    if whole <= 0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a place in a picture")]
    let part = (i128::from(value) - i128::from(low)) as f64 / whole as f64;
    Some(part.clamp(0.0, 1.0))
}

/// A number of things as a length.
pub(super) fn float(amount: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a place in a picture")]
    let length = amount as f64;
    length
}

/// Coordinates to a tenth of a unit: finer is not seen, and longer to send.
pub(super) fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_extreme_positions_stays_in_the_picture() {
        assert_eq!(share(i64::MAX, i64::MIN, i64::MAX), Some(1.0));
        assert_eq!(share(5, 5, 5), None);
        assert_eq!(share(-1, 0, 10), Some(0.0));
    }

    #[test]
    fn moments_are_laid_over_the_width_and_no_further() {
        let second = |second| Timestamp::from_second(second).expect("a timestamp");
        let scale = Scale::new(second(100), second(200));
        let places =
            [50, 100, 150, 200, 300].map(|moment| tenth(scale.x(second(moment))).to_string());
        assert_eq!(places, ["2", "2", "500", "998", "998"]);
        let instant = Scale::new(second(100), second(100));
        assert_eq!(tenth(instant.x(second(100))).to_string(), "998");
    }
}
