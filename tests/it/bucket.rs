//! A bucket for tests: on an S3 server in this process, or on the one that the environment names.
//!
//! With `SNAPBACK_S3_ENDPOINT` set, every test works in a prefix of its own in the bucket
//! `SNAPBACK_S3_BUCKET` there, with `SNAPBACK_S3_KEY`, `SNAPBACK_S3_SECRET` and
//! `SNAPBACK_S3_REGION`. Either way the server is reached through a [`Proxy`].

use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicU32, Ordering};

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use snapback::store::Store;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::proxy::Proxy;

const KEY: &str = "snapback";
const SECRET: &str = "a secret of no worth";
const BUCKET: &str = "bucket";

/// A bucket's prefix that nobody else uses.
pub(crate) struct Bucket {
    proxy: Proxy,
    server: Option<Server>,
    prefix: String,
}

/// The server in this process, its objects in a folder.
struct Server {
    folder: TempDir,
    address: SocketAddr,
    running: Option<Runtime>,
}

impl Bucket {
    pub(crate) fn new() -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let counter = COUNTER.fetch_add(1, Ordering::Relaxed);
        let started = jiff::Timestamp::now().as_millisecond();
        let prefix = format!("{started}-{}-{counter}", std::process::id());
        let (address, server) = if let Some(endpoint) = setting("ENDPOINT") {
            (outside(&endpoint), None)
        } else {
            let server = Server::start();
            (server.address, Some(server))
        };
        Self { proxy: Proxy::to(address), server, prefix }
    }

    /// Where the store is.
    pub(crate) fn location(&self) -> String {
        format!("s3://{}/{}", setting("BUCKET").as_deref().unwrap_or(BUCKET), self.prefix)
    }

    /// How to reach it: what the environment says to the program.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        let or = |name: &str, usual: &str| setting(name).unwrap_or_else(|| usual.to_owned());
        let settings = [
            ("AWS_ENDPOINT", format!("http://{}", self.proxy.address())),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", or("KEY", KEY)),
            ("AWS_SECRET_ACCESS_KEY", or("SECRET", SECRET)),
            ("AWS_REGION", or("REGION", "us-east-1")),
        ];
        settings.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// Opens the store, as one more machine would.
    pub(crate) fn open(&self) -> Store {
        Store::open_with(&self.location(), &self.settings()).expect("a store")
    }

    /// The same, giving up soon: for tests in which nothing fails in passing.
    pub(crate) fn open_impatiently(&self) -> Store {
        self.open_with("SNAPBACK_STORE_PATIENCE", "1")
    }

    /// The same, with one more setting.
    pub(crate) fn open_with(&self, name: &str, value: &str) -> Store {
        let mut settings = self.settings();
        settings.push((name.to_owned(), value.to_owned()));
        Store::open_with(&self.location(), &settings).expect("a store")
    }

    /// What lies between the store and the server.
    pub(crate) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// Kills the server with all it is doing. One that is not ours is cut off.
    pub(crate) fn kill(&mut self) {
        match &mut self.server {
            Some(server) => server.kill(),
            None => self.proxy.cut_off(),
        }
    }

    /// Starts the server again, on what it had stored.
    pub(crate) fn revive(&mut self) {
        match &mut self.server {
            Some(server) => server.run(),
            None => self.proxy.reconnect(),
        }
    }
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut server = Self { folder, address: free, running: None };
        server.run();
        server
    }

    fn run(&mut self) {
        let mut service =
            S3ServiceBuilder::new(FileSystem::new(self.folder.path()).expect("a file system"));
        service.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind(self.address)).expect("an address");
        self.address = listener.local_addr().expect("an address");
        runtime.spawn(serve(listener, service.build()));
        self.running = Some(runtime);
    }

    fn kill(&mut self) {
        if let Some(runtime) = self.running.take() {
            // Waits for what is being written to disk right now, and closes every connection.
            drop(runtime);
        }
    }
}

async fn serve(listener: TcpListener, service: S3Service) {
    while let Ok((stream, _)) = listener.accept().await {
        let connection =
            http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
        tokio::spawn(async move {
            // A client that leaves early is nothing to the server.
            let _ = connection.await;
        });
    }
}

fn setting(name: &str) -> Option<String> {
    std::env::var(format!("SNAPBACK_S3_{name}")).ok()
}

/// The address in `http://host:port`.
fn outside(endpoint: &str) -> SocketAddr {
    let host = endpoint.strip_prefix("http://").expect("an http:// endpoint");
    let mut addresses = host.to_socket_addrs().expect("an address");
    addresses.next().expect("an address")
}
