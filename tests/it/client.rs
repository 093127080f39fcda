//! The console over HTTP: in this process without a socket, and served on one.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::thread::JoinHandle;
use std::time::Duration;

use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderMap, Method};
use poem::test::{TestClient, TestForm, TestRequestBuilder};
use poem::{EndpointExt, Response, Route};
use snapback::web::{self, Options};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::app::App;

/// The Host that requests of the client in this process name.
pub(crate) const HOST: &str = "127.0.0.1:7878";

/// The console's routes in this process. Calls block, as everything else in tests does.
pub(crate) struct Client {
    runtime: Runtime,
    client: TestClient<BoxEndpoint<'static, Response>>,
}

/// A request that is being put together.
pub(crate) struct Call<'c> {
    runtime: &'c Runtime,
    request: TestRequestBuilder<'c, BoxEndpoint<'static, Response>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// A client of any endpoint.
    pub(crate) fn of(endpoint: BoxEndpoint<'static, Response>) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        Self { runtime, client: TestClient::new(endpoint) }
    }

    /// A request to `path` with the headers of a browser on the same site.
    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        let request = self
            .client
            .request(method, path)
            .header("Host", HOST)
            .header("Sec-Fetch-Site", "same-origin");
        Call { runtime: &self.runtime, request }
    }

    /// A request without any header.
    pub(crate) fn bare(&self, method: Method, path: &str) -> Call<'_> {
        Call { runtime: &self.runtime, request: self.client.request(method, path) }
    }

    /// Asks for a page.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path).send()
    }

    /// Asks for a page's facts as JSON.
    pub(crate) fn json(&self, path: &str) -> serde_json::Value {
        self.call(Method::GET, path).wants_json().send().json()
    }

    /// Sends a form.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.call(Method::POST, path).form(fields).send()
    }
}

impl Call<'_> {
    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// As a program asks.
    pub(crate) fn wants_json(self) -> Self {
        self.header("Accept", "application/json")
    }

    /// As htmx asks.
    pub(crate) fn by_htmx(self) -> Self {
        self.header("HX-Request", "true")
    }

    /// Adds a form's fields, in order; names may repeat.
    pub(crate) fn form(mut self, fields: &[(&str, &str)]) -> Self {
        self.request = self.request.form(&fields);
        self
    }

    /// Adds a file as an upload in the field `name`.
    pub(crate) fn upload(mut self, name: &str, file_name: &str, content: Vec<u8>) -> Self {
        let field = poem::test::TestFormField::bytes(content).name(name).filename(file_name);
        self.request = self.request.multipart(TestForm::new().field(field));
        self
    }

    /// Sends these bytes as they are, without saying how many.
    pub(crate) fn raw(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = poem::Body::from_async_read(std::io::Cursor::new(body.into()));
        self.request = self.request.content_type(media_type).body(body);
        self
    }

    /// Sends it.
    pub(crate) fn send(self) -> Answer {
        self.runtime.block_on(async {
            let answer = self.request.send().await.0;
            let (parts, body) = answer.into_parts();
            let body = body.into_vec().await.expect("a body");
            Answer { status: parts.status.as_u16(), headers: parts.headers, body }
        })
    }
}

impl Answer {
    /// A header's value; empty when there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header in ASCII"))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("a body in UTF-8")
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Options of a console whose pages wait for the outcome of work, however busy the machine is.
pub(crate) fn patient() -> Options {
    Options { grace: Duration::from_mins(10), ..Options::default() }
}

/// A console served in a thread of its own. Dropping it lets requests under way end, then stops.
pub(crate) struct Served {
    address: SocketAddr,
    base: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// When a server is to stop.
pub(crate) type Stopped = Pin<Box<dyn Future<Output = ()> + Send>>;

impl App {
    /// A client of the console's routes, in this process.
    pub(crate) fn client(&self) -> Client {
        self.client_with(patient())
    }

    /// The same with other options; nested in another application where they name a mount path.
    pub(crate) fn client_with(&self, options: Options) -> Client {
        let mount = options.mount.clone();
        let routes = web::routes(self.snapshots(), options).boxed();
        let routes = match mount.as_str() {
            "" => routes,
            mount => Route::new().nest(mount, routes).map_to_response().boxed(),
        };
        Client::of(routes)
    }

    /// Serves the console on a free port.
    pub(crate) fn serve(&self) -> Served {
        self.serve_with(Options::default())
    }

    /// The same with other options.
    pub(crate) fn serve_with(&self, options: Options) -> Served {
        self.serve_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options)
    }

    /// Serves the console at an address, with options.
    pub(crate) fn serve_at(&self, address: SocketAddr, options: Options) -> Served {
        let snapshots = self.snapshots();
        Served::start(address, |socket, stopped| web::serve(snapshots, socket, options, stopped))
    }
}

impl Served {
    /// Has `serve` serve at an address until this is dropped.
    pub(crate) fn start<F: Future<Output = snapback::Result<web::Farewell>>>(
        address: SocketAddr,
        serve: impl FnOnce(TcpListener, Stopped) -> F + Send + 'static,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = Runtime::new().expect("a runtime");
            runtime.block_on(async {
                let socket = TcpListener::bind(address).await.expect("a free port");
                tell.send(socket.local_addr().expect("an address")).expect("a test that listens");
                let stopped = Box::pin(async move { drop(stopped.await) });
                serve(socket, stopped).await.expect("served");
            });
        });
        let address = told.recv().expect("the server's address");
        Self { address, base: format!("http://{address}"), stop: Some(stop), thread: Some(thread) }
    }
}

impl Served {
    /// Where it is served: scheme, host and port.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The same without the scheme.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
