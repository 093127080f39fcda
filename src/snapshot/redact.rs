//! Columns whose values nobody is shown: not in rows, not in events, not in the address of a page.
//!
//! What is stored and restored is not touched by it.

use super::facts::EventCount;
use super::row::Value;
use super::{Core, matches};
use crate::database::{EventLog, Table};
use crate::error::{Error, Result};

/// What stands where a value is hidden.
pub(crate) const MARKER: &str = "[redacted]";

/// Checks that every pattern can name a column.
pub(crate) fn check(patterns: &[String]) -> Result<()> {
    match patterns.iter().find(|pattern| !pattern.contains('.')) {
        None => Ok(()),
        Some(pattern) => Err(Error::invalid("this names no column to hide")
            .on(pattern)
            .hint("state table.column; * and ? match, as in users.* or *.email")),
    }
}

impl Core {
    /// Whether any value is hidden.
    pub(crate) fn redacts(&self) -> bool {
        !self.options.redact.is_empty()
    }

    /// Whether the values of a column are hidden.
    pub(crate) fn hides(&self, table: &str, column: &str) -> bool {
        let name = format!("{table}.{column}");
        self.options.redact.iter().any(|pattern| matches(pattern, &name))
    }

    /// Which values of a row are hidden, by their places.
    pub(crate) fn hidden(&self, table: &Table) -> Vec<bool> {
        let names = table.value_names().into_iter().enumerate();
        // The rowid in front is nobody's column.
        names
            .map(|(place, name)| place >= table.hidden() && self.hides(&table.name, name))
            .collect()
    }

    /// Whether the types of events are hidden.
    pub(crate) fn hides_types(&self, log: &EventLog) -> bool {
        log.type_column.as_ref().is_some_and(|column| self.hides(&log.table, column))
    }

    /// Counts by type, as one count where types are hidden.
    pub(crate) fn redact_types(&self, counts: Vec<EventCount>) -> Vec<EventCount> {
        if !self.database.event_log().is_some_and(|log| self.hides_types(log)) {
            return counts;
        }
        let newest = counts.iter().map(|of| of.newest).max();
        let count = counts.iter().map(|of| of.count).sum();
        newest
            .map(|newest| EventCount { kind: MARKER.to_owned(), count, newest })
            .into_iter()
            .collect()
    }
}

/// What stands in place of any value.
pub(crate) fn marker() -> Value {
    Value::Text(MARKER.to_owned())
}

/// An error of the parser without the text of the file that it may quote: that may be somebody's.
pub(crate) fn without_text(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let quotes = said.find(": string \"").zip(said.rfind("\", expected "));
    match quotes {
        Some((start, end)) => format!("{}: a text{}", &said[..start], &said[end + 1..]),
        None => said,
    }
}
