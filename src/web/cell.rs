//! One value of a row as markup: cut where it is long, with everything visible that hides.

mod json;

use std::fmt::Write as _;

use maud::{Markup, html};
use similar::{ChangeTag, TextDiff};

use super::format::{count, number};
use crate::snapshot::Value;

/// How many characters of a text are shown.
const LONGEST: usize = 500;

/// How many of equal characters are shown before the first difference of two long texts.
const LEAD: usize = 60;

/// How many bytes of a blob are shown.
const BLOB_START: usize = 16;

/// A value; JSON laid out over lines.
pub(crate) fn value(value: &Value) -> Markup {
    match value {
        Value::Text(text) => json::value(text).unwrap_or_else(|| self::text(text)),
        other => brief(other),
    }
}

/// A value on as few lines as it has itself.
pub(crate) fn brief(value: &Value) -> Markup {
    match value {
        Value::Null => html! { span.null.soft { "NULL" } },
        Value::Integer(integer) => html! { (integer) },
        Value::Real(real) => html! { (real_text(*real)) },
        Value::Text(text) => self::text(text),
        Value::RawText(bytes) => raw("text that is not UTF-8", bytes),
        Value::Blob(bytes) => raw("blob", bytes),
    }
}

/// A value that becomes another. Of two texts, the words that differ are marked; JSON is compared
/// key by key.
pub(crate) fn change(before: &Value, after: &Value) -> Markup {
    if let (Value::Text(before), Value::Text(after)) = (before, after) {
        return json::change(before, after).unwrap_or_else(|| text_change(before, after));
    }
    html! { del { (value(before)) } " → " ins { (value(after)) } }
}

/// A float as the row encoding writes it: never mistaken for an integer.
fn real_text(real: f64) -> String {
    if real.is_finite() {
        zmij::Buffer::new().format_finite(real).to_owned()
    } else if real > 0.0 {
        "infinity".to_owned()
    } else {
        "−infinity".to_owned()
    }
}

fn raw(what: &str, bytes: &[u8]) -> Markup {
    let start = &bytes[..bytes.len().min(BLOB_START)];
    let mut hex = String::with_capacity(BLOB_START * 3);
    for (place, byte) in start.iter().enumerate() {
        let gap = if place > 0 { " " } else { "" };
        // Writing to a String does not fail.
        let _ = write!(hex, "{gap}{byte:02x}");
    }
    html! {
        span.blob {
            (what) ", " (count(bytes.len() as u64, "byte", "bytes"))
            @if !start.is_empty() {
                " " code { (hex) @if bytes.len() > start.len() { " …" } }
            }
        }
    }
}

fn text(text: &str) -> Markup {
    if text.is_empty() {
        return html! { span.empty.soft { "empty text" } };
    }
    let window = Window::from_start(text);
    html! { bdi { (visible(window.shown)) } (window.rest(text)) }
}

fn text_change(before: &str, after: &str) -> Markup {
    if before.is_empty() || after.is_empty() {
        return html! { del { (text(before)) } " → " ins { (text(after)) } };
    }
    let equal = common_start(before, after);
    let (old, new) = (Window::near(before, equal), Window::near(after, equal));
    let diff = TextDiff::from_words(old.shown, new.shown);
    let side = |own: ChangeTag| {
        html! {
            @for change in diff.iter_all_changes() {
                @if change.tag() == own {
                    mark { (visible(change.value())) }
                } @else if change.tag() == ChangeTag::Equal {
                    (visible(change.value()))
                }
            }
        }
    };
    html! {
        del { bdi { (old.lead()) (side(ChangeTag::Delete)) } (old.rest(before)) }
        " → "
        ins { bdi { (new.lead()) (side(ChangeTag::Insert)) } (new.rest(after)) }
    }
}

/// How many bytes two texts begin with in common, in whole characters.
fn common_start(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

/// The part of a text that is shown.
struct Window<'a> {
    shown: &'a str,
    skipped: bool,
    cut: bool,
}

