//! Two points in time side by side, in one layout: what previews, comparisons and pages of changed
//! rows are made from.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Core;
use super::adopt;
use super::catalog::{Catalog, Found, Listed};
use super::changes;
use super::contents::{COMPARED, Contents, StoredTable};
use super::diff::{Counts, Side};
use super::drift;
use super::facts::TableCounts;
use super::id::{Point, SnapshotRef};
use super::manifest::Manifest;
use super::pack::Packs;
use super::source::Nowhere;
use crate::database::{ReadTransaction, Readers, Schema, Scratch, Table, View};
use crate::error::{Error, Result};

/// A point in time, opened: all but its rows.
pub(crate) enum Opened {
    Now,
    Stored { listed: Listed, manifest: Arc<Manifest>, schema: Box<Schema> },
    Foreign { listed: Listed },
}

impl Opened {
    /// Opens a point; an error when it does not exist or is damaged.
    pub(crate) fn new(core: &Core, point: &Point) -> Result<Self> {
        match point {
            Point::Now => Ok(Self::Now),
            Point::Snapshot(snapshot) => Self::snapshot(core, snapshot),
        }
    }

    /// Opens a snapshot.
    pub(crate) fn snapshot(core: &Core, snapshot: &SnapshotRef) -> Result<Self> {
        let listed = core.catalog.sound(snapshot)?;
        match &listed.found {
            Found::Stored(manifest) => {
                let schema = Box::new(
                    stored_schema(&core.packs, snapshot, manifest)?
                        .without(|table| core.excludes(table)),
                );
                Ok(Self::Stored { manifest: Arc::clone(manifest), schema, listed })
            }
            _ => Ok(Self::Foreign { listed }),
        }
    }

    /// The file behind it; `None` for the live database.
    pub(crate) fn listed(&self) -> Option<&Listed> {
        match self {
            Self::Now => None,
            Self::Stored { listed, .. } | Self::Foreign { listed } => Some(listed),
        }
    }

    fn schema(&self) -> Option<&Schema> {
        match self {
            Self::Stored { schema, .. } => Some(schema),
            _ => None,
        }
    }
}

/// The schema that a manifest leads to.
pub(crate) fn stored_schema(
    packs: &Packs,
    snapshot: &SnapshotRef,
    manifest: &Manifest,
) -> Result<Schema> {
    let chunk = packs.read(&manifest.schema.hash, manifest.schema.bytes)?;
    serde_json::from_slice(chunk.bytes()).map_err(|error| {
        Error::damaged("the schema of the snapshot cannot be read").on(snapshot).because(error)
    })
}

/// One side of a comparison, its rows ready to be read.
pub(crate) struct Readied<'c> {
    pub(crate) contents: Contents<'c>,
    pub(crate) position: Option<i64>,
    pub(crate) differences: Vec<String>,
    pub(crate) notes: Vec<String>,
}

impl Opened {
    /// Makes the rows ready, in the given layout. Only the table `only`, where one is named.
    /// Transactions `beside` are in the state of `view`.
    pub(crate) fn ready<'c>(
        &self,
        core: &'c Core,
        view: View<'c>,
        beside: Vec<ReadTransaction>,
        layout: &Schema,
        only: Option<&str>,
        scratch: &'c Scratch,
    ) -> Result<Readied<'c>> {
        let wanted = |table: &&Table| only.is_none_or(|only| table.name == only);
        match self {
            Self::Now => Ok(Readied {
                contents: Contents::of_live(
                    core,
                    view,
                    beside,
                    layout,
                    only,
                    &mut Nowhere,
                    Some(COMPARED),
                )?,
                position: core.database.event_log().map(|log| view.position(log)).transpose()?,
                differences: Vec::new(),
                notes: Vec::new(),
            }),
            Self::Stored { manifest, schema, .. } => {
                let stored = schema.tables.iter().filter(wanted).filter_map(|table| {
                    let held = manifest.table(&table.name)?;
                    Some(StoredTable { table, root: held.root.as_ref(), sequence: held.sequence })
                });
                Ok(Readied {
                    contents: Contents::of_snapshot(&core.packs, stored, layout, scratch)?,
                    position: manifest.last_event_id,
                    differences: drift::differences(schema, layout),
                    notes: Vec::new(),
                })
            }
            Self::Foreign { listed } => {
                let file = core.store.reader(&Catalog::key(&listed.snapshot))?;
                let log = core.database.event_log().map(|log| log.table.as_str());
                let adopted = adopt::adopt(file, &listed.snapshot, layout, log, scratch)?;
                let position = match &listed.found {
                    Found::Foreign(foreign) => foreign.last_event_id,
                    _ => None,
                };
                let Adopted { contents, differences, notes } = adopted;
                Ok(Readied { contents, position, differences, notes })
            }
        }
    }
}

