//! Takes out of an answer what is another at every run: ids, moments, sizes, fingerprints.

use serde_json::Value;

/// What is replaced: `9` stands for a digit, everything else for itself.
const SHAPES: [(&str, &str); 3] = [
    ("99999999T999999Z", "<id>"),
    ("9999-99-99T99:99:99", "<moment>"),
    ("9999-99-99 99:99:99", "<moment>"),
];

/// The members of a JSON object whose values are replaced, whatever they are.
const MEMBERS: [&str; 6] = ["file_size_bytes", "new_bytes", "plan", "lock_ms", "took_ms", "bytes"];

/// What numbers are written with.
const NUMBER: fn(char) -> bool = |letter| letter.is_ascii_digit() || letter == '.';

/// A text without ids, moments and sizes.
pub(super) fn text(text: &str) -> String {
    let mut redacted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if let Some((shape, name)) = SHAPES.iter().find(|(shape, _)| fits(rest, shape)) {
            redacted.push_str(name);
            rest = &rest[shape.len()..];
            let digit = |letter: char| letter.is_ascii_digit();
            let part = rest.strip_prefix('.').map(|part| part.trim_start_matches(digit));
            rest = part.and_then(|part| part.strip_prefix('Z')).unwrap_or(rest);
            continue;
        }
        let digits = rest.len() - rest.trim_start_matches(NUMBER).len();
        let unit = [" B", " KB", " ms"].iter().find(|unit| rest[digits..].starts_with(**unit));
        if let Some(unit) = unit.filter(|_| digits > 0 && letter.is_ascii_digit()) {
            redacted.push_str("<n>");
            redacted.push_str(unit);
            rest = &rest[digits + unit.len()..];
            continue;
        }
        let taken = digits.max(letter.len_utf8());
        redacted.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    redacted
}

fn fits(text: &str, shape: &str) -> bool {
    text.len() >= shape.len()
        && text.bytes().zip(shape.bytes()).all(|(found, wanted)| match wanted {
            b'9' => found.is_ascii_digit(),
            other => found == other,
        })
}

/// A fragment without what changes, an element a line.
pub(super) fn markup(fragment: &str) -> String {
    let mut fragment = fragment.to_owned();
    if let Some(at) = fragment.find("name=\"plan\" value=\"") {
        let start = at + "name=\"plan\" value=\"".len();
        let end = start + fragment[start..].find('"').expect("the end of the value");
        fragment.replace_range(start..end, "<plan>");
    }
    text(&fragment).replace("><", ">\n<")
}

/// Facts without what changes, as indented text.
pub(super) fn json(mut facts: Value) -> String {
    fn walk(value: &mut Value) {
        match value {
            Value::String(inner) => *inner = text(inner),
            Value::Array(items) => items.iter_mut().for_each(walk),
            Value::Object(members) => {
                for (name, value) in members {
                    let known = value.is_number() || value.is_string();
                    if known && MEMBERS.contains(&name.as_str()) {
                        *value = Value::String(format!("<{name}>"));
                    } else {
                        walk(value);
                    }
                }
            }
            _ => {}
        }
    }
    walk(&mut facts);
    serde_json::to_string_pretty(&facts).expect("JSON")
}

#[test]
fn what_changes_from_run_to_run_is_replaced_and_nothing_else() {
    let told = "20261122T200446Z.json at 2026-11-22T20:04:46.123Z, 1.9 KB of 18 rows, 7 ms";
    assert_eq!(text(told), "<id>.json at <moment>, <n> KB of 18 rows, <n> ms");
}
