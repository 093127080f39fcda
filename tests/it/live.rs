//! What is new, as a stream: read from a socket, as a browser does.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use poem::http::Method;
use serde_json::Value;
use snapback::web::{self, Options, PasswordHash};

use crate::app::App;
use crate::held::{Access, HeldStore};

/// How long an event may take: far more than it needs, for a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// One page that listens.
struct Listener {
    reader: BufReader<TcpStream>,
    head: String,
}

impl Listener {
    fn of(address: SocketAddr) -> Self {
        Self::with_cookie(address, "")
    }

    fn with_cookie(address: SocketAddr, cookie: &str) -> Self {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        // HTTP/1.0 has the stream end with the connection, without chunks between its lines.
        write!(stream, "GET /live HTTP/1.0\r\nHost: {address}\r\nCookie: {cookie}\r\n\r\n")
            .expect("a request");
        let mut listener = Self { reader: BufReader::new(stream), head: String::new() };
        loop {
            let line = listener.line();
            if line.is_empty() {
                return listener;
            }
            listener.head += &line;
            listener.head.push('\n');
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("a line in time");
        line.trim_end().to_owned()
    }

    /// The facts of the next event of that name for which the condition holds.
    fn wait(&mut self, name: &str, condition: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        let wanted = format!("event: {name}");
        while start.elapsed() < PATIENCE {
            if self.line() == wanted {
                let data = self.line();
                let data = data.strip_prefix("data: ").expect("an event with facts");
                let facts = serde_json::from_str(data).expect("facts in JSON");
                if condition(&facts) {
                    return facts;
                }
            }
        }
        panic!("no such event: {name}");
    }
}

#[test]
fn the_position_moves_with_the_application() {
    let app = App::new().with_events(3);
    let served = app.serve();
    let mut listener = Listener::of(served.address());
    assert!(listener.head.contains("content-type: text/event-stream"), "{}", listener.head);
    assert!(listener.head.contains("cache-control: no-store"), "{}", listener.head);
    let told = listener.wait("now", |told| told["position"] == "3");
    assert!(told["place"].as_str().expect("markup").contains("app.db"), "{told}");
    app.events(2);
    listener.wait("now", |told| told["position"] == "5");
}

#[test]
fn a_snapshot_of_another_console_is_told_by_name() {
    let app = App::new().with_events(3);
    let first = app.take("here").to_string();
    let served = app.serve();
    let mut listener = Listener::of(served.address());
    listener.wait("list", |told| told["newest"] == serde_json::json!([first]));
    let taken = app.reopen().take(None, "somebody else").expect("a snapshot").snapshot();
    let told = listener.wait("list", |told| told["total"] == 2);
    assert_eq!(told["newest"], serde_json::json!([taken.to_string(), first]));
}

#[test]
fn work_under_way_is_told_to_every_page() {
    let store = HeldStore::default();
    let app = App::new().with_events(3).store_over(Arc::new(store.clone()));
    let served = app.serve();
    let mut listener = Listener::of(served.address());
    listener.wait("jobs", |told| told.as_array().is_some_and(Vec::is_empty));
    let hold = store.hold(Access::Write, "packs/");
    let address = served.address();
    let mut stream = TcpStream::connect(address).expect("a connection");
    write!(
        stream,
        "POST /snapshots/take HTTP/1.0\r\nHost: {address}\r\nOrigin: http://{address}\r\n\r\n"
    )
    .expect("a request");
    listener.wait("jobs", |told| told.as_array().is_some_and(|names| names.len() == 1));
    drop(hold);
    listener.wait("jobs", |told| told.as_array().is_some_and(Vec::is_empty));
}

#[test]
fn a_server_that_stops_ends_its_streams() {
    let served = App::new().serve();
    let mut stream = TcpStream::connect(served.address()).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    write!(stream, "GET /live HTTP/1.1\r\nHost: {}\r\n\r\n", served.address()).expect("sent");
    let mut start = [0; 12];
    stream.read_exact(&mut start).expect("an answer");
    assert_eq!(&start, b"HTTP/1.1 200");
    drop(served);
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("the rest of it");
    // A stream that is torn off has no last chunk.
    assert!(rest.ends_with("\r\n0\r\n\r\n"), "{rest}");
}

#[test]
fn more_pages_than_may_listen_are_asked_to_come_back() {
    let app = App::new();
    let options = Options { connections: 2, ..Options::default() };
    let served = app.serve_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options);
    let first = Listener::of(served.address());
    assert!(first.head.starts_with("HTTP/1.0 200"), "{}", first.head);
    let second = Listener::of(served.address());
    assert!(second.head.starts_with("HTTP/1.0 503"), "{}", second.head);
    assert!(second.head.contains("retry-after: "), "{}", second.head);
    drop((first, second));
    let start = Instant::now();
    while !Listener::of(served.address()).head.starts_with("HTTP/1.0 200") {
        assert!(start.elapsed() < PATIENCE, "the place of one that left stays taken");
    }
}

#[test]
fn listening_changes_nothing_and_another_host_hears_nothing() {
    let client = App::new().client();
    assert_eq!(client.call(Method::POST, "/live").send().status, 405);
    let stranger = client.bare(Method::GET, "/live").header("Host", "evil.example").send();
    assert_eq!(stranger.status, 403);
}

#[test]
fn a_stream_ends_when_its_session_logs_out_and_no_other_does() {
    let app = App::new().with_events(3);
    let password = Some(PasswordHash::of("a password").expect("a hash"));
    let access = web::Access { password, ..web::Access::default() };
    let served = app.serve_with(Options { access, ..Options::default() });
    let send = |path: &str, cookie: &str, form: &str| {
        let mut stream = TcpStream::connect(served.address()).expect("a connection");
        write!(
            stream,
            "POST {path} HTTP/1.0\r\nHost: {}\r\nSec-Fetch-Site: same-origin\r\nCookie: {cookie}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            served.address(),
            form.len()
        )
        .expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    };
    let log_in = || {
        let answer = send("/login", "", "password=a+password");
        let cookie = answer.split("set-cookie: ").nth(1).expect("a cookie");
        cookie.split(';').next().expect("its value").to_owned()
    };
    let (leaves, stays) = (log_in(), log_in());
    let mut left = Listener::with_cookie(served.address(), &leaves);
    let mut other = Listener::with_cookie(served.address(), &stays);
    left.wait("now", |_| true);
    send("/logout", &leaves, "");
    let mut rest = String::new();
    left.reader.read_to_string(&mut rest).expect("the end of the stream in time");
    app.events(1);
    other.wait("now", |told| told["position"] == "4");
}
