//! What a snapshot is: position, schema, and one root per table.
//!
//! A manifest is a small JSON file that is never changed once written:
//!
//! ```text
//! {"snapback":1,"checksum":"<BLAKE3 of the manifest's bytes>","manifest":{…}}
//! ```
//!
//! The rows are in chunks that the roots lead to, and so is the schema; a manifest never says in
//! which pack a chunk lies. The file is exactly what this module writes for the manifest it holds,
//! so that any changed byte shows.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::facts::Cause;
use super::id::{Kind, SnapshotId, SnapshotRef};
use super::pack::ChunkHash;
use super::redact;
use super::tree::Node;
use crate::error::{Error, Result};

/// The version of the format that is written and read.
const VERSION: u32 = 1;
/// How each manifest begins: what tells it from a foreign file.
const OPENING: &[u8] = b"{\"snapback\":";
/// The largest manifest that is read, in bytes: room for some ten thousand tables.
pub(crate) const LARGEST: u64 = 16 << 20;
/// The greatest count of rows or bytes that is believed: more than a database of SQLite can hold,
/// and so little that the counts of all tables can be added up.
const GREATEST: u64 = 1 << 48;

/// A snapshot: everything but the rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The name within the kind.
    pub(crate) snapshot_id: SnapshotId,
    /// Checkpoint or safety copy.
    pub(crate) kind: Kind,
    /// When it was taken.
    pub(crate) created_at: Timestamp,
    /// The position; `None` without an event log.
    pub(crate) last_event_id: Option<i64>,
    /// The event log's table; `None` without one.
    pub(crate) event_table: Option<String>,
    /// The chunk that holds the schema as JSON.
    pub(crate) schema: SchemaChunk,
    /// The application's `PRAGMA user_version`.
    pub(crate) user_version: i64,
    /// The application's `PRAGMA application_id`.
    pub(crate) application_id: i64,
    /// The tables, in name order, the event log's among them.
    pub(crate) tables: Vec<TableRoot>,
    /// Bytes of all its chunks as they are stored, each counted once.
    pub(crate) stored_bytes: u64,
    /// Bytes of the packs that were written for it.
    pub(crate) new_bytes: u64,
    /// What a rewind snapshot was taken for.
    pub(crate) cause: Option<Cause>,
}

/// Where the schema is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SchemaChunk {
    pub(crate) hash: ChunkHash,
    pub(crate) bytes: u64,
}

/// One table of a snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TableRoot {
    /// The table.
    pub(crate) name: String,
    /// The counter behind an AUTOINCREMENT key.
    pub(crate) sequence: Option<i64>,
    /// The root of its tree; `None` for a table without rows.
    pub(crate) root: Option<Node>,
}

impl TableRoot {
    /// How many rows it has.
    pub(crate) fn rows(&self) -> u64 {
        self.root.as_ref().map_or(0, |root| root.rows)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'e> {
    snapback: u32,
    checksum: ChunkHash,
    #[serde(borrow)]
    manifest: &'e RawValue,
}

impl Manifest {
    /// The table of this name.
    pub(crate) fn table(&self, name: &str) -> Option<&TableRoot> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// Rows of all tables.
    pub(crate) fn rows(&self) -> u64 {
        self.tables.iter().map(TableRoot::rows).sum()
    }

    fn counts(&self) -> impl Iterator<Item = u64> {
        let roots = self.tables.iter().filter_map(|table| table.root.as_ref());
        roots.flat_map(|root| [root.rows, root.bytes]).chain([
            self.stored_bytes,
            self.new_bytes,
            self.schema.bytes,
        ])
    }

    /// Whether a file's first bytes are a manifest's; else it may be a foreign snapshot.
    pub(crate) fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(OPENING)
    }

