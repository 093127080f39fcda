//! The end of a console: what is under way ends, or is taken back, and it says what it did.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use snapback::store::Store;

use super::served::Console;
use super::terminal::Terminal;
use crate::bucket::Bucket;

/// Waits until work is shown as under way, with some rows done.
fn wait_for_work(console: &Console) {
    wait("work under way", || console.facts("/jobs")["jobs"][0]["done"].as_u64() > Some(0));
}

fn wait(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_mins(1), "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_is_under_way_ends_before_the_console_does() {
    let terminal = Terminal::new().with_notes(3);
    let console =
        Console::start(&terminal, &["serve", "--db", "app.db", "--shutdown-timeout", "60s"]);
    // The take waits for the store's lock when all is read.
    let store = Store::directory(&terminal.file("app.db.snapback")).expect("the store");
    let lock = store.lock(Duration::from_secs(10)).expect("the lock");
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| console.post("/snapshots/take", "note=late"));
        wait_for_work(&console);
        console.signal("TERM");
        wait("a closed door", || TcpStream::connect(&console.address).is_err());
        drop(lock);
        let answer = answer.join().expect("no panic");
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    });
    let (status, said) = console.wait();
    assert_eq!(status.code(), Some(0));
    assert!(said.ends_with("stopped; finished: take\n"), "{said}");
    let list = terminal.on_app(&["list", "--json"]).json();
    assert_eq!(list["snapshots"][0]["note"], "late");
}

#[test]
fn what_takes_too_long_is_ended_with_nothing_changed() {
    let terminal = Terminal::new();
    terminal.sql(
        "INSERT INTO notes (body) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
         WHERE i < 1000000) SELECT 'a note that is long enough, number ' || i FROM n",
    );
    for signal in ["TERM", "INT"] {
        let serve = ["serve", "--db", "app.db", "--shutdown-timeout", "1ms"];
        let console = Console::start(&terminal, &serve);
        std::thread::scope(|scope| {
            let answer = scope.spawn(|| {
                let form = "POST /snapshots/take HTTP/1.0\r\nSec-Fetch-Site: same-origin\r\n";
                let mut stream = TcpStream::connect(&console.address).expect("a connection");
                write!(stream, "{form}Host: {}\r\n\r\n", console.address).expect("a request");
                let mut answer = String::new();
                // It may be cut off: that is what is tested.
                let _ = stream.read_to_string(&mut answer);
                answer
            });
            wait_for_work(&console);
            console.signal(signal);
            let answer = answer.join().expect("no panic");
            assert!(!answer.starts_with("HTTP/1.0 303"), "{answer}");
        });
        let (status, said) = console.wait();
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(said.ends_with("stopped; ended with nothing changed: take\n"), "{said}");
    }
    let list = terminal.on_app(&["list", "--json"]).json();
    assert_eq!(list["snapshots"].as_array().map(Vec::len), Some(0));
    let history = terminal.on_app(&["history", "--what", "take", "--json"]).json();
    assert_eq!(history["history"][0]["ok"], false);
}

#[test]
fn an_event_stream_ends_with_the_console() {
    let terminal = Terminal::new();
    let console = Console::start(&terminal, &["serve", "--db", "app.db"]);
    let mut stream = TcpStream::connect(&console.address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a time limit");
    write!(stream, "GET /live HTTP/1.0\r\nHost: {}\r\n\r\n", console.address).expect("a request");
    let mut first = [0; 64];
    stream.read_exact(&mut first).expect("the stream begins");
    console.signal("INT");
    stream.read_to_end(&mut Vec::new()).expect("the end of the stream");
    let (status, said) = console.wait();
    assert_eq!((status.code(), said.ends_with("stopped\n")), (Some(0), true), "{said}");
}

#[test]
fn a_slow_mirror_is_not_waited_for_for_ever_and_gets_the_rest_at_the_next_start() {
    let bucket = Bucket::new();
    let terminal = Terminal::new().with_notes(3);
    let start = |timeout: &str| {
        let mut program = terminal.program();
        program.envs(bucket.settings()).args(["serve", "--db", "app.db", "--mirror"]);
        program.args([&bucket.location(), "--shutdown-timeout", timeout]);
        Console::start_as(&mut program)
    };
    let mirrored = || bucket.open().list("snapshots/periodic").expect("a list").len();
    let console = start("100ms");
    assert!(console.post("/snapshots/take", "").starts_with("HTTP/1.1 303"));
    wait("a copy", || mirrored() == 1);
    bucket.proxy().slow_down(Duration::from_secs(2));
    let taken = || {
        let list = terminal.on_app(&["list", "--json"]).json();
        list["snapshots"].as_array().map_or(0, Vec::len)
    };
    assert!(console.post("/snapshots/take", "").starts_with("HTTP/1.1 303"));
    let asked = Instant::now();
    console.signal("TERM");
    let (status, said) = console.wait();
    assert_eq!(status.code(), Some(0));
    let left = format!("stopped; not waited for: copies to {}\n", bucket.location());
    assert!(said.ends_with(&left), "{said}");
    assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());

    bucket.proxy().slow_down(Duration::ZERO);
    assert_eq!((taken(), mirrored()), (2, 1), "the mirror lacks one");
    let console = start("60s");
    wait("the rest", || mirrored() == taken());
    console.signal("TERM");
    assert!(console.wait().1.ends_with("stopped\n"));
}
