//! The demo's application at work: an event every few seconds while the console is open.

use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;

use super::random::Random;
use super::{app, story};

/// A thread that writes until it is dropped.
pub(super) struct Writer {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts writing to the application's database.
    pub(super) fn start(database: PathBuf) -> Self {
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            let mut random = Random::new(Timestamp::now().as_second().unsigned_abs());
            loop {
                let pause = Duration::from_millis(1500 + random.below(3000));
                match stopped.recv_timeout(pause) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
                // A restore in progress can hold the database for longer than the application
                // waits. As an application should, it tries again.
                if let Err(error) = write_one(&database, &mut random) {
                    tracing::warn!(%error, "the demo application could not write");
                }
            }
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

/// Writes one event on a fresh connection: one every few seconds does not need a lasting one.
fn write_one(database: &std::path::Path, random: &mut Random) -> rusqlite::Result<()> {
    let mut app = app::open(database)?;
    let tx = app.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let event = story::next(&tx, random)?;
    app::record(&tx, &super::stamp(Timestamp::now()), &event)?;
    tx.commit()
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panicked thread has said so on standard error already.
            let _ = thread.join();
        }
    }
}
