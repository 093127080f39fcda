//! Serving the console on its own address.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use poem::listener::TcpAcceptor;
use poem::{Route, Server};
use tokio::net::TcpListener;

use super::{Options, routes};
use crate::error::{Error, Result};
use crate::snapshot::Snapshots;

/// How long requests under way may take to end once the server is asked to stop.
const FAREWELL: Duration = Duration::from_secs(10);

/// Where the console listens.
#[derive(Debug)]
pub enum Listen {
    /// An address to bind; port 0 takes a free one.
    Address(SocketAddr),
    /// A socket that listens already.
    Socket(TcpListener),
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Self::Address(address)
    }
}

impl From<TcpListener> for Listen {
    fn from(socket: TcpListener) -> Self {
        Self::Socket(socket)
    }
}

/// Serves the console until `shutdown` is ready, then lets requests under way end.
///
/// # Errors
///
/// An address beyond the loopback is refused: the console has no password, and whoever reaches it
/// can read and change the database. An address that cannot be bound is an error too.
pub async fn serve(
    snapshots: Snapshots,
    listen: impl Into<Listen>,
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    let listener = match listen.into() {
        Listen::Address(address) => {
            check_loopback(address)?;
            TcpListener::bind(address).await.map_err(|error| {
                Error::failed("the address cannot be listened on")
                    .on(address)
                    .hint("choose another with --listen, or stop what listens there")
                    .because(error)
            })?
        }
        Listen::Socket(socket) => {
            check_loopback(socket.local_addr().map_err(|error| lost(&error))?)?;
            socket
        }
    };
    let mount = super::links::Links::new(&options.mount).mount().to_owned();
    let console = routes(snapshots, options);
    let app = if mount.is_empty() {
        Route::new().nest_no_strip("/", console)
    } else {
        Route::new().nest(mount, console)
    };
    let acceptor = TcpAcceptor::from_tokio(listener).map_err(|error| lost(&error))?;
    Server::new_with_acceptor(acceptor)
        .name("snapback")
        .run_with_graceful_shutdown(app, shutdown, Some(FAREWELL))
        .await
        .map_err(|error| lost(&error))
}

fn lost(error: &io::Error) -> Error {
    Error::failed(format!("the server lost its socket ({error})")).hint("start it again")
}

fn check_loopback(address: SocketAddr) -> Result<()> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    Err(Error::new(
        crate::ErrorKind::Forbidden,
        "the console has no password, so it is served to this machine only",
    )
    .on(address)
    .hint("listen on 127.0.0.1, and reach it from elsewhere through ssh -L or a proxy that asks for a password"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_loopback_is_listened_on() {
        for address in ["127.0.0.1:7878", "127.1.2.3:0", "[::1]:7878"] {
            assert!(check_loopback(address.parse().expect("an address")).is_ok(), "{address}");
        }
        for address in ["0.0.0.0:7878", "[::]:7878", "192.168.1.4:7878"] {
            let error = check_loopback(address.parse().expect("an address")).expect_err(address);
            assert_eq!(error.thing(), address);
            assert!(!error.next_step().is_empty());
        }
    }
}
