//! What the verbs cost on a database of a given size, beside plain SQLite on the same machine.
//!
//! `cargo bench --bench verbs -- --mb 500 --runs 3`. The table that it prints is Markdown.

#![allow(missing_docs, unreachable_pub, reason = "a program, not an interface")]

#[path = "support/arguments.rs"]
mod arguments;
#[path = "support/baseline.rs"]
mod baseline;
#[path = "support/generate.rs"]
mod generate;
#[path = "support/verb.rs"]
mod verb;

use std::error::Error;
use std::path::{Path, PathBuf};

use arguments::median;
use verb::{Cost, Verb};

fn main() -> Result<(), Box<dyn Error>> {
    if verb::run_if_child()? {
        return Ok(());
    }
    let [megabytes, runs] = arguments::numbers([("--mb", 100), ("--runs", 3)])?;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let bench = Bench { folder: folder.path().to_owned(), runs };
    eprintln!("generating {megabytes} MB …");
    let rows = generate::generate(&bench.database(), megabytes)?;
    bench.run(rows)
}

struct Bench {
    folder: PathBuf,
    runs: i64,
}

impl Bench {
    fn database(&self) -> PathBuf {
        self.folder.join("app.db")
    }

    fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    fn run(&self, rows: i64) -> Result<(), Box<dyn Error>> {
        let database = self.database();
        let copy = self.folder.join("copy.db");
        let bytes = std::fs::metadata(&database)?.len();

        eprintln!("plain SQLite on {} MB, {rows} rows …", bytes / 1_000_000);
        let vacuum = self.copies(|| baseline::vacuum_into(&database, &copy))?;
        let backup = self.copies(|| baseline::backup(&database, &copy))?;
        baseline::vacuum_into(&database, &copy)?;
        let reload = median(self.times(|_| Ok(baseline::clear_and_reload(&database, &copy)?))?);
        std::fs::remove_file(&copy)?;

        eprintln!("first take …");
        let first = self.times(|_| {
            let _ = std::fs::remove_dir_all(self.store());
            Verb::Take.run(&database, &self.store())
        })?;
        let store_bytes = size_of(&self.store())?;
        let target = first.last().and_then(|cost| cost.snapshot.clone()).ok_or("nothing taken")?;

        eprintln!("take after drift …");
        let mut added = Vec::new();
        let again = self.times(|run| {
            generate::drift(&database, run + 1)?;
            let before = size_of(&self.store())?;
            let cost = Verb::Take.run(&database, &self.store())?;
            added.push(size_of(&self.store())?.saturating_sub(before));
            Ok(cost)
        })?;
        // One drift away from the target, whatever the takes above have added.
        Verb::Restore(&target).run(&database, &self.store())?;

        eprintln!("preview and restore after drift …");
        let mut previews = Vec::new();
        let restores = self.times(|run| {
            // As it is where snapshots are taken on a schedule: the newest is one drift away.
            Verb::Take.run(&database, &self.store())?;
            generate::drift(&database, run + 101)?;
            previews.push(Verb::Preview(&target).run(&database, &self.store())?);
            Verb::Restore(&target).run(&database, &self.store())
        })?;

        eprintln!("verify and prune …");
        let verify = self.times(|_| Verb::Verify.run(&database, &self.store()))?;
        let prune = self.times(|_| Verb::Prune.run(&database, &self.store()))?;
        check(&database)?;

        let lock = median(restores.iter().map(|cost| as_float(cost.lock_ms)).collect());
        let differing = restores.first().map_or(0, |cost| cost.rows);
        println!(
            "{} MB, {rows} rows, a drift leaves {differing} projected rows different; medians of {}\n",
            bytes / 1_000_000,
            self.runs
        );
        println!(
            "| what | median | beside | ratio | peak memory |\n| --- | ---: | --- | ---: | ---: |"
        );
        line("`VACUUM INTO`", vacuum, "itself", vacuum, None);
        line("backup API", backup, "`VACUUM INTO`", vacuum, None);
        line("clear and reload", reload, "itself", reload, None);
        verb_line("first take", &first, "`VACUUM INTO`", vacuum);
        verb_line("take after drift", &again, "`VACUUM INTO`", vacuum);
        verb_line("preview after drift", &previews, "`VACUUM INTO`", vacuum);
        verb_line("restore after drift", &restores, "clear and reload", reload);
        line("… of which writers wait", lock, "clear and reload", reload, None);
        verb_line("verify all snapshots", &verify, "`VACUUM INTO`", vacuum);
        verb_line("prune", &prune, "`VACUUM INTO`", vacuum);
        let added = median(added.into_iter().map(as_float).collect());
        println!("\n| bytes | size | of the database |\n| --- | ---: | ---: |");
        bytes_line("store after the first take", as_float(store_bytes), bytes);
        bytes_line("added by a take after drift", added, bytes);
        Ok(())
    }

    /// Runs something as often as asked.
    fn times<T>(
        &self,
        mut measured: impl FnMut(i64) -> Result<T, Box<dyn Error>>,
    ) -> Result<Vec<T>, Box<dyn Error>> {
        (0..self.runs).map(&mut measured).collect()
    }

    /// The median time of making a copy, each in a new file.
    fn copies(
        &self,
        mut copy: impl FnMut() -> rusqlite::Result<f64>,
    ) -> Result<f64, Box<dyn Error>> {
        let file = self.folder.join("copy.db");
        let times = self.times(|_| {
            let time = copy()?;
            std::fs::remove_file(&file)?;
            Ok(time)
        })?;
        Ok(median(times))
    }
}

/// That the database is whole after all that was done to it.
fn check(database: &Path) -> Result<(), Box<dyn Error>> {
    let connection = rusqlite::Connection::open(database)?;
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(format!("the database is damaged: {found}").into()) }
}

fn verb_line(what: &str, costs: &[Cost], beside: &str, other: f64) {
    let time = median(costs.iter().map(|cost| cost.ms).collect());
    let peak = costs.iter().map(|cost| cost.peak_bytes).max();
    line(what, time, beside, other, peak);
}

fn line(what: &str, ms: f64, beside: &str, other: f64, peak: Option<u64>) {
    let peak = peak.map_or_else(String::new, |bytes| format!("{} MB", bytes / 1_000_000));
    println!("| {what} | {ms:.0} ms | {beside} | {:.3} | {peak} |", ms / other);
}

fn bytes_line(what: &str, size: f64, of: u64) {
    println!("| {what} | {:.1} MB | {:.4} |", size / 1e6, size / as_float(of));
}

#[allow(clippy::cast_precision_loss, reason = "sizes and times that a table rounds anyway")]
fn as_float(number: u64) -> f64 {
    number as f64
}

/// The bytes of every file under a folder.
fn size_of(folder: &Path) -> std::io::Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        sum += if metadata.is_dir() { size_of(&entry.path())? } else { metadata.len() };
    }
    Ok(sum)
}
