//! A row as one JSON line and back; every SQLite value survives.
//!
//! A row is a JSON array in column order. NULL, integers and finite floats are JSON numbers (a
//! float always has `.` or `e`, in the shortest form that reads back to the same bits), text is a
//! string. What JSON cannot say is an object with one key: `{"blob":"<base64>"}`,
//! `{"text":"<base64>"}` for text that is not UTF-8, `{"real":"inf"}` and `{"real":"-inf"}`.

use std::cmp::Ordering;
use std::fmt;

use base64::Engine as _;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD as BASE64;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// One SQLite value.
#[derive(Clone, Debug)]
pub enum Value {
    /// NULL.
    Null,
    /// A 64-bit integer.
    Integer(i64),
    /// A float; never NaN, which SQLite stores as NULL.
    Real(f64),
    /// Text that is UTF-8.
    Text(String),
    /// Text that is not UTF-8, as its bytes.
    RawText(Vec<u8>),
    /// A blob.
    Blob(Vec<u8>),
}

impl Value {
    /// The value behind one of SQLite's.
    #[must_use]
    pub fn of(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(integer) => Self::Integer(integer),
            ValueRef::Real(real) => Self::Real(real),
            ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Self::Text(text.to_owned()),
                Err(_) => Self::RawText(bytes.to_vec()),
            },
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_vec()),
        }
    }

    /// The value as SQLite's own.
    #[must_use]
    pub fn as_sqlite(&self) -> ValueRef<'_> {
        match self {
            Self::Null => ValueRef::Null,
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Real(real) => ValueRef::Real(*real),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::RawText(bytes) => ValueRef::Text(bytes),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }
    }

    /// SQLite's order of values with the BINARY collation: NULL, numbers, text, blobs; text by its
    /// bytes. An integer and a float that are equal as numbers are ordered integer first, so that
    /// the order is total and equality means the same stored value.
    #[must_use]
    pub fn total_cmp(&self, other: &Self) -> Ordering {
        compare(self.as_sqlite(), other.as_sqlite())
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.total_cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        self.total_cmp(other)
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.as_sqlite()))
    }
}

/// The order behind [`Value::total_cmp`], on values that SQLite still owns.
#[must_use]
pub(crate) fn compare(a: ValueRef<'_>, b: ValueRef<'_>) -> Ordering {
    fn class(value: ValueRef<'_>) -> u8 {
        match value {
            ValueRef::Null => 0,
            ValueRef::Integer(_) | ValueRef::Real(_) => 1,
            ValueRef::Text(_) => 2,
            ValueRef::Blob(_) => 3,
        }
    }
    match (a, b) {
        (ValueRef::Integer(a), ValueRef::Integer(b)) => a.cmp(&b),
        (ValueRef::Real(a), ValueRef::Real(b)) => {
            a.partial_cmp(&b).filter(|order| order.is_ne()).unwrap_or_else(|| a.total_cmp(&b))
        }
        (ValueRef::Integer(a), ValueRef::Real(b)) => integer_with_real(a, b),
        (ValueRef::Real(a), ValueRef::Integer(b)) => integer_with_real(b, a).reverse(),
        (ValueRef::Text(a), ValueRef::Text(b)) | (ValueRef::Blob(a), ValueRef::Blob(b)) => a.cmp(b),
        (a, b) => class(a).cmp(&class(b)),
    }
}

/// Compares exactly, without rounding the integer to a float; equal numbers put the integer first.
fn integer_with_real(integer: i64, real: f64) -> Ordering {
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    if real >= TWO_TO_63 {
        return Ordering::Less;
    }
    if real < -TWO_TO_63 {
        return Ordering::Greater;
    }
    // In range, so the cast only drops the fraction.
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked above")]
    let whole = real.trunc() as i64;
    integer.cmp(&whole).then_with(|| {
        let fraction = real.fract();
        if fraction < 0.0 { Ordering::Greater } else { Ordering::Less }
    })
}

