//! A queue between two threads, bounded by the bytes in it.
//!
//! The standard library's bounded channel counts messages; rows differ in size by six orders of
//! magnitude, so a count bounds no memory.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    capacity: usize,
}

struct State<T> {
    items: VecDeque<(T, usize)>,
    /// Bytes queued, and those of the item that the receiver works on.
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

/// The end that takes.
pub(super) struct Receiver<T>(Arc<Shared<T>>);

/// A queue for `capacity` bytes. A single larger item passes alone.
pub(super) fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let state = State { items: VecDeque::new(), bytes: 0, closed: false, abandoned: false };
    let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), capacity });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

impl<T> Sender<T> {
    /// Gives an item of so many bytes, once there is room. False when nobody takes any more.
    pub(super) fn send(&self, item: T, bytes: usize) -> bool {
        let mut state = self.0.state();
        while !state.closed && state.bytes > 0 && state.bytes + bytes > self.0.capacity {
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return false;
        }
        state.bytes += bytes;
        state.items.push_back((item, bytes));
        self.0.changed.notify_all();
        true
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
    /// Hands each item to `work` as it comes. True when the sender closed the queue and all was
    /// worked on, false when it was abandoned.
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
            work(item)?;
            self.0.state().bytes -= bytes;
            self.0.changed.notify_all();
        }
    }
}

impl<T> Drop for Receiver<T> {
    /// A sender that waits for room must learn that there is nobody left to make it.
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.closed = true;
        state.items.clear();
        drop(state);
        self.0.changed.notify_all();
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
        thread::scope(|scope| {
            scope.spawn(|| {
                let drained = receiver.each::<Infallible>(|bytes| {
                    in_flight.fetch_sub(bytes, Ordering::SeqCst);
                    Ok(())
                });
                assert_eq!(drained, Ok(true));
            });
            for bytes in (1..=40).cycle().take(1000) {
                assert!(sender.send(bytes, bytes));
                // Counted after the send, so it can be too low by what was taken meanwhile.
                let now = in_flight.fetch_add(bytes, Ordering::SeqCst).wrapping_add(bytes);
                assert!(now <= 100 || now > usize::MAX / 2, "{now} bytes in flight");
            }
            sender.close();
        });
    }

    #[test]
    fn an_item_larger_than_the_queue_passes_alone() {
        let (sender, receiver) = bounded::<u8>(10);
        assert!(sender.send(1, 1000));
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
    fn a_sender_waiting_for_room_learns_that_the_receiver_failed() {
        let (sender, receiver) = bounded::<u8>(10);
        assert!(sender.send(1, 10));
        let waiting = thread::spawn(move || sender.send(2, 10));
        assert_eq!(receiver.each(|_| Err("broken")), Err("broken"));
        drop(receiver);
        assert!(!waiting.join().expect("no panic"));
    }

    #[test]
    fn an_abandoned_queue_is_told_from_a_closed_one() {
        let (sender, receiver) = bounded::<u8>(10);
        assert!(sender.send(1, 1));
        sender.abandon();
        assert_eq!(receiver.each::<Infallible>(|_| panic!("not wanted any more")), Ok(false));
    }
}