    /// The manifest as a file.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let written = || {
            let inner = serde_json::value::to_raw_value(self)?;
            let checksum = ChunkHash::of(inner.get().as_bytes());
            serde_json::to_vec(&Envelope { snapback: VERSION, checksum, manifest: &inner })
        };
        written().map_err(|error| Error::failed("the manifest cannot be written").because(error))
    }

    /// Reads a file back, as the manifest of `snapshot`. Any changed byte is an error that says
    /// what is wrong.
    pub(crate) fn from_bytes(bytes: &[u8], snapshot: &SnapshotRef) -> Result<Self> {
        let damaged = |what: String| {
            Error::damaged(what)
                .on(snapshot)
                .hint("restore another snapshot; delete this one when it is not needed")
        };
        let envelope: Envelope<'_> =
            serde_json::from_slice(bytes).map_err(|error| damaged(at_byte(&error, bytes)))?;
        if envelope.snapback != VERSION {
            return Err(damaged(format!(
                "is of format {}, which this version cannot read",
                envelope.snapback
            )));
        }
        if ChunkHash::of(envelope.manifest.get().as_bytes()) != envelope.checksum {
            return Err(damaged("its checksum does not hold".to_owned()));
        }
        let manifest: Self = serde_json::from_str(envelope.manifest.get()).map_err(|error| {
            damaged(format!(
                "does not hold what a manifest holds: {}",
                redact::without_text(&error)
            ))
        })?;
        if manifest.to_bytes()? != bytes {
            return Err(damaged("is not exactly what was written".to_owned()));
        }
        if manifest.counts().any(|count| count > GREATEST) {
            return Err(damaged("holds a count that no database can have".to_owned()));
        }
        if manifest.snapshot_id != snapshot.id || manifest.kind != snapshot.kind {
            return Err(damaged(format!(
                "holds the manifest of {}/{}, under another name",
                manifest.kind, manifest.snapshot_id
            )));
        }
        Ok(manifest)
    }
}

/// Where JSON stops making sense, in words for a list.
pub(crate) fn at_byte(error: &serde_json::Error, bytes: &[u8]) -> String {
    if error.is_eof() {
        format!("ends early, at byte {}", bytes.len())
    } else {
        format!("does not read as JSON at line {}, column {}", error.line(), error.column())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::row::Value;

    fn manifest() -> Manifest {
        let node = Node {
            hash: ChunkHash::of(b"rows"),
            height: 1,
            rows: 7,
            bytes: 40,
            first: vec![Value::Integer(1)],
            last: vec![Value::Text("é".into())],
        };
        Manifest {
            snapshot_id: "20261122T200446Z".parse().expect("an id"),
            kind: Kind::Periodic,
            created_at: "2026-11-22T20:04:46.123Z".parse().expect("a time"),
            last_event_id: Some(48_070),
            event_table: Some("event_log".into()),
            schema: SchemaChunk { hash: ChunkHash::of(b"schema"), bytes: 6 },
            user_version: 3,
            application_id: 0,
            tables: vec![TableRoot { name: "chats".into(), sequence: None, root: Some(node) }],
            stored_bytes: 99,
            new_bytes: 12,
            cause: None,
        }
    }

    fn name() -> SnapshotRef {
        "periodic/20261122T200446Z".parse().expect("a name")
    }

    #[test]
    fn a_manifest_reads_back_as_it_was_written() {
        let bytes = manifest().to_bytes().expect("written");
        assert!(Manifest::begins(&bytes));
        assert_eq!(Manifest::from_bytes(&bytes, &name()).expect("read"), manifest());
    }

    #[test]
    fn every_changed_byte_of_a_manifest_shows() {
        let bytes = manifest().to_bytes().expect("written");
        for at in 0..bytes.len() {
            for flip in [1, 0x20, 0x80] {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                assert!(Manifest::from_bytes(&changed, &name()).is_err(), "byte {at}");
            }
            assert!(Manifest::from_bytes(&bytes[..at], &name()).is_err(), "cut at {at}");
        }
        let mut longer = bytes;
        longer.push(b'\n');
        assert!(Manifest::from_bytes(&longer, &name()).is_err());
    }

    #[test]
    fn a_manifest_under_another_name_is_damaged() {
        let bytes = manifest().to_bytes().expect("written");
        let other = "rewind/20261122T200446Z".parse().expect("a name");
        let error = Manifest::from_bytes(&bytes, &other).expect_err("another kind");
        assert!(error.what().contains("periodic/20261122T200446Z"), "{error}");
    }
}
