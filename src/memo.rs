//! The last value that was made, kept for as long as what it was made of is the same.

use std::sync::{Arc, Mutex, PoisonError};

/// Keeps one value under what it was made of.
pub(crate) struct Memo<K, V>(Mutex<Option<(K, V)>>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<K: PartialEq, V: Clone> Memo<K, V> {
    /// The value that was made of `key`: the one that is kept, or one that `make` makes now. Without
    /// a key it is made each time. Nobody waits for a value that somebody else makes.
    pub(crate) fn get<E>(
        &self,
        key: Option<K>,
        make: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, E> {
        let Some(key) = key else { return make() };
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, value)) = &*kept()
            && *known == key
        {
            return Ok(value.clone());
        }
        let value = make()?;
        *kept() = Some((key, value.clone()));
        Ok(value)
    }
}

/// A value that is the same as another only if it is that one itself. Kept in a key, it stays, so
/// that no later one takes its place in memory.
#[derive(Debug)]
pub(crate) struct Same<T>(pub(crate) Arc<T>);

impl<T> PartialEq for Same<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_again_when_and_only_when_its_key_differs() {
        let memo = Memo::default();
        let mut made = 0;
        let mut get = |key: Option<u8>| {
            memo.get(key, || {
                made += 1;
                Ok::<_, ()>(made)
            })
        };
        let values: Vec<_> =
            [Some(1), Some(1), None, Some(1), Some(2), Some(1)].into_iter().map(&mut get).collect();
        assert_eq!(values, [Ok(1), Ok(1), Ok(2), Ok(1), Ok(3), Ok(4)]);
    }

    #[test]
    fn a_failure_is_not_kept() {
        let memo: Memo<u8, u8> = Memo::default();
        assert_eq!(memo.get(Some(1), || Err("not now")), Err("not now"));
        assert_eq!(memo.get(Some(1), || Ok::<_, ()>(7)), Ok(7));
    }

    #[test]
    fn equal_values_are_not_the_same() {
        let one = Arc::new(5);
        assert_eq!(Same(Arc::clone(&one)), Same(one));
        assert_ne!(Same(Arc::new(5)), Same(Arc::new(5)));
    }
}
