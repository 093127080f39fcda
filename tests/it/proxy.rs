//! A connection that is slow, breaks or is gone, between a client and a server.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a test waits for bytes to pass before it says that nothing gets on.
const PATIENCE: Duration = Duration::from_mins(1);

/// A TCP proxy on a port of its own.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    server: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Bytes that passed, in both directions.
    passed: u64,
    /// The pause after each piece.
    pause: Duration,
    /// Every so many bytes, the connection that carries them breaks.
    cut_every: Option<u64>,
    until_cut: u64,
    cuts: u64,
    cut_off: bool,
    open: Vec<TcpStream>,
    ended: bool,
}

impl Proxy {
    pub(crate) fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared { server, state: Mutex::default(), changed: Condvar::new() });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || accept(&listener, &accepting));
        Self { address, shared }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Slows every connection down by a pause after each piece of 16 KiB or less.
    pub(crate) fn slow_down(&self, pause: Duration) {
        self.shared.state().pause = pause;
    }

    /// From now on the connection that carries each so-many-th byte breaks, without a word.
    pub(crate) fn cut_every(&self, bytes: u64) {
        let mut state = self.shared.state();
        state.cut_every = Some(bytes);
        state.until_cut = bytes;
    }

    /// How many connections were cut.
    pub(crate) fn cuts(&self) -> u64 {
        self.shared.state().cuts
    }

    /// Breaks all connections, and takes no others on.
    pub(crate) fn cut_off(&self) {
        let mut state = self.shared.state();
        state.cut_off = true;
        state.break_all();
    }

    /// Lets connections through again.
    pub(crate) fn reconnect(&self) {
        self.shared.state().cut_off = false;
    }

    /// Bytes that passed so far.
    pub(crate) fn passed(&self) -> u64 {
        self.shared.state().passed
    }

    /// Waits until so many more bytes have passed.
    pub(crate) fn wait_for(&self, bytes: u64) {
        let state = self.shared.state();
        let goal = state.passed + bytes;
        let (state, waited) = self
            .shared
            .changed
            .wait_timeout_while(state, PATIENCE, |state| state.passed < goal)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "only {} of {goal} bytes have passed", state.passed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.ended = true;
        state.break_all();
        drop(state);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn break_all(&mut self) {
        for stream in self.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts bytes; false when the connection breaks here.
    fn pass(&self, bytes: usize) -> bool {
        let mut state = self.state();
        state.passed += bytes as u64;
        let mut stays = !state.cut_off;
        if let Some(every) = state.cut_every {
            if let Some(left) = state.until_cut.checked_sub(bytes as u64) {
                state.until_cut = left;
            } else {
                state.until_cut = every;
                state.cuts += 1;
                stays = false;
            }
        }
        let pause = state.pause;
        self.changed.notify_all();
        drop(state);
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
        stays
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.state().ended {
            return;
        }
        // A client that is gone already, or a server that is: the connection just breaks.
        let _ = client.and_then(|client| connect(client, shared));
    }
}

fn connect(client: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    let mut state = shared.state();
    if state.cut_off {
        return Ok(());
    }
    let server = TcpStream::connect(shared.server)?;
    state.open.extend([client.try_clone()?, server.try_clone()?]);
    drop(state);
    for (from, to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            // Whatever happens to one direction ends both.
            let _ = copy(&from, &to, &shared);
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}

fn copy(mut from: &TcpStream, mut to: &TcpStream, shared: &Shared) -> io::Result<()> {
    let mut piece = [0; 16 << 10];
    loop {
        let length = from.read(&mut piece)?;
        if length == 0 || !shared.pass(length) {
            return Ok(());
        }
        to.write_all(&piece[..length])?;
    }
}