/// Appends one value in the row encoding.
pub(crate) fn write_value(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => out.extend_from_slice(b"null"),
        ValueRef::Integer(integer) => {
            out.extend_from_slice(itoa::Buffer::new().format(integer).as_bytes());
        }
        ValueRef::Real(real) => write_real(out, real),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => write_text(out, text),
            Err(_) => write_base64(out, b"{\"text\":\"", bytes),
        },
        ValueRef::Blob(bytes) => write_base64(out, b"{\"blob\":\"", bytes),
    }
}

fn write_real(out: &mut Vec<u8>, real: f64) {
    if real.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(real).as_bytes());
    } else if real.is_nan() {
        out.extend_from_slice(b"null");
    } else if real > 0.0 {
        out.extend_from_slice(b"{\"real\":\"inf\"}");
    } else {
        out.extend_from_slice(b"{\"real\":\"-inf\"}");
    }
}

fn write_base64(out: &mut Vec<u8>, opening: &[u8], bytes: &[u8]) {
    out.extend_from_slice(opening);
    let start = out.len();
    let encoded = base64::encoded_len(bytes.len(), true).unwrap_or(usize::MAX);
    out.resize(start.saturating_add(encoded), 0);
    if let Ok(written) = BASE64.encode_slice(bytes, &mut out[start..]) {
        out.truncate(start + written);
    }
    out.extend_from_slice(b"\"}");
}

/// What a byte of text needs in a JSON string: 0 nothing, `u` a `\u00xx`, else `\` and this.
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        table[control] = b'u';
        control += 1;
    }
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0a] = b'n';
    table[0x0c] = b'f';
    table[0x0d] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

/// Whether any of the eight bytes needs an escape: a test on the whole word.
fn word_needs_escape(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let has_zero = |x: u64| x.wrapping_sub(ONES) & !x;
    let quote = has_zero(word ^ (ONES * u64::from(b'"')));
    let backslash = has_zero(word ^ (ONES * u64::from(b'\\')));
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (quote | backslash | control) & HIGHS != 0
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        if let Some(word) = bytes.get(at..at + 8) {
            let word: [u8; 8] = word.try_into().unwrap_or_default();
            if !word_needs_escape(u64::from_le_bytes(word)) {
                at += 8;
                continue;
            }
        }
        let end = bytes.len().min(at + 8);
        while at < end {
            let byte = bytes[at];
            let escape = ESCAPES[usize::from(byte)];
            if escape != 0 {
                out.extend_from_slice(&bytes[copied..at]);
                if escape == b'u' {
                    let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
                    out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
                } else {
                    out.extend_from_slice(&[b'\\', escape]);
                }
                copied = at + 1;
            }
            at += 1;
        }
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

/// Appends values as one row: a JSON array, without a line end.
pub(crate) fn write_row<'a>(out: &mut Vec<u8>, values: impl IntoIterator<Item = &'a Value>) {
    out.push(b'[');
    for (place, value) in values.into_iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write_value(out, value.as_sqlite());
    }
    out.push(b']');
}

