//! The reader of forms, with what must hold of whatever it accepts.

#![expect(clippy::missing_panics_doc, reason = "a panic is what the fuzzer looks for")]

use super::fields::Fields;

/// A form or a query: no field is made up, and a confirmation is the id and nothing else.
pub fn form(bytes: &[u8]) {
    const ID: &str = "20261122T200446Z";
    let fields = Fields::parse(bytes);
    for name in ["kind", "confirm_id", "plan", "note", "table", "scope", "moving", "after"] {
        let count = fields.all(name).count();
        assert_eq!(fields.one(name).is_ok(), count <= 1);
        let _ = fields.switch(name);
    }
    if fields.confirmed(ID).is_ok() {
        assert_eq!(fields.all("confirm_id").collect::<Vec<_>>(), [ID]);
    }
    if let Ok(snapshot) = fields.snapshot(ID) {
        assert_eq!(fields.all("kind").collect::<Vec<_>>(), [snapshot.kind.name()]);
    }
    let _ = fields.read::<crate::snapshot::Scope>("scope");
}
