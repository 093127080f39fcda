//! Whole snapshots in one JSON file, written by others.
//!
//! Such a file is an object with `last_event_id`, `event_log` (rows as objects), and further keys
//! that are lists of row objects: a table each, at the top level or under `tables` or `projections`.
//! Files are read as a stream, one row in memory at a time, however large they are.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::redact;
use super::row::Value;

/// What a foreign file tells of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Foreign {
    /// The position.
    pub(crate) last_event_id: Option<i64>,
    /// Rows of the event log.
    pub(crate) events: u64,
    /// Rows of each other table, by name.
    pub(crate) tables: BTreeMap<String, u64>,
}

impl Foreign {
    /// Rows of all tables, the event log's among them.
    pub(crate) fn rows(&self) -> u64 {
        self.events + self.tables.values().sum::<u64>()
    }
}

/// Whose row it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner<'n> {
    /// The event log, whatever the database calls it.
    EventLog,
    /// The table of this name.
    Table(&'n str),
}

/// Takes each row of a file: whose it is, and its values by column.
pub(crate) type EachRow<'e> = dyn FnMut(Owner<'_>, &Map<String, Json>) -> Result<(), String> + 'e;

/// Reads a whole file, handing each row to `each`.
pub(crate) fn read(file: impl Read, each: &mut EachRow<'_>) -> Result<Foreign, serde_json::Error> {
    let mut found = Found::default();
    let mut deserializer =
        serde_json::Deserializer::from_reader(std::io::BufReader::with_capacity(1 << 16, file));
    Object { depth: 0, found: &mut found, each }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    if !found.position_seen {
        return Err(de::Error::custom("has no last_event_id"));
    }
    if !found.log_seen {
        return Err(de::Error::custom("has no event_log"));
    }
    Ok(found.foreign)
}

/// A value of a row object as SQLite would hold it: truth as 1 and 0, objects and lists as the JSON
/// text they are, but for what the row encoding says with an object.
pub(crate) fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Integer(i64::from(*truth)),
        Json::String(text) => Value::Text(text.clone()),
        Json::Number(_) | Json::Object(_) => {
            serde_json::from_value(json.clone()).unwrap_or_else(|_| Value::Text(json.to_string()))
        }
        Json::Array(_) => Value::Text(json.to_string()),
    }
}

/// Why a file of `size` bytes is no snapshot, in words for a list.
pub(crate) fn reason(error: &serde_json::Error, size: u64) -> String {
    match error.classify() {
        serde_json::error::Category::Eof => format!("ends early, at byte {size}"),
        serde_json::error::Category::Io => format!("cannot be read: {error}"),
        _ => format!("is no snapshot: {}", redact::without_text(error)),
    }
}

#[derive(Default)]
struct Found {
    foreign: Foreign,
    position_seen: bool,
    log_seen: bool,
}

/// The whole file (depth 0), or the object under `tables` or `projections` (depth 1).
struct Object<'f, 'e, 'r> {
    depth: u8,
    found: &'f mut Found,
    each: &'e mut EachRow<'r>,
}

impl<'de> DeserializeSeed<'de> for Object<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.depth == 0 {
            "a snapshot: a JSON object"
        } else {
            "an object of tables"
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match (self.depth, key.as_str()) {
                (0, "last_event_id") => {
                    self.found.foreign.last_event_id = map.next_value()?;
                    self.found.position_seen = true;
                }
                (0, "event_log") => {
                    self.found.log_seen = true;
                    map.next_value_seed(Rows {
                        owner: Owner::EventLog,
                        found: self.found,
                        each: self.each,
                    })?;
                }
                (0, "tables" | "projections") => {
                    map.next_value_seed(Nested(Object {
                        depth: 1,
                        found: self.found,
                        each: self.each,
                    }))?;
                }
                (_, name) => {
                    map.next_value_seed(Rows {
                        owner: Owner::Table(name),
                        found: self.found,
                        each: self.each,
                    })?;
                }
            }
        }
        Ok(())
    }
}

/// `tables` and `projections` hold an object of lists; or a list, when a table is named so.
struct Nested<'f, 'e, 'r>(Object<'f, 'e, 'r>);

impl<'de> DeserializeSeed<'de> for Nested<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self.0)
    }
}

