//! The databases of a folder: the files that fit a pattern, whenever they come.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern, glob_with};

use super::name::Name;
use super::place::Place;
use crate::error::{Error, Result};

/// A file whose name begins with a dot is meant only by a pattern that says so.
const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// What SQLite puts beside a database.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

type MakePlace = Box<dyn Fn(&Name, &Path) -> Place + Send + Sync>;

/// The files that fit a pattern.
pub(super) struct Folder {
    pattern: String,
    place: MakePlace,
}

/// A file that fits, with its place; or why it has none.
pub(super) struct Fit {
    pub(super) path: PathBuf,
    pub(super) place: Result<(Name, Place)>,
}

impl Folder {
    pub(super) fn new(pattern: &str, place: MakePlace) -> Result<Self> {
        Pattern::new(pattern).map_err(|error| {
            Error::invalid("the pattern of databases cannot be read")
                .on(pattern)
                .hint("write it as in tenants/*.db: * and ? stand for parts of a name")
                .because(error)
        })?;
        Ok(Self { pattern: pattern.to_owned(), place })
    }

    /// The files that fit now, in the order of their paths. A folder that cannot be read has none.
    pub(super) fn search(&self) -> Vec<Fit> {
        // The pattern was read before.
        let Ok(paths) = glob_with(&self.pattern, MATCHING) else { return Vec::new() };
        paths
            .filter_map(std::result::Result::ok)
            .filter(|path| is_database(path))
            .map(|path| {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().parse::<Name>();
                let place = name.map(|name| {
                    let place = (self.place)(&name, &path);
                    (name, place)
                });
                Fit { path, place }
            })
            .collect()
    }
}

/// Whether a path can be that of a database: a file, and not one that SQLite puts beside another.
fn is_database(path: &Path) -> bool {
    let name = path.to_string_lossy();
    path.is_file() && !COMPANIONS.iter().any(|ending| name.ends_with(ending))
}
