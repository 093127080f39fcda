//! The readers of what comes from outside, for the fuzzer and for the replay of its seeds.
//!
//! Not a part of the interface: each takes bytes that nobody has looked at, and panics when a
//! promise of its reader is broken. What is no good is an error there and nothing here.

pub use crate::snapshot::fuzzing::{chunk, foreign, id, manifest, row};
pub use crate::web::fuzzing::form;

/// What takes the bytes of one target.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: [(&str, Target); 6] = [
    ("manifest", manifest),
    ("chunk", chunk),
    ("row", row),
    ("foreign", foreign),
    ("id", id),
    ("form", form),
];
