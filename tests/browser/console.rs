//! The program under test beside the window that looks at it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use snapback::web::Options;

use super::Browser;
use super::gate::Gate;
use crate::app::App;
use crate::client::Served;

/// A served application and a window on its list of snapshots.
pub(crate) struct Console {
    pub(crate) browser: Browser,
    pub(crate) base: String,
    pub(crate) app: App,
    address: SocketAddr,
    server: Option<Served>,
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
        let server = app.serve();
        let gate = Gate::before(server.address());
        (Self::look(app, server, gate.base().to_owned(), Browser::new()), gate)
    }

    fn with(browser: Browser) -> Self {
        Self::show(App::new().with_events(40), browser)
    }

    fn show(app: App, browser: Browser) -> Self {
        let server = app.serve();
        let base = server.base().to_owned();
        Self::look(app, server, base, browser)
    }

    fn look(app: App, server: Served, base: String, browser: Browser) -> Self {
        browser.goto(&format!("{base}/snapshots"));
        browser.wait_for("#list");
        Self { browser, base, app, address: server.address(), server: Some(server) }
    }

    /// The server stops.
    pub(crate) fn go_away(&mut self) {
        self.server = None;
    }

    /// The server is there again, where it was.
    pub(crate) fn come_back(&mut self) {
        self.server = Some(self.app.serve_at(self.address, Options::default()));
    }

    /// Sends a form without fields, as another page would, and waits for the answer.
    pub(crate) fn post(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("a connection");
        write!(
            stream,
            "POST {path} HTTP/1.0\r\nHost: {0}\r\nOrigin: {1}\r\n\r\n",
            self.address, self.base
        )
        .expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
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
