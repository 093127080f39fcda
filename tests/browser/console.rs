//! The program under test beside the window that looks at it.

use std::net::Ipv4Addr;
use std::sync::mpsc::channel;

use snapback::web;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use super::Browser;
use super::gate::Gate;
use crate::app::App;

/// A served application and a window on its list of snapshots.
pub(crate) struct Console {
    pub(crate) browser: Browser,
    pub(crate) base: String,
    pub(crate) app: App,
    _server: Runtime,
}

impl Console {
    /// The list of an application with some events and no snapshot.
    pub(crate) fn open() -> Self {
        Self::with(Browser::new())
    }

    /// The same for a browser that runs no script.
    pub(crate) fn without_javascript() -> Self {
        Self::with(Browser::javascript_off())
    }

    /// The list with up to three snapshots, taken with keys, and with events after each.
    pub(crate) fn with_snapshots(count: usize) -> Self {
        let console = Self::open();
        for note in ["the first", "the second", "the third"].iter().take(count) {
            console.take(note);
            console.more_events();
        }
        console
    }

    /// The console of an application of the test's own.
    pub(crate) fn of(app: App) -> Self {
        Self::show(app, Browser::new())
    }

    /// The same for a browser that runs no script.
    pub(crate) fn of_without_javascript(app: App) -> Self {
        Self::show(app, Browser::javascript_off())
    }

    /// The list, reached through a gate that the test shuts and opens.
    pub(crate) fn behind_a_gate() -> (Self, Gate) {
        let app = App::new().with_events(40);
        let (server, base) = serve(&app);
        let gate = Gate::before(&server, &base);
        let browser = Browser::new();
        browser.goto(&format!("{}/snapshots", gate.base()));
        browser.wait_for("#list");
        (Self { browser, base: gate.base().to_owned(), app, _server: server }, gate)
    }

    fn with(browser: Browser) -> Self {
        Self::show(App::new().with_events(40), browser)
    }

    fn show(app: App, browser: Browser) -> Self {
        let (server, base) = serve(&app);
        browser.goto(&format!("{base}/snapshots"));
        browser.wait_for("#list");
        Self { browser, base, app, _server: server }
    }

    /// The application goes on: the database moves away from every snapshot.
    pub(crate) fn more_events(&self) {
        self.app.events(7);
    }

    /// Takes a snapshot with keys and gives back its id, the focus on its button.
    pub(crate) fn take(&self, note: &str) -> String {
        let before = self.browser.count("tr.snapshot");
        self.browser.press("t");
        self.browser.wait_focus("#tool input[name=note]");
        self.browser.type_text(note);
        self.browser.press("Enter");
        self.browser.wait_until("one more row", |browser| browser.count("tr.snapshot") > before);
        self.browser.wait_focus("tr.snapshot button.open");
        self.newest()
    }

    /// The id of the newest snapshot in the list.
    pub(crate) fn newest(&self) -> String {
        self.browser.attribute("tr.snapshot", "data-id").expect("a snapshot in the list")
    }

    /// Opens the newest snapshot's preview with keys.
    pub(crate) fn preview(&self) -> String {
        self.browser.press("g");
        self.browser.press("g");
        self.browser.press("o");
        let id = self.newest();
        self.browser.wait_for(&format!("[id$='-{id}'].preview .pane"));
        id
    }
}

/// Serves the application's console on a free port for as long as the runtime lives.
fn serve(app: &App) -> (Runtime, String) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let snapshots = app.snapshots();
    let (tell, told) = channel();
    runtime.spawn(async move {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        tell.send(socket.local_addr().expect("an address")).expect("somebody waits for it");
        let never = std::future::pending::<()>();
        web::serve(snapshots, socket, web::Options::default(), never).await.expect("a server");
    });
    let address = told.recv().expect("the server's address");
    (runtime, format!("http://{address}"))
}
