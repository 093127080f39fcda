//! Keys: names joined by `/`, each checked, so that no key can leave the store.

use object_store::path::Path;

use crate::error::{Error, Result};

/// The longest name in a key, in bytes: an id of 128 with room for an extension.
const LONGEST: usize = 160;

/// The key as a path of the object store.
pub(super) fn path(key: &str) -> Result<Path> {
    let refused = || {
        Error::invalid("this cannot name anything in a store")
            .on(key.escape_debug())
            .hint("names are letters, digits, dots, dashes and underscores, joined by slashes")
    };
    if !key.split('/').all(is_sound) {
        return Err(refused());
    }
    Path::parse(key).map_err(|_| refused())
}

/// Whether a name is `[0-9A-Za-z][0-9A-Za-z._-]*` without `..` and not too long.
pub(super) fn is_sound(name: &str) -> bool {
    let bytes = name.as_bytes();
    (1..=LONGEST).contains(&bytes.len())
        && bytes[0].is_ascii_alphanumeric()
        && bytes.iter().all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        && !name.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_could_leave_the_store_is_refused() {
        for key in ["", "/", "/a", "a/", "a//b", "..", "a/../b", "a/.b", "a\\b", "a#1", "a b", "ä"]
        {
            assert!(path(key).is_err(), "{key:?}");
        }
        assert!(path(&"a".repeat(161)).is_err());
        assert_eq!(path("packs/0a-b_c.pack").expect("a key").as_ref(), "packs/0a-b_c.pack");
    }
}
