//! Names that nobody else gives.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// A new name of 32 hex digits.
///
/// The standard library seeds its hashers from the system's randomness; the time, the process and
/// a counter keep names apart even where that randomness is poor.
pub(crate) fn fresh_name() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let counter = COUNTER.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seeded = RandomState::new();
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seeded.hash_one(0_u8).to_le_bytes());
    hasher.update(&seeded.hash_one(1_u8).to_le_bytes());
    hasher.update(&now.as_nanos().to_le_bytes());
    hasher.update(&std::process::id().to_le_bytes());
    hasher.update(&counter.to_le_bytes());
    let mut name = hasher.finalize().to_hex().to_string();
    name.truncate(32);
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_differ_across_threads() {
        let threads: Vec<_> = (0..4)
            .map(|_| std::thread::spawn(|| (0..500).map(|_| fresh_name()).collect::<Vec<_>>()))
            .collect();
        let names: HashSet<String> =
            threads.into_iter().flat_map(|thread| thread.join().expect("names")).collect();
        assert_eq!(names.len(), 2000);
        assert!(names.iter().all(|name| name.len() == 32));
    }
}
