//! Plain columns, grouped numbers, readable sizes: how facts become text.

use std::error::Error as _;
use std::fmt;
use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use snapback::{Error, Result};

/// Which side of a column its cells keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// Aligned columns under their headings.
pub(super) struct Columns {
    sides: Vec<Side>,
    rows: Vec<Vec<String>>,
}

impl Columns {
    /// Columns with these headings.
    pub(super) fn new(headings: &[(&str, Side)]) -> Self {
        Self {
            sides: headings.iter().map(|(_, side)| *side).collect(),
            rows: vec![headings.iter().map(|(heading, _)| (*heading).to_owned()).collect()],
        }
    }

    /// Adds a row, a cell a column.
    pub(super) fn row(&mut self, cells: &[String]) {
        self.rows.push(cells.iter().map(|cell| printable(cell)).collect());
    }
}

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;

        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.sides.len()).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, side), width) in row.iter().zip(&self.sides).zip(&widths) {
                match side {
                    Side::Left => write!(line, "{cell:<width$}  ")?,
                    Side::Right => write!(line, "{cell:>width$}  ")?,
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Text that cannot move the cursor, hide itself or run the terminal: anything that is not plainly
/// visible is escaped.
pub(super) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || hides(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether a character is not seen, or turns the text around it. What joins letters is seen in them.
fn hides(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// A number in groups of three digits: `48 213`.
pub(super) fn grouped(number: impl Into<i128>) -> String {
    let number = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut out = String::from(if number < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// A number, or a dash where there is none.
pub(super) fn grouped_or_dash(number: Option<impl Into<i128>>) -> String {
    number.map_or_else(|| "-".to_owned(), grouped)
}

/// A number of things, in the right grammatical number: `1 event`, `2 events`.
pub(super) fn count(number: impl Into<i128>, thing: &str) -> String {
    let number = number.into();
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {thing}{ending}", grouped(number))
}

/// A size in powers of a thousand, two digits at least: `1.9 MB`, `118 KB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    // In integers, so that no rounding can say "1000 KB".
    let bytes = u128::from(bytes);
    let rounded = |scale: u128| (bytes + scale / 2) / scale;
    let mut unit = 0;
    let mut scale = 1000;
    while unit + 1 < UNITS.len() && rounded(scale) >= 1000 {
        unit += 1;
        scale *= 1000;
    }
    let tenths = rounded(scale / 10);
    if tenths < 100 {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    } else {
        format!("{} {}", rounded(scale), UNITS[unit])
    }
}

/// A size, or a dash where there is none.
pub(super) fn size_or_dash(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "-".to_owned(), size)
}

/// A moment to the second, in UTC: `2026-11-22 20:04:46`.
pub(super) fn moment(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A fact as one line of JSON, with its line end.
pub(super) fn json_line(fact: &impl Serialize) -> Result<String> {
    let mut line = serde_json::to_string(fact)
        .map_err(|source| Error::failed("the answer has no JSON form").because(source))?;
    line.push('\n');
    Ok(line)
}

/// Prints a fact: as JSON where that was asked for, else as the text made from it.
pub(super) fn fact<T: Serialize>(
    out: &mut dyn Write,
    json: bool,
    fact: &T,
    text: impl FnOnce(&T) -> String,
) -> Result<()> {
    let answer = if json { json_line(fact)? } else { text(fact) };
    say(out, &answer)
}

/// Prints text as it is.
pub(crate) fn say(out: &mut dyn Write, text: &str) -> Result<()> {
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|source| {
        Error::failed("the answer cannot be written")
            .on("standard output")
            .hint("make room where it goes, or send it elsewhere")
            .because(source)
    })
}

/// Whether the failure is only that nobody reads our output any more.
pub(super) fn is_broken_pipe(failure: &Error) -> bool {
    let source = failure.source().and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|source| source.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        let told: Vec<_> = [0, 7, 999, 1000, 48_213, 1_000_000, -12_345].map(grouped).into();
        assert_eq!(told, ["0", "7", "999", "1 000", "48 213", "1 000 000", "-12 345"]);
    }

    #[test]
    fn sizes_have_two_digits_and_never_a_thousand() {
        let told: Vec<_> =
            [0, 999, 1000, 1949, 9_949, 118_400, 999_499, 999_500, 61_000_000, u64::MAX]
                .map(size)
                .into();
        let expected = [
            "0 B", "999 B", "1.0 KB", "1.9 KB", "9.9 KB", "118 KB", "999 KB", "1.0 MB", "61 MB",
            "18447 PB",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn columns_align_and_lines_do_not_trail() {
        let mut columns = Columns::new(&[("NAME", Side::Left), ("ROWS", Side::Right)]);
        columns.row(&["messages".into(), "1 000".into()]);
        columns.row(&["ü".into(), "1".into()]);
        assert_eq!(columns.to_string(), "NAME       ROWS\nmessages  1 000\nü             1\n");
    }

    #[test]
    fn invisible_characters_are_escaped() {
        assert_eq!(printable("a\tb\u{202e}c\u{7f}é"), "a\\tb\\u{202e}c\\u{7f}é");
        let hidden = "\u{61c}\u{200b}\u{2028}\u{2060}\u{feff}\u{e0041}";
        assert_eq!(printable(hidden), "\\u{61c}\\u{200b}\\u{2028}\\u{2060}\\u{feff}\\u{e0041}");
    }

    #[test]
    fn a_count_of_one_is_singular() {
        assert_eq!([count(1, "event"), count(0, "event")], ["1 event", "0 events"]);
    }
}
