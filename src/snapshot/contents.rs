//! The tables of one point in time, all in the layout of one schema.
//!
//! The live database, a snapshot of the store and a foreign file all become a [`Contents`], so that
//! preview, compare and restore are one comparison of two of them. A snapshot whose table has other
//! columns than the layout is carried over by column name, through a temporary database.

use std::collections::BTreeMap;

use rusqlite::params_from_iter;

use super::diff::Side;
use super::fingerprint::Session;
use super::pack::Packs;
use super::source::{ChunkSource, FromDatabase, Nowhere, each_row};
use super::tree::{ChunkSink, Node};
use super::{Core, Progress};
use crate::database::{ReadTransaction, Schema, Scratch, Table, View, failure};
use crate::error::{Error, Result};

/// How many bytes of rows a reading that is to be compared keeps in memory.
pub(crate) const COMPARED: usize = 29 << 20;

/// The tables of one point in time.
pub(crate) struct Contents<'c> {
    tables: BTreeMap<String, Held>,
    packs: Option<&'c Packs>,
    database: FromDatabase<'c>,
}

struct Held {
    root: Option<Node>,
    sequence: Counter,
    in_packs: bool,
}

/// What is known of the counter behind an AUTOINCREMENT key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counter {
    /// Its value; `None` where nothing was counted.
    Known(Option<i64>),
    /// A foreign file does not tell.
    Unknown,
}

/// A table as a snapshot holds it: its own description of the table, and the root.
pub(crate) struct StoredTable<'m> {
    pub(crate) table: &'m Table,
    pub(crate) root: Option<&'m Node>,
    pub(crate) sequence: Option<i64>,
}