use adopt::Adopted;

/// Two points side by side.
pub(crate) struct Comparison<'c> {
    pub(crate) layout: &'c Schema,
    pub(crate) before: Readied<'c>,
    pub(crate) after: Readied<'c>,
    /// The live database, when it is one of the points.
    pub(crate) view: View<'c>,
    /// The event log's table in this layout.
    pub(crate) event_table: Option<String>,
    counted: RefCell<BTreeMap<String, Counts>>,
}

impl<'c> Comparison<'c> {
    pub(crate) fn new(
        layout: &'c Schema,
        before: Readied<'c>,
        after: Readied<'c>,
        view: View<'c>,
        event_table: Option<String>,
    ) -> Self {
        Self { layout, before, after, view, event_table, counted: RefCell::default() }
    }
}

impl Comparison<'_> {
    /// The two sides of a table; `None` when one of the points does not hold it.
    pub(crate) fn sides(&self, table: &str) -> Option<(Side<'_>, Side<'_>)> {
        Some((self.before.contents.side(table)?, self.after.contents.side(table)?))
    }

    /// Keeps what was counted in one table, so that it is not counted again.
    pub(crate) fn counted(&self, table: &Table, counts: Counts) {
        self.counted.borrow_mut().insert(table.name.clone(), counts);
    }

    /// What would change in one table; `None` when one of the points does not hold it.
    pub(crate) fn counts(&self, table: &Table) -> Result<Option<TableCounts>> {
        let Some((before, after)) = self.sides(&table.name) else { return Ok(None) };
        let counted = self.counted.borrow().get(&table.name).copied();
        let counts = match counted {
            Some(counts) => counts,
            None => changes::count(table, before, after)?,
        };
        let rows = before.root.map_or(0, |root| root.rows);
        Ok(Some(TableCounts {
            name: table.name.clone(),
            added: counts.added,
            removed: counts.removed,
            changed: counts.changed,
            unchanged: rows.saturating_sub(counts.removed + counts.changed),
        }))
    }
}

/// Opens two points and hands their comparison to `work`: of all tables, or of `only` one.
pub(crate) fn compare<T>(
    core: &Core,
    before: &Opened,
    after: &Opened,
    only: Option<&str>,
    work: impl FnOnce(&Comparison<'_>) -> Result<T>,
) -> Result<T> {
    let is_live = matches!((before, after), (Opened::Now, _) | (_, Opened::Now));
    let readers = is_live.then(|| core.database.readers());
    let transaction = core.database.read()?;
    let beside = readers.map(Readers::follow).unwrap_or_default();
    let view = transaction.view();
    let live;
    let layout = if is_live { None } else { before.schema().or_else(|| after.schema()) };
    let layout = if let Some(stored) = layout {
        stored
    } else {
        live = core.schema(view)?;
        &live
    };
    let event_table = [before, after]
        .into_iter()
        .find_map(|point| match point {
            Opened::Stored { manifest, .. } => manifest.event_table.clone(),
            _ => None,
        })
        .or_else(|| core.database.event_log().map(|log| log.table.clone()));
    let (scratch, other) = (Scratch::temporary()?, Scratch::temporary()?);
    let (of_before, of_after) = match before {
        Opened::Now => (beside, Vec::new()),
        _ => (Vec::new(), beside),
    };
    let before = before.ready(core, view, of_before, layout, only, &scratch)?;
    let after = after.ready(core, view, of_after, layout, only, &other)?;
    let comparison = Comparison::new(layout, before, after, view, event_table);
    work(&comparison)
}
