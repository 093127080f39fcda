//! Names of elements that belong to one snapshot, and selectors for them.

use crate::snapshot::SnapshotRef;

/// The id of the element that plays `role` for `snapshot`: `row-periodic-20261122T200446Z`.
pub(crate) fn id(role: &str, snapshot: &SnapshotRef) -> String {
    format!("{role}-{}-{}", snapshot.kind, snapshot.id)
}

/// A selector for the element of that id: a dot in it would otherwise start a class name.
pub(crate) fn selector(id: &str) -> String {
    format!("#{}", id.replace('.', "\\."))
}

/// A selector for the element that plays `role` for `snapshot`.
pub(crate) fn target(role: &str, snapshot: &SnapshotRef) -> String {
    selector(&id(role, snapshot))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_with_dots_is_escaped_in_a_selector_only() {
        let snapshot = "rewind/chat.v2".parse().expect("a name");
        assert_eq!(id("row", &snapshot), "row-rewind-chat.v2");
        assert_eq!(target("row", &snapshot), "#row-rewind-chat\\.v2");
    }
}
