//! Clients that are slow or silent: others are served meanwhile, and these are closed.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use snapback::web::Options;

use crate::app::App;

/// How long to wait for what has to come: far more than it needs.
const LONG: Duration = Duration::from_mins(2);

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(LONG)).expect("a timeout");
    stream.set_write_timeout(Some(LONG)).expect("a timeout");
    stream
}

/// A whole request and its whole answer.
fn get(address: &str, path: &str) -> String {
    let mut stream = connect(address);
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// Waits until the other end closes; a reset is a close too.
fn is_closed(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

fn patient_for(patience: Duration) -> Options {
    Options { patience, ..Options::default() }
}

#[test]
fn two_hundred_half_open_connections_keep_nobody_waiting_and_are_closed() {
    let app = App::new().with_events(3);
    let served = app.serve_with(patient_for(Duration::from_secs(2)));
    let address = served.base().strip_prefix("http://").expect("a base").to_owned();
    let mut slow: Vec<TcpStream> = (0..200)
        .map(|number| {
            let mut stream = connect(&address);
            // Some say nothing at all, some stop within the headers.
            let start = ["", "GET ", "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "];
            stream.write_all(start[number % 3].as_bytes()).expect("a start");
            stream
        })
        .collect();
    let page = get(&address, "/snapshots");
    assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
    for (number, stream) in slow.iter_mut().enumerate() {
        assert!(is_closed(stream), "connection {number} is still open");
    }
    assert!(get(&address, "/healthz").starts_with("HTTP/1.1 200 "));
}

#[test]
fn more_connections_than_there_is_room_for_are_served_once_the_slow_are_gone() {
    let app = App::new();
    let options = Options { connections: 4, ..patient_for(Duration::from_millis(500)) };
    let served = app.serve_with(options);
    let address = served.base().strip_prefix("http://").expect("a base").to_owned();
    let _slow: Vec<TcpStream> = (0..20).map(|_| connect(&address)).collect();
    assert!(get(&address, "/healthz").starts_with("HTTP/1.1 200 "));
}

#[test]
fn a_drip_of_headers_does_not_keep_a_connection() {
    let app = App::new();
    let served = app.serve_with(patient_for(Duration::from_millis(500)));
    let address = served.base().strip_prefix("http://").expect("a base").to_owned();
    let mut stream = connect(&address);
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n").expect("a start");
    let mut drip = stream.try_clone().expect("a second handle");
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let dripping = std::thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) && drip.write_all(b"X-Drip: 1\r\n").is_ok() {
            std::thread::park_timeout(Duration::from_millis(20));
        }
    });
    assert!(is_closed(&mut stream), "a byte now and then kept it open");
    stop.store(true, Ordering::Relaxed);
    dripping.join().expect("it ends");
}

#[test]
fn a_form_that_does_not_arrive_is_answered_and_changes_nothing() {
    let app = App::new().with_events(3);
    let served = app.serve_with(patient_for(Duration::from_millis(500)));
    let address = served.base().strip_prefix("http://").expect("a base").to_owned();
    let mut stream = connect(&address);
    write!(
        stream,
        "POST /snapshots/take HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nnote=a"
    )
    .expect("half a request");
    let mut start = [0; 12];
    stream.read_exact(&mut start).expect("an answer");
    assert_eq!(&start, b"HTTP/1.1 400");
    assert!(is_closed(&mut stream));
    assert_eq!(app.listed(), []);
}

#[test]
fn an_upload_that_falls_silent_is_answered_and_changes_nothing() {
    let app = App::new();
    let served = app.serve_with(patient_for(Duration::from_millis(500)));
    let address = served.base().strip_prefix("http://").expect("a base").to_owned();
    let field = |name: &str| format!("--b\r\nContent-Disposition: form-data; name={name}\r\n\r\n1");
    for start in [String::new(), "--b\r\nContent-".to_owned(), field("other"), field("file")] {
        let mut stream = connect(&address);
        write!(
            stream,
            "POST /snapshots/import HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\
             Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n\
             Connection: close\r\n\r\n{start}"
        )
        .expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 400 "), "{start:?}: {answer}");
        assert!(answer.contains("The upload did not arrive whole"), "{start:?}: {answer}");
    }
    assert!(app.listed().is_empty());
}
