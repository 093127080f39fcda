//! Serving the console on its own address.
//!
//! The loop that accepts connections is our own because poem's has no deadline for a request's
//! headers and no bound on connections: a client that sends a byte a minute would keep both.

mod farewell;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use poem::endpoint::BoxEndpoint;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Endpoint, EndpointExt, Response, Route};
use tokio::net::{TcpListener, TcpStream};
use tokio::spawn;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::console::App;
use super::{Options, database, guard, schedule, several};
use crate::error::{Error, ErrorKind, Result};
use crate::many::Databases;
use crate::snapshot::Snapshots;

pub use farewell::Farewell;

/// How long to wait after a connection could not be accepted: as a rule there is no file handle
/// left, and asking again at once would only spin.
const RETRY: Duration = Duration::from_millis(50);

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

/// Serves the console until `shutdown` is ready. Then nothing new is accepted, streams end, and what
/// is under way has `options.farewell` to end; what takes longer is ended with nothing changed. The
/// answer says what became of it.
///
/// # Errors
///
/// An address beyond the loopback is refused while `options.access` asks for neither a password nor
/// a token: whoever reaches the console can read and change the database. An address that cannot
/// be bound is an error too.
pub async fn serve(
    snapshots: Snapshots,
    listen: impl Into<Listen>,
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> Result<Farewell> {
    let mut background = Background::default();
    if let Some(every) = options.verify_every {
        background.begin(|stop| schedule::verify(snapshots.clone(), every, stop));
    }
    if snapshots.is_scheduled() {
        background.begin(|stop| schedule::take(snapshots.clone(), stop));
    }
    let app = App::only(snapshots, options);
    let console = guard::Guarded::new(app.clone(), database());
    run(listen.into(), &app, console, background, shutdown).await
}

/// Serves the console of several databases until `shutdown` is ready, as [`serve`] does.
///
/// # Errors
///
/// As of [`serve`]. A database that cannot be opened is none: the overview tells of it.
pub async fn serve_many(
    databases: Databases,
    listen: impl Into<Listen>,
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> Result<Farewell> {
    let mut background = Background::default();
    if let Some(every) = options.verify_every {
        background.begin(|stop| schedule::verify_each(databases.clone(), every, stop));
    }
    background.begin(|stop| schedule::take_each(databases.clone(), stop));
    let app = App::overview(databases, options);
    let console = several(app.clone());
    run(listen.into(), &app, console, background, shutdown).await
}

/// What goes on in the background. Dropped, it ends.
#[derive(Default)]
struct Background {
    /// Asks it to begin nothing more.
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Background {
    fn begin<T: Future<Output = ()> + Send + 'static>(
        &mut self,
        task: impl FnOnce(CancellationToken) -> T,
    ) {
        self.tasks.push(spawn(task(self.stop.clone())));
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn run(
    listen: Listen,
    app: &App,
    console: impl Endpoint<Output = Response> + 'static,
    mut background: Background,
    shutdown: impl Future<Output = ()>,
) -> Result<Farewell> {
    let options = &app.site.options;
    let listener = listener(listen, options.access.is_guarded()).await?;
    let patience = options.patience;
    let permits = Arc::new(Semaphore::new(options.connections.max(1)));
    let mount = app.links.mount().to_owned();
    let console: BoxEndpoint<'static, Response> =
        if mount.is_empty() { console.boxed() } else { Route::new().nest(mount, console).boxed() };
    let console = Arc::new(console);
    let connections = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        match accepted {
            Ok((stream, remote, permit)) => {
                let talk =
                    converse(stream, remote, console.clone(), connections.watcher(), patience);
                spawn(async move {
                    talk.await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
    drop(listener);
    background.stop.cancel();
    // A stream of what is new has no end of its own.
    app.site.listeners.end();
    let tasks = std::mem::take(&mut background.tasks);
    let farewell = farewell::wait(app, connections, tasks, app.site.options.farewell).await;
    tracing::info!(%farewell, "the server has stopped");
    Ok(farewell)
}

async fn listener(listen: Listen, guarded: bool) -> Result<TcpListener> {
    match listen {
        Listen::Address(address) => {
            check_reach(address, guarded)?;
            TcpListener::bind(address).await.map_err(|error| {
                Error::failed("the address cannot be listened on")
                    .on(address)
                    .hint("choose another with --listen, or stop what listens there")
                    .because(error)
            })
        }
        Listen::Socket(socket) => {
            let address = socket.local_addr().map_err(|error| {
                Error::failed("the socket does not listen")
                    .hint("hand over one that is bound")
                    .because(error)
            })?;
            check_reach(address, guarded)?;
            Ok(socket)
        }
    }
}

/// Beyond this machine the console is for those only who can say who they are.
fn check_reach(address: SocketAddr, guarded: bool) -> Result<()> {
    if guarded || address.ip().is_loopback() {
        return Ok(());
    }
    let what = "the console has no password, so it is served to this machine only";
    Err(Error::new(ErrorKind::Forbidden, what).on(address).hint(
        "set a password (`snapback password`), or listen on 127.0.0.1 and reach it from elsewhere \
         through ssh -L",
    ))
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = permits.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, remote) = listener.accept().await?;
    Ok((stream, remote, permit))
}

/// Answers the requests of one connection, from the first to the last.
async fn converse(
    stream: TcpStream,
    remote: SocketAddr,
    console: Arc<BoxEndpoint<'static, Response>>,
    watcher: Watcher,
    patience: Duration,
) {
    let Ok(local) = stream.local_addr() else { return };
    let answer = service_fn(move |request: hyper::Request<Incoming>| {
        let console = console.clone();
        let from = RemoteAddr(remote.into());
        let request = (request, LocalAddr(local.into()), from, Scheme::HTTP);
        async move {
            let response = console.get_response(request.into()).await;
            Ok::<hyper::Response<_>, Infallible>(response.into())
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .serve_connection(TokioIo::new(stream), answer);
    // A connection that breaks is the client's affair.
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, %remote, "a connection broke");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::database::{Database, EventOptions};
    use crate::snapshot;
    use crate::store::Store;

    fn snapshots() -> Snapshots {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("chat.db");
        let live = rusqlite::Connection::open(&path).expect("a database");
        live.execute_batch("CREATE TABLE events(id INTEGER PRIMARY KEY)").expect("a table");
        let database = Database::open(&path, &EventOptions::default()).expect("a database");
        Snapshots::open(database, Store::memory(), snapshot::Options::default()).expect("snapshots")
    }

    #[test]
    fn a_server_that_is_asked_to_stop_answers_what_was_asked_and_ends() {
        let snapshots = snapshots();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let socket = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
            let address = socket.local_addr().expect("an address");
            let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
            let shutdown = async { stopped.await.unwrap_or_default() };
            let options = Options { mount: "/admin".to_owned(), ..Options::default() };
            let server = spawn(serve(snapshots, socket, options, shutdown));
            let mut client = TcpStream::connect(address).await.expect("a connection");
            let request = "GET /admin/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
            client.write_all(request.as_bytes()).await.expect("sent");
            let mut start = [0; 15];
            client.read_exact(&mut start).await.expect("an answer");
            assert_eq!(&start, b"HTTP/1.1 200 OK");
            stop.send(()).expect("a server");
            server.await.expect("no panic").expect("a good end");
            assert!(TcpStream::connect(address).await.is_err());
        });
    }

    #[test]
    fn only_a_console_that_asks_who_it_is_listens_beyond_the_loopback() {
        for address in ["127.0.0.1:7878", "127.1.2.3:0", "[::1]:7878"] {
            assert!(check_reach(address.parse().expect("an address"), false).is_ok(), "{address}");
        }
        for address in ["0.0.0.0:7878", "[::]:7878", "192.168.1.4:7878"] {
            let address_of = address.parse().expect("an address");
            assert!(check_reach(address_of, true).is_ok(), "{address}");
            let error = check_reach(address_of, false).expect_err(address);
            assert_eq!(error.thing(), address);
            assert!(!error.next_step().is_empty());
        }
    }
}
