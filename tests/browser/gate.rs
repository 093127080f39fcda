//! A gate between browser and server: what is sent waits there, or finds nobody.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::channel;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// What the browser sends waits.
    Shut,
    /// Nobody listens, and every connection is broken.
    Gone,
}

/// A port that leads to a server, as long as the test lets it.
pub(crate) struct Gate {
    state: watch::Sender<State>,
    base: String,
    _runtime: Runtime,
}

impl Gate {
    /// A gate that is open.
    pub(crate) fn before(server: SocketAddr) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (state, seen) = watch::channel(State::Open);
        let (tell, told) = channel();
        runtime.spawn(async move {
            let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
            tell.send(socket.local_addr().expect("an address")).expect("somebody waits for it");
            let mut gone = seen.clone();
            loop {
                let accepted = tokio::select! {
                    _ = gone.wait_for(|state| *state == State::Gone) => break,
                    accepted = socket.accept() => accepted,
                };
                if let Ok((client, _)) = accepted {
                    tokio::spawn(pass(client, server, seen.clone()));
                }
            }
        });
        let address = told.recv().expect("the gate's address");
        Self { state, base: format!("http://{address}"), _runtime: runtime }
    }

    /// The address of the console, through this gate.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// From now on the server seems to be slow: no request reaches it.
    pub(crate) fn shut(&self) {
        self.state.send_replace(State::Shut);
    }

    /// The server answers again, also what waited.
    pub(crate) fn open(&self) {
        self.state.send_replace(State::Open);
    }

    /// The server goes away for good.
    pub(crate) fn break_off(&self) {
        self.state.send_replace(State::Gone);
    }
}

async fn pass(client: TcpStream, server: SocketAddr, seen: watch::Receiver<State>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (mut open, mut gone) = (seen.clone(), seen);
    let there = async {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
            let passed = open.wait_for(|state| *state == State::Open).await.is_ok();
            if !passed || to_server.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = there => {}
        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
        _ = gone.wait_for(|state| *state == State::Gone) => {}
    }
}