/// Reads a row back from its line, without the line end.
pub(crate) fn read_row(line: &[u8]) -> Result<Vec<Value>, serde_json::Error> {
    serde_json::from_slice(line)
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fn tagged<S: Serializer>(
            serializer: S,
            tag: &str,
            text: &(impl fmt::Display + ?Sized),
        ) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry(tag, &format_args!("{text}"))?;
            map.end()
        }
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Integer(integer) => serializer.serialize_i64(*integer),
            Self::Real(real) if real.is_finite() => serializer.serialize_f64(*real),
            Self::Real(real) if real.is_nan() => serializer.serialize_unit(),
            Self::Real(real) => {
                tagged(serializer, "real", if *real > 0.0 { "inf" } else { "-inf" })
            }
            Self::Text(text) => serializer.serialize_str(text),
            Self::RawText(bytes) => tagged(serializer, "text", &Base64Display::new(bytes, &BASE64)),
            Self::Blob(bytes) => tagged(serializer, "blob", &Base64Display::new(bytes, &BASE64)),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneValue;

        impl<'de> Visitor<'de> for OneValue {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value of a row")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_i64<E>(self, integer: i64) -> Result<Value, E> {
                Ok(Value::Integer(integer))
            }

            fn visit_u64<E: de::Error>(self, integer: u64) -> Result<Value, E> {
                // Beyond 64 signed bits SQLite itself reads a literal as a float.
                #[expect(clippy::cast_precision_loss, reason = "as SQLite reads such a literal")]
                Ok(i64::try_from(integer).map_or(Value::Real(integer as f64), Value::Integer))
            }

            fn visit_f64<E>(self, real: f64) -> Result<Value, E> {
                Ok(Value::Real(real))
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Value, E> {
                Ok(Value::Text(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let Some((tag, text)) = map.next_entry::<String, String>()? else {
                    return Err(de::Error::custom("an object without a tag is no value"));
                };
                if map.next_key::<de::IgnoredAny>()?.is_some() {
                    return Err(de::Error::custom("an object with several tags is no value"));
                }
                let decode = |text: &str| BASE64.decode(text).map_err(de::Error::custom);
                match (tag.as_str(), text.as_str()) {
                    ("blob", text) => decode(text).map(Value::Blob),
                    ("text", text) => decode(text).map(Value::RawText),
                    ("real", "inf") => Ok(Value::Real(f64::INFINITY)),
                    ("real", "-inf") => Ok(Value::Real(f64::NEG_INFINITY)),
                    _ => Err(de::Error::custom("an object with an unknown tag is no value")),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Value, A::Error> {
                Err(de::Error::custom("an array is no value"))
            }
        }

        deserializer.deserialize_any(OneValue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::Integer),
            any::<f64>()
                .prop_filter("SQLite has no NaN", |real| !real.is_nan())
                .prop_map(Value::Real),
            any::<String>().prop_map(Value::Text),
            "[\\x00-\\x7f]{0,40}".prop_map(Value::Text),
            proptest::collection::vec(any::<u8>(), 0..40).prop_map(Value::Blob),
            proptest::collection::vec(128..=255_u8, 1..9)
                .prop_filter("not UTF-8", |bytes| std::str::from_utf8(bytes).is_err())
                .prop_map(Value::RawText),
        ]
    }

    fn line(values: &[Value]) -> Vec<u8> {
        let mut out = Vec::new();
        write_row(&mut out, values);
        out
    }

    #[test]
    fn every_extreme_value_survives_the_encoding() {
        let values = [
            Value::Null,
            Value::Integer(i64::MIN),
            Value::Integer(i64::MAX),
            Value::Real(-0.0),
            Value::Real(1.0),
            Value::Real(5e-324),
            Value::Real(f64::MAX),
            Value::Real(f64::INFINITY),
            Value::Real(f64::NEG_INFINITY),
            Value::Text("a\0b\u{1f}\"\\\u{202e}é🙂".into()),
            Value::Text(String::new()),
            Value::RawText(vec![0xff, 0xfe]),
            Value::Blob(vec![]),
            Value::Blob(vec![0, 255]),
        ];
        assert_eq!(read_row(&line(&values)).expect("a row"), values);
    }

    #[test]
    fn a_float_is_never_written_as_an_integer() {
        for real in [0.0, -0.0, 1.0, 1e15, 1e16, 1e300, 1e-7, 123_456_789.0] {
            let text = String::from_utf8(line(&[Value::Real(real)])).expect("UTF-8");
            assert!(text.contains(['.', 'e']), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_row_reads_back_as_it_was(values in proptest::collection::vec(any_value(), 0..6)) {
            prop_assert_eq!(read_row(&line(&values)).expect("a row"), values);
        }

        #[test]
        fn the_answer_to_a_reader_is_the_encoding_of_the_store(value in any_value()) {
            let stored = line(std::slice::from_ref(&value));
            let told = serde_json::to_vec(&[&value]).expect("JSON");
            prop_assert_eq!(String::from_utf8(stored), String::from_utf8(told));
        }

        #[test]
        fn text_is_escaped_as_the_json_library_does(text in any::<String>()) {
            let mut out = Vec::new();
            write_text(&mut out, &text);
            prop_assert_eq!(out, serde_json::to_vec(&text).expect("JSON"));
        }

        #[test]
        fn the_order_of_values_is_total(a in any_value(), b in any_value(), c in any_value()) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
        }
    }
}
