//! What one would do without Snapback: plain SQLite, for comparison.

use std::path::Path;
use std::time::Instant;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, Result};

use super::generate::PROJECTIONS;

/// Copies the database with `VACUUM INTO`; milliseconds.
pub fn vacuum_into(database: &Path, copy: &Path) -> Result<f64> {
    let connection = Connection::open(database)?;
    let begin = Instant::now();
    connection.execute("VACUUM INTO ?", [copy.to_string_lossy()])?;
    Ok(milliseconds(begin))
}

/// Copies the database with the backup API, in one step; milliseconds.
pub fn backup(database: &Path, copy: &Path) -> Result<f64> {
    let source = Connection::open(database)?;
    let mut target = Connection::open(copy)?;
    let begin = Instant::now();
    let backup = Backup::new(&source, &mut target)?;
    while backup.step(-1)? != StepResult::Done {}
    drop(backup);
    Ok(milliseconds(begin))
}

/// Clears every projection and fills it from a copy, in one transaction; milliseconds, all of which
/// writers wait.
pub fn clear_and_reload(database: &Path, copy: &Path) -> Result<f64> {
    let connection = Connection::open(database)?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.execute("ATTACH ? AS copy", [copy.to_string_lossy()])?;
    let begin = Instant::now();
    connection.execute_batch("BEGIN IMMEDIATE")?;
    for table in PROJECTIONS {
        connection.execute_batch(&format!(
            "DELETE FROM main.{table}; INSERT INTO main.{table} SELECT * FROM copy.{table};"
        ))?;
    }
    connection.execute_batch("COMMIT")?;
    Ok(milliseconds(begin))
}

fn milliseconds(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1000.0
}
