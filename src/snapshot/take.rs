//! Taking: database -> chunks and a manifest.

use jiff::Timestamp;

use super::contents::Contents;
use super::facts::Cause;
use super::hashes::Hashes;
use super::id::{Kind, SnapshotId, SnapshotRef};
use super::label::Label;
use super::manifest::{Manifest, SchemaChunk, TableRoot};
use super::pack::{Chunk, Packs};
use super::source::IntoPacks;
use super::{Core, contents::Counter};
use crate::database::{EventLog, ReadTransaction, Schema, View};
use crate::error::{Error, Result};
use crate::store::StoreLock;

/// A snapshot whose chunks are on their way into the store, and which has no name yet.
pub(crate) struct Draft {
    packs: IntoPacks,
    tables: Vec<TableRoot>,
    schema: SchemaChunk,
    position: Option<i64>,
    event_table: Option<String>,
    versions: (i64, i64),
}

/// A snapshot whose chunks are durable, and which has no name yet.
pub(crate) struct Durable {
    manifest: Box<dyn FnOnce(SnapshotId, Kind, Timestamp, Option<Cause>) -> Manifest>,
    hashes: Hashes,
}

impl Draft {
    /// Reads the live database in the transaction of `view`: what the store does not have yet goes
    /// into packs. The contents given back are read from the same transaction; up to `kept_bytes` of
    /// their rows stay in memory.
    pub(crate) fn of_live<'c>(
        core: &Core,
        view: View<'c>,
        beside: Vec<ReadTransaction>,
        schema: &Schema,
        kept_bytes: Option<usize>,
    ) -> Result<(Self, Contents<'c>)> {
        let mut sink = IntoPacks::new(&core.packs)?;
        let contents = Contents::of_live(core, view, beside, schema, None, &mut sink, kept_bytes)?;
        let draft = Self::finish_reading(sink, view, schema, &contents, core.database.event_log())?;
        Ok((draft, contents))
    }

    /// Reads a database file in the same way.
    pub(crate) fn of_file(
        core: &Core,
        view: View<'_>,
        schema: &Schema,
        log: Option<&EventLog>,
    ) -> Result<Self> {
        let mut sink = IntoPacks::new(&core.packs)?;
        let contents =
            Contents::of_database(view, &schema.tables, &mut sink, &core.progress, None, None)?;
        Self::finish_reading(sink, view, schema, &contents, log)
    }

    fn finish_reading(
        mut sink: IntoPacks,
        view: View<'_>,
        schema: &Schema,
        contents: &Contents<'_>,
        log: Option<&EventLog>,
    ) -> Result<Self> {
        let tables = contents
            .roots()
            .map(|(name, root)| TableRoot {
                name: name.to_owned(),
                sequence: match contents.sequence(name) {
                    Counter::Known(sequence) => sequence,
                    Counter::Unknown => None,
                },
                root: root.cloned(),
            })
            .collect();
        let written = serde_json::to_vec(schema)
            .map_err(|error| Error::failed("the schema cannot be written").because(error))?;
        let bytes = written.len() as u64;
        let chunk = Chunk::of(written);
        let schema = SchemaChunk { hash: chunk.hash(), bytes };
        sink.hashes.add(schema.hash)?;
        sink.writer.put(chunk)?;
        Ok(Self {
            packs: sink,
            tables,
            schema,
            position: log.map(|log| view.position(log)).transpose()?,
            event_table: log.map(|log| log.table.clone()),
            versions: view.versions()?,
        })
    }

    /// Waits until every chunk is durable. The database is not needed any more.
    pub(crate) fn finish(self, packs: &Packs) -> Result<Durable> {
        let written = self.packs.writer.finish()?;
        let mut hashes = self.packs.hashes.finish()?;
        let stored_bytes = packs.stored_bytes(hashes.read()?)?;
        let (tables, schema, position, event_table, versions) =
            (self.tables, self.schema, self.position, self.event_table, self.versions);
        let manifest = move |snapshot_id, kind, created_at, cause| Manifest {
            snapshot_id,
            kind,
            created_at,
            last_event_id: position,
            event_table,
            schema,
            user_version: versions.0,
            application_id: versions.1,
            tables,
            stored_bytes,
            new_bytes: written.bytes,
            cause,
        };
        Ok(Durable { manifest: Box::new(manifest), hashes })
    }
}

impl Durable {
    /// Gives the snapshot its name and writes its manifest. Under the store's lock it is looked
    /// once more whether every chunk that it relies on is there: a prune may have run meanwhile.
    /// `None` when one is not, and the snapshot must be read again.
    pub(crate) fn publish(
        mut self,
        core: &Core,
        lock: &StoreLock,
        kind: Kind,
        cause: Option<Cause>,
        label: &Label,
    ) -> Result<Option<SnapshotRef>> {
        core.packs.refresh()?;
        for hash in self.hashes.read()? {
            if !core.packs.contains(&hash?) {
                return Ok(None);
            }
        }
        let id = core.catalog.next_id(core.now())?;
        let manifest = (self.manifest)(id.clone(), kind, core.now(), cause);
        lock.check()?;
        core.catalog.add(&manifest, label)?;
        let snapshot = SnapshotRef::new(kind, id);
        // Without the lock a prune may have begun, which saw no manifest yet.
        if let Err(lost) = lock.check() {
            core.catalog.remove(&snapshot)?;
            return Err(lost);
        }
        Ok(Some(snapshot))
    }
}

/// Takes a snapshot of the present state, under a label from the start.
pub(crate) fn take(core: &Core, kind: Kind, label: &Label) -> Result<(SnapshotRef, StoreLock)> {
    take_if(core, kind, label, &|| Ok(true))?.ok_or_else(|| Error::failed("nothing was taken"))
}

/// The same, unless it turns out under the store's lock that it is not wanted any more.
pub(crate) fn take_if(
    core: &Core,
    kind: Kind,
    label: &Label,
    is_wanted: &dyn Fn() -> Result<bool>,
) -> Result<Option<(SnapshotRef, StoreLock)>> {
    // Chunks can only go between reading and publishing while a prune removes what nobody needed
    // for longer than the grace period; twice in a row means that something else is wrong.
    for _ in 0..2 {
        core.progress.expect(core.expected_rows());
        let readers = core.database.readers();
        let transaction = core.database.read()?;
        let beside = readers.follow();
        let schema = core.schema(transaction.view())?;
        let (draft, _) = Draft::of_live(core, transaction.view(), beside, &schema, None)?;
        drop(transaction);
        let durable = draft.finish(&core.packs)?;
        let lock = core.store.lock(super::LOCK_WAIT)?;
        if !is_wanted()? {
            return Ok(None);
        }
        core.progress.commit()?;
        if let Some(snapshot) = durable.publish(core, &lock, kind, None, label)? {
            return Ok(Some((snapshot, lock)));
        }
    }
    Err(Error::conflict("chunks of this snapshot were removed while it was taken")
        .on(core.store.location())
        .hint("let no prune run beside it and take it again"))
}
