//! Texts that hold JSON: laid out over lines, and compared key by key.

use maud::{Markup, html};
use serde::de::IgnoredAny;
use serde_json::Value as Json;

use super::{LONGEST, text_change, visible};
use crate::web::format::{count, number};

/// The longest text that is taken apart, in bytes. A longer one is shown as text.
const LARGEST: usize = 64 * 1024;

/// Up to here JSON stays on its line, in bytes.
const SHORT: usize = 40;

/// How many differing places are listed.
const PLACES: usize = 40;

/// Whether a text is an object or a list in JSON.
fn is_json(text: &str) -> bool {
    text.len() <= LARGEST
        && text.trim_start().starts_with(['{', '['])
        && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// A text that holds JSON, over lines; `None` for any other text, and for what is short enough to
/// be read as it is.
pub(super) fn value(text: &str) -> Option<Markup> {
    if text.len() <= SHORT || !is_json(text) {
        return None;
    }
    let (laid_out, cut) = laid_out(text);
    Some(html! {
        code.json {
            @for (place, line) in laid_out.lines().enumerate() {
                @if place > 0 { "\n" }
                bdi { (visible(line)) }
            }
            @if cut { "\n…" }
        }
        @if cut {
            " " span.length.soft { "(JSON, " (number(text.chars().count() as u64)) " characters)" }
        }
    })
}

/// The text with a line for each member. Only the space between its parts is another: numbers,
/// names and their order stay as they are written. Says whether it was cut.
fn laid_out(text: &str) -> (String, bool) {
    let (mut out, mut depth, mut shown) = (String::with_capacity(text.len() * 2), 0_usize, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if shown == LONGEST {
            return (out, true);
        }
        shown += 1;
        if quoted {
            out.push(letter);
            quoted = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            continue;
        }
        match letter {
            '"' => {
                quoted = true;
                out.push(letter);
            }
            '{' | '[' => {
                out.push(letter);
                while letters.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(end) = letters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    indent(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                indent(&mut out, depth);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                indent(&mut out, depth);
            }
            ':' => out.push_str(": "),
            space if space.is_ascii_whitespace() => {}
            other => out.push(other),
        }
    }
    (out, false)
}

fn indent(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// One place where two values differ, and what stands there on both sides.
struct Place<'j> {
    path: String,
    before: Option<&'j Json>,
    after: Option<&'j Json>,
}

/// What differs between two texts that both hold JSON; `None` where one does not, or where they
/// differ in nothing but how they are written.
pub(super) fn change(before: &str, after: &str) -> Option<Markup> {
    if !is_json(before) || !is_json(after) {
        return None;
    }
    let (before, after) = (serde_json::from_str(before).ok()?, serde_json::from_str(after).ok()?);
    let mut places = Vec::new();
    let mut same = 0;
    compare(String::new(), &before, &after, &mut places, &mut same);
    let whole = places.iter().any(|place| place.path.is_empty());
    if places.is_empty() || whole {
        return None;
    }
    let more = places.len().saturating_sub(PLACES);
    Some(html! {
        ul.json-changes {
            @for place in places.iter().take(PLACES) {
                li { code.path { bdi { (visible(&place.path)) } } ": " (place_change(place)) }
            }
            @if more > 0 { li.soft { "and " (count(more as u64, "more place", "more places")) } }
            @if same > 0 { li.soft { (count(same, "value", "values")) " unchanged" } }
        }
    })
}

fn place_change(place: &Place<'_>) -> Markup {
    match (place.before, place.after) {
        (Some(Json::String(before)), Some(Json::String(after))) => text_change(before, after),
        (before, after) => html! {
            @if let Some(before) = before { del { (leaf(before)) } }
            @if before.is_some() && after.is_some() { " → " }
            @if let Some(after) = after { ins { (leaf(after)) } }
        },
    }
}

fn leaf(value: &Json) -> Markup {
    let text = value.to_string();
    let shown: String = text.chars().take(LONGEST).collect();
    html! { bdi { (visible(&shown)) } @if shown.len() < text.len() { "…" } }
}

fn compare<'j>(
    path: String,
    before: &'j Json,
    after: &'j Json,
    places: &mut Vec<Place<'j>>,
    same: &mut u64,
) {
    match (before, after) {
        (Json::Object(old), Json::Object(new)) => {
            for (name, before) in old {
                let path = member(&path, name);
                match new.get(name) {
                    Some(after) => compare(path, before, after, places, same),
                    None => places.push(Place { path, before: Some(before), after: None }),
                }
            }
            for (name, after) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
                places.push(Place { path: member(&path, name), before: None, after: Some(after) });
            }
        }
        (Json::Array(old), Json::Array(new)) => {
            for place in 0..old.len().max(new.len()) {
                let path = format!("{path}[{place}]");
                match (old.get(place), new.get(place)) {
                    (Some(before), Some(after)) => compare(path, before, after, places, same),
                    (before, after) => places.push(Place { path, before, after }),
                }
            }
        }
        (before, after) if before == after => *same += 1,
        (before, after) => places.push(Place { path, before: Some(before), after: Some(after) }),
    }
}

fn member(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_space_between_the_parts_is_laid_out_anew() {
        let (text, cut) = laid_out(r#"{"b":1.0e2,"a":[ ],"s":"{, \"[:"}"#);
        assert_eq!(text, "{\n  \"b\": 1.0e2,\n  \"a\": [],\n  \"s\": \"{, \\\"[:\"\n}");
        assert!(!cut);
    }

    #[test]
    fn two_objects_are_compared_key_by_key() {
        let before = r#"{"theme":"dark","tags":[1,2],"old":true,"same":{"x":null}}"#;
        let after = r#"{"theme":"light","tags":[1,3,4],"same":{"x":null},"new":"<b>"}"#;
        let markup = change(before, after).expect("a comparison").into_string();
        for part in [
            ">theme<",
            "<mark>dark</mark>",
            ">tags[1]<",
            ">tags[2]<",
            "<ins><bdi>4</bdi></ins>",
            ">old<",
            "<del><bdi>true</bdi></del>",
            "&lt;b&gt;",
            "2 values unchanged",
        ] {
            assert!(markup.contains(part), "{part} in {markup}");
        }
    }

    #[test]
    fn what_is_no_json_or_differs_as_a_whole_is_compared_as_text() {
        assert!(change("{}", "{").is_none());
        assert!(change("{}", "[]").is_none());
        assert!(change(r#"{"a":1}"#, r#"{ "a": 1 }"#).is_none(), "only the space differs");
        assert!(value("12").is_none() && value("{a}").is_none());
    }

    #[test]
    fn deep_or_long_json_does_no_harm() {
        let deep = "[".repeat(30_000);
        assert!(value(&deep).is_none());
        let long = format!("[{}1]", "1,".repeat(20_000));
        let markup = value(&long).expect("JSON").into_string();
        assert!(markup.len() < 20_000, "{}", markup.len());
        assert!(markup.contains("JSON, 40\u{202f}003 characters"), "{markup}");
    }
}
