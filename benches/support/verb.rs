//! One of Snapback's verbs in a process of its own, so that its peak memory is its own.

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use snapback::database::{Database, EventOptions};
use snapback::snapshot::{Options, RestoreRequest, Retention, Scope, SnapshotRef, Snapshots};
use snapback::store::Store;

/// Tells the bench that it was started to run one verb.
const VERB: &str = "SNAPBACK_BENCH_VERB";

/// What a verb cost.
#[derive(Debug, Serialize, Deserialize)]
pub struct Cost {
    /// From the call to its answer, in milliseconds; opening not counted.
    pub ms: f64,
    /// The process's greatest resident memory, in bytes.
    pub peak_bytes: u64,
    /// How long a restore made writers wait, in milliseconds.
    pub lock_ms: u64,
    /// Rows that a preview or a restore found different.
    pub rows: u64,
    /// The snapshot that was taken.
    pub snapshot: Option<SnapshotRef>,
}

/// A verb, and what it works on.
pub enum Verb<'a> {
    Take,
    Preview(&'a SnapshotRef),
    Restore(&'a SnapshotRef),
    Verify,
    Prune,
}

impl Verb<'_> {
    /// Runs the verb in a child of this process.
    pub fn run(&self, database: &Path, store: &Path) -> Result<Cost, Box<dyn Error>> {
        let (name, snapshot) = match self {
            Self::Take => ("take", String::new()),
            Self::Preview(snapshot) => ("preview", snapshot.to_string()),
            Self::Restore(snapshot) => ("restore", snapshot.to_string()),
            Self::Verify => ("verify", String::new()),
            Self::Prune => ("prune", String::new()),
        };
        let output = Command::new(std::env::current_exe()?)
            .env(VERB, name)
            .arg(database)
            .arg(store)
            .arg(&snapshot)
            .output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{name} {snapshot} failed: {said}").into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// Runs the verb that this process was started for, if it was; tells whether it was.
pub fn run_if_child() -> Result<bool, Box<dyn Error>> {
    let Ok(verb) = std::env::var(VERB) else { return Ok(false) };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [database, store, snapshot] = arguments.as_slice() else {
        return Err("a verb wants a database, a store and a snapshot".into());
    };
    let cost = measure(&verb, Path::new(database), store, snapshot)?;
    println!("{}", serde_json::to_string(&cost)?);
    Ok(true)
}

fn measure(verb: &str, database: &Path, store: &str, name: &str) -> Result<Cost, Box<dyn Error>> {
    let snapshots = Snapshots::open(
        Database::open(database, &EventOptions::default())?,
        Store::open(store)?,
        Options { retention: Retention::last(0), ..Options::default() },
    )?;
    let mut cost = Cost { ms: 0.0, peak_bytes: 0, lock_ms: 0, rows: 0, snapshot: None };
    let begin = Instant::now();
    match verb {
        "take" => cost.snapshot = Some(snapshots.take(None, "bench")?.snapshot()),
        "preview" => cost.rows = snapshots.preview(&name.parse()?)?.differing_rows(),
        "restore" => {
            let restored = snapshots.restore(&RestoreRequest {
                snapshot: name.parse()?,
                scope: Scope::Tables,
                tables: Vec::new(),
                plan: None,
                moving: false,
                accept_schema: false,
                by: "bench".to_owned(),
            })?;
            cost.lock_ms = restored.lock_ms;
            cost.rows =
                restored.tables.iter().map(|done| done.added + done.removed + done.changed).sum();
        }
        "verify" => drop(snapshots.verify(None, "bench")?),
        "prune" => drop(snapshots.prune(false, "bench")?),
        other => return Err(format!("there is no verb {other:?}").into()),
    }
    cost.ms = begin.elapsed().as_secs_f64() * 1000.0;
    cost.peak_bytes = peak_memory();
    Ok(cost)
}

/// The greatest resident memory of this process so far; 0 where the system does not tell.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    kilobytes.unwrap_or(0_u64) * 1024
}
