//! The live database.

use std::path::Path;

use crate::error::Result;

/// What a caller says of the event log; what it leaves out is detected.
#[derive(Clone, Debug, Default)]
pub struct EventOptions {
    /// The log's table; `none` for a database without one.
    pub table: Option<String>,
    /// The position column.
    pub column: Option<String>,
    /// The column that tells an event's type.
    pub type_column: Option<String>,
    /// The column that tells an event's time.
    pub time_column: Option<String>,
}

/// One SQLite database that some application keeps writing to. Cheap to clone.
#[derive(Clone)]
pub struct Database;

impl Database {
    /// Opens an existing database. A missing file is an error, never a new file.
    pub fn open(path: &Path, events: &EventOptions) -> Result<Self> {
        todo!()
    }
}
