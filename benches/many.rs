//! What one console over hundreds of databases costs: the time of its overview, and memory.
//!
//! `cargo bench --bench many -- --tenants 300 --rows 4000`. The table that it prints is Markdown.

#![allow(missing_docs, unreachable_pub, reason = "a program, not an interface")]

#[path = "support/arguments.rs"]
mod arguments;
#[path = "support/load.rs"]
mod load;
#[path = "support/tenants.rs"]
mod tenants;

use std::error::Error;
use std::time::{Duration, Instant};

use arguments::median;
use load::{BROWSER, Load};
use tenants::{Server, Tenants};

/// How long the first look at all databases may take.
const PATIENCE: Duration = Duration::from_mins(5);

fn main() -> Result<(), Box<dyn Error>> {
    if load::run_if_child()? || tenants::run_if_child()? {
        return Ok(());
    }
    let [count, rows, runs, seconds] = arguments::numbers([
        ("--tenants", 300),
        ("--rows", 4000),
        ("--runs", 3),
        ("--seconds", 3),
    ])?;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    eprintln!("generating {count} databases of {rows} rows, a snapshot of each …");
    let tenants = Tenants::generate(folder.path(), count, rows)?;
    let bytes = tenants.bytes()?;

    let server = Server::start(folder.path())?;
    let overview = Load {
        address: server.address(),
        path: "/".to_owned(),
        headers: BROWSER.to_owned(),
        connections: 1,
        requests: 20_000,
        seconds: Duration::from_secs(seconds.unsigned_abs()).as_secs_f64(),
    };
    let begin = Instant::now();
    let first = took(&overview)?;
    while unread(&overview)? > 0 {
        if begin.elapsed() > PATIENCE {
            return Err("not all databases were read".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let all_read = begin.elapsed();
    let memory = server.memory()?;

    println!(
        "{count} databases of {rows} rows, {} MB together; medians of {runs} runs of {seconds} s\n",
        bytes / 1_000_000
    );
    println!("| what | median | 99 % within |\n| --- | ---: | ---: |");
    println!("| overview, the first of all | {:.1} ms |  |", as_ms(first));
    println!("| … until all databases were read once | {:.0} ms |  |", as_ms(all_read));
    let (middle, slow) = times(&overview, runs)?;
    println!("| overview, all read | {middle:.1} ms | {slow:.1} ms |");
    let (middle, slow) = tenants.while_they_write(|| times(&overview, runs))?;
    println!("| overview, while ten of them a second write | {middle:.1} ms | {slow:.1} ms |");
    println!("\n| what is open | memory | open files |\n| --- | ---: | ---: |");
    println!("| nothing, all read once | {memory:.0} MB | |");
    for part in 1..=5_i64 {
        for number in (part - 1) * count / 5..part * count / 5 {
            let path = format!("/d/{}/snapshots", Tenants::name(number));
            let (head, _) = Load { path, ..overview.clone() }.once()?;
            if !head.starts_with("HTTP/1.1 200") {
                return Err(format!("no list: {}", head.lines().next().unwrap_or_default()).into());
            }
        }
        println!(
            "| after the lists of {} were opened | {:.0} MB | {} |",
            part * count / 5,
            server.memory()?,
            server.files()?
        );
    }
    Ok(())
}

/// How many databases were not read yet, as the overview in JSON tells.
fn unread(overview: &Load) -> Result<usize, Box<dyn Error>> {
    let headers = "Accept: application/json\r\n".to_owned();
    let (_, body) = Load { headers, ..overview.clone() }.once()?;
    let facts: serde_json::Value = serde_json::from_slice(&body)?;
    let databases = facts["databases"].as_array().ok_or("no overview")?;
    Ok(databases.iter().filter(|one| one["state"] != "ready").count())
}

/// Milliseconds of half the answers at most, and of 99 of 100, each the median of the runs.
fn times(load: &Load, runs: i64) -> Result<(f64, f64), Box<dyn Error>> {
    let runs = (0..runs).map(|_| load.run()).collect::<Result<Vec<_>, _>>()?;
    let middle = median(runs.iter().map(|served| served.median_ms).collect());
    Ok((middle, median(runs.iter().map(|served| served.slow_ms).collect())))
}

fn took(load: &Load) -> Result<Duration, Box<dyn Error>> {
    let begin = Instant::now();
    load.once()?;
    Ok(begin.elapsed())
}

fn as_ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
