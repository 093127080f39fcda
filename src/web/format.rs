//! Numbers, sizes and moments as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

/// Stands between groups of three digits: narrow, and never broken over a line.
const GROUP: char = '\u{202f}';

/// A whole number with its digits grouped: `48 213`.
pub(crate) fn number(number: impl Into<i128>) -> String {
    let number = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::with_capacity(digits.len() * 2);
    if number < 0 {
        grouped.push('−');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(GROUP);
        }
        grouped.push(digit);
    }
    grouped
}

/// A number, or a dash where there is none.
pub(crate) fn number_or_dash(value: Option<impl Into<i128>>) -> String {
    value.map_or_else(|| "—".to_owned(), number)
}

/// A size in bytes, with decimal units and at most two digits that matter: `1.9 MB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut divisor: u64 = 1000;
    let mut unit = 0;
    // 999.5 KB and more rounds to a thousand, which is one of the next unit.
    while unit + 1 < UNITS.len() && u128::from(bytes) * 2 >= u128::from(divisor) * 1999 {
        divisor *= 1000;
        unit += 1;
    }
    let tenths = (u128::from(bytes) * 10 + u128::from(divisor) / 2) / u128::from(divisor);
    if tenths < 100 {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    } else {
        let whole = (u128::from(bytes) + u128::from(divisor) / 2) / u128::from(divisor);
        format!("{whole} {}", UNITS[unit])
    }
}

/// A size, or a dash where it is not known.
pub(crate) fn bytes_or_dash(size: Option<u64>) -> String {
    size.map_or_else(|| "—".to_owned(), bytes)
}

/// `1 table`, `3 tables`.
pub(crate) fn count(amount: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(amount), if amount == 1 { one } else { many })
}

/// How long ago a moment was, in the largest unit that fits: `12 minutes ago`.
pub(crate) fn ago(moment: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - moment.as_second();
    if seconds < 0 {
        return format!("in {}", span(-seconds));
    }
    match seconds {
        0..45 => "just now".to_owned(),
        86_400..172_800 => "yesterday".to_owned(),
        _ => format!("{} ago", span(seconds)),
    }
}

/// A length of time in its largest unit: `3 days`.
pub(crate) fn span(seconds: i64) -> String {
    let (amount, unit) = match seconds {
        ..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        86_400..5_184_000 => (seconds / 86_400, "day"),
        5_184_000..63_072_000 => (seconds / 2_592_000, "month"),
        _ => (seconds / 31_536_000, "year"),
    };
    let plural = if amount == 1 { "" } else { "s" };
    format!("{} {unit}{plural}", number(amount))
}

/// A moment, relative to now, with the exact one for machines and in the tooltip.
pub(crate) fn moment(moment: Timestamp, now: Timestamp) -> Markup {
    let exact = moment.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    html! { time datetime=(moment) title=(exact) { (ago(moment, now)) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(48_213), "48\u{202f}213");
        assert_eq!(number(-1_234_567), "−1\u{202f}234\u{202f}567");
        assert_eq!(
            number(i64::MIN),
            "−9\u{202f}223\u{202f}372\u{202f}036\u{202f}854\u{202f}775\u{202f}808"
        );
    }

    #[test]
    fn sizes_keep_two_digits_that_matter() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 KB"),
            (1_940_000, "1.9 MB"),
            (9_960_000, "10 MB"),
            (117_600, "118 KB"),
            (999_499, "999 KB"),
            (999_500, "1.0 MB"),
            (61_000_000, "61 MB"),
            (u64::MAX, "18 EB"),
        ];
        for (size, text) in cases {
            assert_eq!(bytes(size), text, "{size}");
        }
    }

    #[test]
    fn a_moment_is_told_in_its_largest_unit() {
        let now: Timestamp = "2026-11-22T20:00:00Z".parse().expect("a timestamp");
        let cases = [
            ("2026-11-22T19:59:30Z", "just now"),
            ("2026-11-22T19:48:00Z", "12 minutes ago"),
            ("2026-11-22T19:00:00Z", "1 hour ago"),
            ("2026-11-21T10:00:00Z", "yesterday"),
            ("2026-11-19T20:00:00Z", "3 days ago"),
            ("2026-11-22T20:05:00Z", "in 5 minutes"),
        ];
        for (moment, text) in cases {
            let moment: Timestamp = moment.parse().expect("a timestamp");
            assert_eq!(ago(moment, now), text);
        }
    }
}
