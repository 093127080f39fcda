//! A smooth line through corners that never swings above or below them.
//!
//! Cubic Hermite pieces whose slopes are limited after Fritsch and Carlson ("Monotone Piecewise
//! Cubic Interpolation", 1980): between two corners the line only rises or only falls, so that
//! no count is drawn that was not counted.

use super::scale::tenth;

/// The line as path data; `None` with fewer than two corners, which make no line.
pub(super) fn through(points: &[(f64, f64)]) -> Option<String> {
    let (first, rest) = points.split_first()?;
    if rest.is_empty() {
        return None;
    }
    let slopes = slopes(points);
    let mut path = format!("M{} {}", tenth(first.0), tenth(first.1));
    for (place, pair) in points.windows(2).enumerate() {
        let [(x0, y0), (x1, y1)] = [pair[0], pair[1]];
        let third = (x1 - x0) / 3.0;
        let [a, b] = [y0 + slopes[place] * third, y1 - slopes[place + 1] * third];
        let numbers =
            [x0 + third, a, x1 - third, b, x1, y1].map(|number| tenth(number).to_string());
        path.push('C');
        path.push_str(&numbers.join(" "));
    }
    Some(path)
}

/// The area between a line through these corners and the ground.
pub(super) fn below(line: &str, points: &[(f64, f64)], ground: f64) -> String {
    let x = |point: Option<&(f64, f64)>| tenth(point.map_or(0.0, |point| point.0));
    format!("{line}L{} {ground}L{} {ground}Z", x(points.last()), x(points.first()))
}

/// The slope at each corner: level at peaks and valleys, else the harmonic mean of both sides.
fn slopes(points: &[(f64, f64)]) -> Vec<f64> {
    let rises: Vec<f64> = points.windows(2).map(|pair| rise(pair[0], pair[1])).collect();
    let inner = rises.windows(2).map(|sides| {
        let [before, after] = [sides[0], sides[1]];
        if before * after <= 0.0 { 0.0 } else { 2.0 * before * after / (before + after) }
    });
    std::iter::once(0.0).chain(inner).chain([0.0]).collect()
}

fn rise((x0, y0): (f64, f64), (x1, y1): (f64, f64)) -> f64 {
    if x1 > x0 { (y1 - y0) / (x1 - x0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_needs_two_corners() {
        assert_eq!(through(&[]), None);
        assert_eq!(through(&[(1.0, 1.0)]), None);
        let line = through(&[(0.0, 9.0), (3.0, 9.0)]).expect("a line");
        assert_eq!(line, "M0 9C1 9 2 9 3 9");
        assert_eq!(below(&line, &[(0.0, 9.0), (3.0, 9.0)], 70.0), format!("{line}L3 70L0 70Z"));
    }

    proptest! {
        #[test]
        fn the_line_stays_between_its_corners(
            heights in proptest::collection::vec(0.0_f64..100.0, 2..30)
        ) {
            let points: Vec<(f64, f64)> = (0_u32..).map(f64::from).zip(heights).collect();
            let slopes = slopes(&points);
            for (place, pair) in points.windows(2).enumerate() {
                let [y0, y1] = [pair[0].1, pair[1].1];
                let third = 1.0 / 3.0;
                // A Bézier piece lies within the hull of its four points.
                for control in [y0 + slopes[place] * third, y1 - slopes[place + 1] * third] {
                    prop_assert!(control >= y0.min(y1) - 1e-9 && control <= y0.max(y1) + 1e-9);
                }
            }
        }
    }
}
