//! A queue from one thread to others, bounded by the bytes in it.
//!
//! The standard library's bounded channel counts messages; rows differ in size by six orders of
//! magnitude, so a count bounds no memory. And who finds this queue full is told so, and can do the
//! work instead of waiting for it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    capacity: usize,
}

struct State<T> {
    items: VecDeque<(T, usize)>,
    /// Bytes queued, and those of the items that are worked on.
    bytes: usize,
    closed: bool,
    abandoned: bool,
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end that gives.
pub(super) struct Sender<T>(Arc<Shared<T>>);

/// The end that takes; each of its clones may take on a thread of its own.
pub(super) struct Receiver<T>(Arc<Shared<T>>);

/// What became of an item that was given.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Given<T> {
    /// It will be taken.
    Taken,
    /// There is no room: here it is again.
    Full(T),
    /// Nobody takes any more.
    Closed,
}

/// A queue for `capacity` bytes. A single larger item passes alone.
pub(super) fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let state = State { items: VecDeque::new(), bytes: 0, closed: false, abandoned: false };
    let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), capacity });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

impl<T> Sender<T> {
    /// Gives an item of so many bytes, if there is room.
    pub(super) fn give(&self, item: T, bytes: usize) -> Given<T> {
        let mut state = self.0.state();
        if state.closed {
            return Given::Closed;
        }
        if state.bytes > 0 && state.bytes + bytes > self.0.capacity {
            return Given::Full(item);
        }
        state.bytes += bytes;
        state.items.push_back((item, bytes));
        drop(state);
        self.0.changed.notify_one();
        Given::Taken
    }

    /// Says that no more will come; what was given is still worked on.
    pub(super) fn close(&self) {
        self.0.state().closed = true;
        self.0.changed.notify_all();
    }

    /// Says that nothing given is wanted any more.
    pub(super) fn abandon(&self) {
        let mut state = self.0.state();
        state.closed = true;
        state.abandoned = true;
        state.items.clear();
        drop(state);
        self.0.changed.notify_all();
    }
}

impl<T> Receiver<T> {
    /// Hands each item to `work` as it comes, until no more comes. True when the sender closed the
    /// queue, false when it was abandoned. A failure closes the queue for all.
    pub(super) fn each<E>(&self, mut work: impl FnMut(T) -> Result<(), E>) -> Result<bool, E> {
        loop {
            let mut state = self.0.state();
            while state.items.is_empty() && !state.closed {
                state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let Some((item, bytes)) = state.items.pop_front() else {
                return Ok(!state.abandoned);
            };
            drop(state);
            work(item).inspect_err(|_| self.close())?;
            self.0.state().bytes -= bytes;
        }
    }

    fn close(&self) {
        let mut state = self.0.state();
        state.closed = true;
        state.items.clear();
        drop(state);
        self.0.changed.notify_all();
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    #[test]
    fn what_is_in_flight_never_exceeds_the_capacity() {
        let (sender, receiver) = bounded::<usize>(100);
        let in_flight = AtomicUsize::new(0);
        let done = AtomicUsize::new(0);
        thread::scope(|scope| {
            for receiver in [receiver.clone(), receiver] {
                let (in_flight, done) = (&in_flight, &done);
                scope.spawn(move || {
                    let drained = receiver.each::<Infallible>(|bytes| {
                        in_flight.fetch_sub(bytes, Ordering::SeqCst);
                        done.fetch_add(1, Ordering::SeqCst);
                        Ok(())
                    });
                    assert_eq!(drained, Ok(true));
                });
            }
            let mut refused = 0;
            for bytes in (1..=40).cycle().take(1000) {
                match sender.give(bytes, bytes) {
                    // Counted after it was given, so it can be too low by what was taken meanwhile.
                    Given::Taken => {
                        let now = in_flight.fetch_add(bytes, Ordering::SeqCst).wrapping_add(bytes);
                        assert!(now <= 100 || now > usize::MAX / 2, "{now} bytes in flight");
                    }
                    given => {
                        assert_eq!(given, Given::Full(bytes));
                        refused += 1;
                    }
                }
            }
            sender.close();
            while done.load(Ordering::SeqCst) + refused < 1000 {
                thread::yield_now();
            }
        });
    }

    #[test]
    fn an_item_larger_than_the_queue_passes_alone() {
        let (sender, receiver) = bounded::<u8>(10);
        assert_eq!(sender.give(1, 1000), Given::Taken);
        assert_eq!(sender.give(2, 1), Given::Full(2));
        sender.close();
        let mut got = Vec::new();
        assert_eq!(
            receiver.each::<Infallible>(|item| {
                got.push(item);
                Ok(())
            }),
            Ok(true)
        );
        assert_eq!(got, [1]);
    }

    #[test]
    fn a_sender_learns_that_a_receiver_failed() {
        let (sender, receiver) = bounded::<u8>(10);
        assert_eq!(sender.give(1, 10), Given::Taken);
        assert_eq!(receiver.each(|_| Err("broken")), Err("broken"));
        assert_eq!(sender.give(2, 10), Given::Closed);
        // Another receiver ends as well, with nothing to do.
        assert_eq!(receiver.each::<Infallible>(|_| panic!("nothing is left")), Ok(true));
    }

    #[test]
    fn an_abandoned_queue_is_told_from_a_closed_one() {
        let (sender, receiver) = bounded::<u8>(10);
        assert_eq!(sender.give(1, 1), Given::Taken);
        sender.abandon();
        assert_eq!(receiver.each::<Infallible>(|_| panic!("not wanted any more")), Ok(false));
    }
}