impl<'a> Window<'a> {
    fn from_start(text: &'a str) -> Self {
        Self::at(text, 0)
    }

    /// The part around byte `place`, which is where a character begins.
    fn near(text: &'a str, place: usize) -> Self {
        let start = text[..place].char_indices().rev().take(LEAD).last().map_or(0, |(at, _)| at);
        // A lead that is about as long as the text before it is no reason to hide that.
        Self::at(text, if text[..start].chars().nth(LEAD).is_some() { start } else { 0 })
    }

    fn at(text: &'a str, start: usize) -> Self {
        let tail = &text[start..];
        let end = tail.char_indices().nth(LONGEST).map_or(tail.len(), |(at, _)| at);
        Self { shown: &tail[..end], skipped: start > 0, cut: end < tail.len() }
    }

    fn lead(&self) -> &'static str {
        if self.skipped { "…" } else { "" }
    }

    /// Says how long the text is when not all of it is shown.
    fn rest(&self, text: &str) -> Markup {
        html! {
            @if self.cut || self.skipped {
                @if self.cut { "…" }
                " " span.length.soft { "(" (number(text.chars().count() as u64)) " characters)" }
            }
        }
    }
}

/// Text with characters that hide, or that turn the text around them, shown by their names.
fn visible(text: &str) -> Markup {
    let mut rest = text;
    let mut parts = Vec::new();
    while let Some((at, hidden)) = rest.char_indices().find(|(_, letter)| hides(*letter)) {
        parts.push((&rest[..at], Some(hidden)));
        rest = &rest[at + hidden.len_utf8()..];
    }
    parts.push((rest, None));
    html! {
        @for (plain, hidden) in parts {
            (plain)
            @if let Some(hidden) = hidden { span.control { (name(hidden)) } }
        }
    }
}

fn hides(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// An arrow for what moves the text on, the code point of any other.
fn name(hidden: char) -> String {
    match hidden {
        '\n' => "↵".to_owned(),
        '\t' => "⇥".to_owned(),
        other => format!("‹U+{:04X}›", u32::from(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        value(&Value::Text(text.to_owned())).into_string()
    }

    #[test]
    fn hostile_text_is_shown_and_does_nothing() {
        let markup = shown("<script>\"'&\u{202e}\0\n");
        assert_eq!(
            markup,
            "<bdi>&lt;script&gt;&quot;'&amp;<span class=\"control\">‹U+202E›</span>\
             <span class=\"control\">‹U+0000›</span><span class=\"control\">↵</span></bdi>"
        );
    }

    #[test]
    fn a_text_of_ten_megabytes_is_cut_and_its_length_said() {
        let markup = shown(&"é".repeat(10_000_000));
        assert!(markup.len() < 2_000, "{}", markup.len());
        assert!(markup.contains("10\u{202f}000\u{202f}000 characters"), "{markup}");
    }

    #[test]
    fn a_change_far_inside_a_long_text_is_in_sight() {
        let (before, after) =
            (format!("{} cat", "x ".repeat(5_000)), format!("{} dog", "x ".repeat(5_000)));
        let markup = text_change(&before, &after).into_string();
        assert!(markup.contains("<mark>cat</mark>"), "{markup}");
        assert!(markup.contains("<mark>dog</mark>"), "{markup}");
        assert!(markup.len() < 1_000, "{}", markup.len());
    }

    #[test]
    fn a_blob_is_told_by_its_size_and_start() {
        let markup = value(&Value::Blob((0..=255).collect())).into_string();
        assert!(markup.contains("blob, 256 bytes"), "{markup}");
        assert!(markup.contains("00 01 02") && markup.contains("0f …"), "{markup}");
    }

    #[test]
    fn a_float_is_told_apart_from_an_integer() {
        assert_eq!(value(&Value::Real(1.0)).into_string(), "1.0");
        assert_eq!(value(&Value::Integer(1)).into_string(), "1");
    }
}
