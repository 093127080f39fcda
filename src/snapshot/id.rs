//! Names of snapshots: an id that was checked, a kind out of two, and both together.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The longest id, in bytes.
const LONGEST: usize = 128;

/// Why a snapshot exists. There are two kinds, and only two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A checkpoint: scheduled, or taken by hand.
    Periodic,
    /// A safety copy, taken just before a restore.
    Rewind,
}

impl Kind {
    /// Both kinds, in the order in which they are named.
    pub const ALL: [Self; 2] = [Self::Periodic, Self::Rewind];

    /// The kind's name in file names, addresses and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Periodic => "periodic",
            Self::Rewind => "rewind",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            let what = if text.is_empty() {
                "the kind of the snapshot is missing".to_owned()
            } else {
                format!("there is no kind of snapshot named {text:?}")
            };
            Error::invalid(what).on("kind").hint("state kind=periodic or kind=rewind")
        })
    }
}

/// The name of one snapshot within its kind: a file's stem that was checked.
///
/// `[0-9A-Za-z][0-9A-Za-z._-]{0,127}` without `..`; nothing else can name a file of the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SnapshotId(String);

impl SnapshotId {
    /// The id for a moment, to the second: `20261122T200446Z`.
    #[must_use]
    pub fn at(moment: Timestamp) -> Self {
        Self(moment.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string())
    }

    /// The id for a moment, with a suffix that keeps ids apart which others may give at the same
    /// moment: `20261122T200446Z-k3f7`.
    pub(crate) fn with_suffix(moment: Timestamp, suffix: &str) -> Self {
        Self(format!("{}-{suffix}", Self::at(moment)))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The moment that an id of Snapback's own form tells; `None` for a foreign one.
    #[must_use]
    pub fn moment(&self) -> Option<Timestamp> {
        let stem = self.0.get(..16)?;
        let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", stem).ok()?;
        time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    }

    /// What a snapshot taken at a moment is put in order by: ids never go backwards, even when the
    /// clock does.
    pub(crate) fn order(&self, created_at: Timestamp) -> Timestamp {
        self.moment().map_or(created_at, |moment| moment.max(created_at))
    }
}

/// Whether a text may be one part of an address and of a file's name.
pub(crate) fn is_sound_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=LONGEST).contains(&bytes.len())
        && bytes[0].is_ascii_alphanumeric()
        && bytes.iter().all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        && !text.contains("..")
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SnapshotId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if is_sound_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::not_found("there is no snapshot with this id")
                .on(text.escape_debug())
                .hint("open the list and choose a snapshot"))
        }
    }
}

impl<'de> Deserialize<'de> for SnapshotId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One snapshot, named in full: `kind/id`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotRef {
    /// Checkpoint or safety copy.
    pub kind: Kind,
    /// The name within the kind.
    pub id: SnapshotId,
}

impl SnapshotRef {
    /// Names the snapshot `id` of `kind`.
    #[must_use]
    pub fn new(kind: Kind, id: SnapshotId) -> Self {
        Self { kind, id }
    }
}

impl fmt::Display for SnapshotRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.id)
    }
}

impl FromStr for SnapshotRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some((kind, id)) = text.split_once('/') else {
            return Err(Error::invalid("a snapshot is named KIND/ID")
                .on(text.escape_debug())
                .hint("write periodic/ID or rewind/ID, as the list prints them"));
        };
        Ok(Self { kind: kind.parse()?, id: id.parse()? })
    }
}

impl Serialize for SnapshotRef {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SnapshotRef {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One side of a comparison: a snapshot, or the database as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Point {
    /// The live database.
    Now,
    /// A snapshot of the store.
    Snapshot(SnapshotRef),
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => f.write_str("now"),
            Self::Snapshot(snapshot) => snapshot.fmt(f),
        }
    }
}

impl FromStr for Point {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "now" { Ok(Self::Now) } else { text.parse().map(Self::Snapshot) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_leave_its_folder_is_refused() {
        for text in ["", ".", "..", "a..b", "-a", "a/b", "a\\b", "a b", "ä", &"a".repeat(129)] {
            assert!(text.parse::<SnapshotId>().is_err(), "{text:?}");
        }
        for text in ["20261122T200446Z", "20261122T200446Z-2", "a.b_c-D", &"a".repeat(128)] {
            assert!(text.parse::<SnapshotId>().is_ok(), "{text:?}");
        }
    }

    #[test]
    fn an_id_tells_the_second_it_was_made() {
        let moment: Timestamp = "2026-11-22T20:04:46Z".parse().expect("a timestamp");
        let id = SnapshotId::at(moment);
        assert_eq!(id.as_str(), "20261122T200446Z");
        assert_eq!(id.moment(), Some(moment));
    }

    #[test]
    fn a_kind_is_one_of_two_words() {
        assert_eq!("rewind".parse::<Kind>().expect("a kind"), Kind::Rewind);
        let error = "weekly".parse::<Kind>().expect_err("no such kind");
        assert_eq!(error.next_step(), "state kind=periodic or kind=rewind");
    }
}
