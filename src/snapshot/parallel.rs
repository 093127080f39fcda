//! The same work on many things, on all processors.

use std::thread::{self, Builder, available_parallelism};

/// What `work` makes of each item, in their order, on several threads where there are more items than
/// `share`. `None` for those of a thread that panicked.
pub(crate) fn map<T: Sync, R: Send>(
    items: &[T],
    share: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<Option<R>> {
    let cores = available_parallelism().map_or(1, usize::from);
    let share = items.len().div_ceil(cores).max(share).max(1);
    let (own, others) = items.split_at(share.min(items.len()));
    let do_all =
        |items: &[T]| -> Vec<Option<R>> { items.iter().map(|item| Some(work(item))).collect() };
    thread::scope(|scope| {
        let others: Vec<_> = others
            .chunks(share)
            .map(|items| (items, Builder::new().spawn_scoped(scope, || do_all(items))))
            .collect();
        let mut done = do_all(own);
        for (items, other) in others {
            // Where the system gives no thread, this one does it.
            let Ok(other) = other else {
                done.extend(do_all(items));
                continue;
            };
            let nothing = |_| std::iter::repeat_with(|| None).take(items.len()).collect();
            done.extend(other.join().unwrap_or_else(nothing));
        }
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_done_once_and_stays_in_order() {
        for count in [0, 1, 7, 100] {
            let items: Vec<usize> = (0..count).collect();
            let done = map(&items, 3, |item| item * 2);
            assert_eq!(done, items.iter().map(|item| Some(item * 2)).collect::<Vec<_>>());
        }
    }
}
