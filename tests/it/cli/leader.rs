//! Two consoles on one store, each a process.

use std::time::{Duration, Instant};

use super::served::Console;
use super::terminal::Terminal;

fn wait(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_mins(1), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_leader_that_is_killed_is_followed_by_another_console() {
    let terminal = Terminal::new().with_notes(3);
    let serve = ["serve", "--db", "app.db", "--every-events", "2"];
    let leads = |console: &Console| console.get("/metrics").contains("snapback_schedule_leads 1");
    let taken = |console: &Console, count| {
        console.facts("/snapshots")["snapshots"].as_array().map(Vec::len) == Some(count)
    };
    let first = Console::start(&terminal, &serve);
    wait("a leader", || leads(&first));
    let second = Console::start(&terminal, &serve);
    wait("a follower", || second.get("/metrics").contains("snapback_schedule_leads 0"));
    let page = second.get("/snapshots");
    assert!(page.contains(", by another console"), "{page}");
    wait("the first one", || taken(&first, 1));
    first.signal("KILL");
    drop(first.wait());
    terminal.post("one more");
    terminal.post("and another");
    wait("one of the second console", || taken(&second, 2));
    assert!(leads(&second));
    let page = second.get("/snapshots");
    assert!(page.contains(" · next snapshot at event 7") && !page.contains("by another console"));
}