/// A list of row objects; anything else beside the tables is passed over.
struct Rows<'f, 'e, 'r, 'n> {
    owner: Owner<'n>,
    found: &'f mut Found,
    each: &'e mut EachRow<'r>,
}

impl<'de> DeserializeSeed<'de> for Rows<'_, '_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_, '_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of row objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut rows = 0;
        while let Some(element) = list.next_element::<Json>()? {
            let Json::Object(row) = element else {
                if self.owner == Owner::EventLog || rows > 0 {
                    return Err(de::Error::custom("holds a row that is not an object"));
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(());
            };
            (self.each)(self.owner, &row).map_err(de::Error::custom)?;
            rows += 1;
        }
        match self.owner {
            Owner::EventLog => self.found.foreign.events += rows,
            Owner::Table(name) => {
                *self.found.foreign.tables.entry(name.to_owned()).or_default() += rows;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.beside()
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        self.beside()
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        self.beside()
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        self.beside()
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        self.beside()
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        self.beside()
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.beside()
    }
}

impl Rows<'_, '_, '_, '_> {
    fn beside<E: de::Error>(&self) -> Result<(), E> {
        match self.owner {
            Owner::EventLog => Err(E::custom("holds an event_log that is not a list of rows")),
            Owner::Table(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(file: &str) -> Result<(Foreign, Vec<String>), serde_json::Error> {
        let mut seen = Vec::new();
        let foreign = read(file.as_bytes(), &mut |owner, row| {
            seen.push(format!("{owner:?} {}", Json::Object(row.clone())));
            Ok(())
        })?;
        Ok((foreign, seen))
    }

    #[test]
    fn tables_are_found_at_the_top_and_below() {
        let file = r#"{"version": 2, "last_event_id": 7, "taken_by": {"name": "cron"}, "tags": ["a", "b"],
            "event_log": [{"id": 7}], "bots": [{"id": 1}, {"id": 2}], "tables": {"chats": [{"id": 3}]},
            "projections": {"empty": []}}"#;
        let (foreign, seen) = rows(file).expect("a snapshot");
        assert_eq!(foreign.last_event_id, Some(7));
        assert_eq!((foreign.events, foreign.rows()), (1, 4));
        assert_eq!(foreign.tables.keys().collect::<Vec<_>>(), ["bots", "chats", "empty"]);
        assert_eq!(seen.len(), 4);
        assert_eq!(seen[3], r#"Table("chats") {"id":3}"#);
    }

    #[test]
    fn what_is_no_snapshot_says_why() {
        let why = |file| rows(file).expect_err("no snapshot").to_string();
        assert!(why("{\"event_log\": []}").starts_with("has no last_event_id"));
        assert!(why("{\"last_event_id\": 1}").starts_with("has no event_log"));
        assert!(why("[]").contains("a snapshot: a JSON object"));
        assert!(why("{\"last_event_id\": 1, \"event_log\": 3}").contains("not a list of rows"));
        assert!(rows("{\"last_event_id\": 1, \"event_log\": [{\"id\"").expect_err("cut").is_eof());
    }

    #[test]
    fn no_reason_repeats_what_the_file_says() {
        for file in [
            r#"{"last_event_id": "a secret\", expected ", "event_log": []}"#,
            r#""a secret""#,
            r#"{"last_event_id": 1, "event_log": "a secret"}"#,
            r#"{"last_event_id": 1, "event_log": ["a secret"]}"#,
            r#"{"last_event_id": 1, "event_log": [], "tables": "a secret"}"#,
            r#"{"last_event_id": 1, "event_log": [{"a": "a secret}]}"#,
        ] {
            let reason = reason(&rows(file).expect_err("no snapshot"), 9);
            assert!(!reason.contains("secret"), "{reason}");
        }
    }

    #[test]
    fn values_become_what_sqlite_would_hold() {
        let value = |text: &str| value_of(&serde_json::from_str(text).expect("JSON"));
        assert_eq!(value("true"), Value::Integer(1));
        assert_eq!(value("1.0"), Value::Real(1.0));
        assert_eq!(value("{\"blob\":\"AP8=\"}"), Value::Blob(vec![0, 255]));
        assert_eq!(value("{\"a\":1}"), Value::Text("{\"a\":1}".into()));
        assert_eq!(value("[1,2]"), Value::Text("[1,2]".into()));
    }
}
