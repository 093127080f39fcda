//! The name of one database among several.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::snapshot::is_sound_name;

/// The name of one database among several: it stands in addresses, and in the places of stores.
///
/// `[0-9A-Za-z][0-9A-Za-z._-]{0,127}` without `..`, as ids of snapshots are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Name(String);

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if is_sound_name(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::invalid("this cannot be the name of a database")
            .on(text.escape_debug())
            .hint("use letters, digits, '.', '_' and '-', a letter or digit first, at most 128"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_part_of_an_address_and_of_a_path() {
        for sound in ["a", "tenant-7", "2026.orders", "A_b"] {
            assert_eq!(sound.parse::<Name>().expect(sound).as_str(), sound);
        }
        for text in ["", ".", "..", "a..b", "a/b", "-a", "a b", "a%2f", "é", &"x".repeat(129)] {
            let error = text.parse::<Name>().expect_err(text);
            assert_eq!(error.what(), "this cannot be the name of a database", "{text}");
        }
    }
}
