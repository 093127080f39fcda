//! How often a second the list of snapshots is answered, beside the stack of the system that
//! Snapback re-creates.
//!
//! `cargo bench --bench list -- --snapshots 2000 --runs 5`. The table that it prints is Markdown.

#![allow(missing_docs, unreachable_pub, reason = "a program, not an interface")]

#[path = "support/arguments.rs"]
mod arguments;
#[path = "support/console.rs"]
mod console;
#[path = "support/load.rs"]
mod load;
#[path = "support/origin.rs"]
mod origin;

use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use arguments::median;
use console::Scene;
use load::{BROWSER, Load, Served, header};
use origin::Origin;

/// The most requests of one run.
const REQUESTS: u64 = 200_000;

fn main() -> Result<(), Box<dyn Error>> {
    if load::run_if_child()? {
        return Ok(());
    }
    let [snapshots, files, runs, seconds, connections] = arguments::numbers([
        ("--snapshots", 2000),
        ("--origin-files", 1000),
        ("--runs", 5),
        ("--seconds", 3),
        ("--connections", 8),
    ])?;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let bench = Bench { runs, seconds, connections: usize::try_from(connections)? };

    eprintln!("taking {snapshots} snapshots …");
    let scene = Scene::new(folder.path(), snapshots)?;
    let begin = Instant::now();
    let listed = scene.reopen()?.list()?.snapshots.len();
    let first = begin.elapsed();
    let console = scene.serve()?;
    check(&bench.load(console, "/snapshots", ""), snapshots)?;

    let origin = match Origin::start(folder.path(), files, 1) {
        Ok(origin) => Some(origin),
        Err(reason) => {
            println!("Without the origin's stack: {reason}\n");
            None
        }
    };
    let json = "Accept: application/json\r\nAccept-Encoding: gzip\r\n";
    let part = BROWSER.replace("Sec-Fetch-Mode", "HX-Request: true\r\nSec-Fetch-Mode");
    println!(
        "{listed} snapshots; medians of {runs} runs of {seconds} s over {connections} connections; \
         the first list after a start took {:.0} ms\n",
        first.as_secs_f64() * 1000.0
    );
    println!("| what | answers a second | median | 99 % within | bytes | beside the origin |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    let beside = match &origin {
        Some(origin) => {
            let served = bench.measure(&bench.load(origin.address(), "/snapshots", BROWSER))?;
            line(&format!("the origin's stack, {files} snapshots"), &served, None);
            Some(served.per_second)
        }
        None => None,
    };
    drop(origin);
    for (what, path, headers) in [
        ("the page, as a browser gets it", "/snapshots", BROWSER),
        ("the page, not compressed", "/snapshots", ""),
        ("the rows, as htmx gets them", "/snapshots", &part),
        ("the whole list as JSON", "/snapshots", json),
        ("narrowed to a word", "/snapshots?q=release", BROWSER),
        ("nothing but the server: `/healthz`", "/healthz", BROWSER),
    ] {
        line(what, &bench.measure(&bench.load(console, path, headers))?, beside);
    }
    let page = bench.load(console, "/snapshots", BROWSER);
    let served = while_it_changes(&scene, || bench.measure(&page))?;
    line("the page, while ten transactions a second come in", &served, beside);
    Ok(())
}

struct Bench {
    runs: i64,
    seconds: i64,
    connections: usize,
}

impl Bench {
    fn load(&self, address: SocketAddr, path: &str, headers: &str) -> Load {
        let (path, headers) = (path.to_owned(), headers.to_owned());
        let seconds = Duration::from_secs(self.seconds.unsigned_abs()).as_secs_f64();
        let connections = self.connections;
        Load { address, path, headers, connections, requests: REQUESTS, seconds }
    }

    /// The run whose answers a second are the median.
    fn measure(&self, load: &Load) -> Result<Served, Box<dyn Error>> {
        let runs = (0..self.runs).map(|_| load.run()).collect::<Result<Vec<_>, _>>()?;
        let middle = median(runs.iter().map(|served| served.per_second).collect());
        let of_middle = |served: &&Served| served.per_second.total_cmp(&middle).is_eq();
        runs.iter().find(of_middle).cloned().ok_or_else(|| "no run".into())
    }
}

/// What is measured is the page: its first rows, and word of how many there are.
fn check(load: &Load, snapshots: i64) -> Result<(), Box<dyn Error>> {
    let (_, page) = load.once()?;
    let page = String::from_utf8(page)?;
    let rows = page.matches("<tr class=\"snapshot\"").count();
    let told = page.contains(&format!("data-total=\"{snapshots}\""));
    let (head, _) = Load { headers: BROWSER.to_owned(), ..load.clone() }.once()?;
    let compressed = header(&head, "content-encoding") == Some("gzip");
    if told && rows > 0 && page.contains("</html>") && compressed {
        return Ok(());
    }
    Err(format!("the page is not the list of {snapshots} snapshots: {rows} rows").into())
}

/// Measures while the application writes.
fn while_it_changes<T>(
    scene: &Scene,
    measure: impl FnOnce() -> Result<T, Box<dyn Error>>,
) -> Result<T, Box<dyn Error>> {
    let mut application = scene.application()?;
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let writer = std::thread::spawn(move || -> rusqlite::Result<()> {
        let pause = Duration::from_millis(100);
        let mut round = 0;
        while stopped.recv_timeout(pause) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            round += 1;
            console::events(&mut application, round, jiff::Timestamp::now())?;
        }
        Ok(())
    });
    let measured = measure();
    drop(stop);
    writer.join().map_err(|_| "the writer panicked")??;
    measured
}

fn line(what: &str, served: &Served, origin: Option<f64>) {
    let Served { per_second, bytes, median_ms, slow_ms } = served;
    let beside = origin.map_or_else(String::new, |origin| format!("{:.0}", per_second / origin));
    println!(
        "| {what} | {per_second:.0} | {median_ms:.1} ms | {slow_ms:.1} ms | {bytes} | {beside} |"
    );
}