impl<'c> Contents<'c> {
    /// Reads all of `tables` from a database, in the transaction of `view`. The chunks also go to
    /// `sink`. Up to `kept_bytes` of rows stay in memory, to be compared soon; with `None` the contents
    /// are only described, and cannot be read.
    pub(crate) fn of_database<'t>(
        view: View<'c>,
        tables: impl IntoIterator<Item = &'t Table>,
        sink: &mut dyn ChunkSink,
        progress: &Progress,
        mut session: Option<&mut Session<'_>>,
        kept_bytes: Option<usize>,
    ) -> Result<Self> {
        let database = FromDatabase::new(view, progress.clone(), kept_bytes);
        let mut held = BTreeMap::new();
        for table in tables {
            let root = database.scan(table, sink, session.as_deref_mut())?;
            let sequence = Counter::Known(view.sequence(table)?);
            held.insert(table.name.clone(), Held { root, sequence, in_packs: false });
        }
        Ok(Self { tables: held, packs: None, database })
    }

    /// Takes a snapshot's tables as they lie in the store; those that do not fit `layout` are
    /// carried over, by column name, through `scratch`.
    pub(crate) fn of_snapshot<'m>(
        packs: &'c Packs,
        stored: impl IntoIterator<Item = StoredTable<'m>>,
        layout: &Schema,
        scratch: &'c Scratch,
    ) -> Result<Self> {
        let database = FromDatabase::new(scratch.view(), Progress::default(), Some(0));
        let mut tables = BTreeMap::new();
        for stored in stored {
            let Some(wanted) = layout.table(&stored.table.name) else { continue };
            let in_packs = wanted.same_rows_as(stored.table);
            let root = if in_packs {
                stored.root.cloned()
            } else {
                carry_over(packs, &stored, wanted, scratch)?;
                database.scan(wanted, &mut Nowhere, None)?
            };
            tables.insert(
                wanted.name.clone(),
                Held { root, sequence: Counter::Known(stored.sequence), in_packs },
            );
        }
        Ok(Self { tables, packs: Some(packs), database })
    }

    /// Reads `tables` of the live database, in the transaction of `view`: all of them, or one. What
    /// their pages tell is kept for the next reading. Transactions `beside` are in the same state.
    pub(crate) fn of_live(
        core: &Core,
        view: View<'c>,
        beside: Vec<ReadTransaction>,
        schema: &Schema,
        only: Option<&str>,
        sink: &mut dyn ChunkSink,
        kept_bytes: Option<usize>,
    ) -> Result<Self> {
        let tables =
            schema.tables.iter().filter(|table| only.is_none_or(|only| table.name == only));
        let folder = core.cache.as_deref();
        let mut session = match folder {
            Some(folder) => Session::begin(folder, view, beside, only.is_none())?,
            None => None,
        };
        let contents =
            Self::of_database(view, tables, sink, &core.progress, session.as_mut(), kept_bytes)?;
        if let (Some(session), Some(folder)) = (session, folder) {
            session.finish(folder);
        }
        Ok(contents)
    }

    /// Takes tables of a foreign file, whose rows were put into `scratch`.
    pub(crate) fn of_scratch<'t>(
        scratch: &'c Scratch,
        tables: impl IntoIterator<Item = &'t Table>,
    ) -> Result<Self> {
        let mut contents = Self::of_database(
            scratch.view(),
            tables,
            &mut Nowhere,
            &Progress::default(),
            None,
            Some(0),
        )?;
        contents.tables.values_mut().for_each(|held| held.sequence = Counter::Unknown);
        Ok(contents)
    }

    /// One table as a side of a comparison; `None` when this point does not hold it.
    pub(crate) fn side(&self, table: &str) -> Option<Side<'_>> {
        let held = self.tables.get(table)?;
        let source: &dyn ChunkSource = match self.packs {
            Some(packs) if held.in_packs => packs,
            _ => &self.database,
        };
        Some(Side { source, root: held.root.as_ref() })
    }

    /// The counter behind a table's AUTOINCREMENT key.
    pub(crate) fn sequence(&self, table: &str) -> Counter {
        self.tables.get(table).map_or(Counter::Unknown, |held| held.sequence)
    }

    /// Rows of one table.
    pub(crate) fn rows(&self, table: &str) -> Option<u64> {
        self.tables.get(table).map(|held| held.root.as_ref().map_or(0, |root| root.rows))
    }

    /// The roots' hashes, in table order: what tells two points apart.
    pub(crate) fn roots(&self) -> impl Iterator<Item = (&str, Option<&Node>)> {
        self.tables.iter().map(|(name, held)| (name.as_str(), held.root.as_ref()))
    }
}

/// Writes a stored table's rows into a temporary table of the wanted layout. Columns that the
/// snapshot does not have get their default.
fn carry_over(
    packs: &Packs,
    stored: &StoredTable<'_>,
    wanted: &Table,
    scratch: &Scratch,
) -> Result<()> {
    scratch.create_tables(std::slice::from_ref(wanted))?;
    let Some(root) = stored.root else { return Ok(()) };
    let failed = |error: rusqlite::Error| {
        let what = "a row of the snapshot does not fit the table as it is now";
        if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) {
            return Error::conflict(what)
                .on(&wanted.name)
                .hint("nothing was changed; give a new column a default, or undo what changed the table")
                .because(error);
        }
        failure(what, error).on(&wanted.name)
    };
    let common: Vec<(usize, &str)> = wanted
        .value_names()
        .into_iter()
        .filter_map(|name| {
            let place = stored
                .table
                .value_names()
                .iter()
                .position(|other| other.eq_ignore_ascii_case(name));
            place.map(|place| (place, name))
        })
        .collect();
    let connection = scratch.connection();
    let sql = Scratch::insert_columns_sql(&wanted.name, common.iter().map(|(_, name)| *name));
    let mut insert = connection.prepare(&sql).map_err(failed)?;
    each_row(packs, stored.table, root, &mut |values| {
        insert
            .execute(params_from_iter(common.iter().map(|&(place, _)| &values[place])))
            .map_err(failed)?;
        Ok(())
    })
}
