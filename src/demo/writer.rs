//! The demo's application at work: a few events a second while the console is open.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

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
            let mut connection = None;
            loop {
                let pause = Duration::from_millis(200 + random.below(400));
                match stopped.recv_timeout(pause) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
                // A restore in progress can hold the database for longer than the application
                // waits. As an application should, it tries again.
                if let Err(error) = write_one(&database, &mut connection, &mut random) {
                    tracing::warn!(%error, "the demo application could not write");
                }
            }
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

/// Writes one event, on a connection that is opened once.
fn write_one(
    database: &Path,
    connection: &mut Option<Connection>,
    random: &mut Random,
) -> rusqlite::Result<()> {
    let app = match connection {
        Some(app) => app,
        None => connection.insert(app::open(database)?),
    };
    let tx = app.transaction_with_behavior(TransactionBehavior::Immediate)?;
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
