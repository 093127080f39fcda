//! Readers of files and names, each with what must hold of whatever it accepts.

#![expect(clippy::missing_panics_doc, reason = "a panic is what the fuzzer looks for")]

use super::id::{Point, SnapshotId, SnapshotRef};
use super::manifest::Manifest;
use super::pack::Packs;
use super::row::{self, Value};
use super::{foreign as file, tree};
use crate::store::Store;

/// The snapshot whose manifest the seeds are.
const NAME: &str = "periodic/20261122T200446Z";

/// A manifest: what is accepted is byte for byte what is written.
pub fn manifest(bytes: &[u8]) {
    let Ok(snapshot) = NAME.parse::<SnapshotRef>() else { return };
    if let Ok(manifest) = Manifest::from_bytes(bytes, &snapshot) {
        assert_eq!(manifest.to_bytes().ok().as_deref(), Some(bytes));
    }
}

/// A pack and the chunks in it, and an index chunk: a chunk is what its hash says, or an error.
pub fn chunk(bytes: &[u8]) {
    for height in [0, 1, 2] {
        let _ = tree::children(bytes, height);
    }
    let store = Store::memory();
    if store.put("packs/a.pack", bytes.to_vec()).is_err() {
        return;
    }
    let Ok(packs) = Packs::open(store) else { return };
    for (hash, length) in packs.chunks() {
        if let Ok(chunk) = packs.read(&hash, length) {
            assert_eq!(blake3::hash(chunk.bytes()).as_bytes(), hash.as_bytes());
        }
    }
}

/// A row: what is read is written as what reads back to the same values.
pub fn row(bytes: &[u8]) {
    if let Ok(values) = row::read_row(bytes) {
        assert_eq!(row::read_row(&written(&values)).ok(), Some(values));
    }
}

/// A whole snapshot of another program: every value of it is one that a row can hold.
pub fn foreign(bytes: &[u8]) {
    let mut rows = 0;
    let read = file::read(bytes, &mut |_, row| {
        rows += 1;
        let values: Vec<Value> = row.values().map(file::value_of).collect();
        assert_eq!(row::read_row(&written(&values)).ok(), Some(values));
        Ok(())
    });
    if let Ok(foreign) = read {
        assert_eq!(foreign.rows(), rows);
    }
}

/// Names: what is accepted is written as it was, and is one plain file name.
pub fn id(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(id) = text.parse::<SnapshotId>() {
        assert_eq!(id.as_str(), text);
        assert!(!text.is_empty() && !text.contains("..") && text.len() <= 128);
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)));
    }
    if let Ok(name) = text.parse::<SnapshotRef>() {
        assert_eq!(name.to_string(), text);
    }
    if let Ok(point) = text.parse::<Point>() {
        assert_eq!(point.to_string(), text);
    }
}

fn written(values: &[Value]) -> Vec<u8> {
    let mut line = Vec::new();
    row::write_row(&mut line, values);
    line
}
