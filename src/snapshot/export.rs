//! A whole snapshot as one file, and such files taken over as snapshots.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Read as _, Write};
use std::path::Path;

use rusqlite::ErrorCode;

use super::Core;
use super::compare::{Opened, compare};
use super::contents::Contents;
use super::facts::Format;
use super::foreign;
use super::id::{Kind, SnapshotRef};
use super::label::Label;
use super::restore::fill;
use super::row;
use super::source::each_row;
use super::take::Draft;
use crate::database::{EventLog, EventOptions, Schema, Scratch, Table, failure};
use crate::error::{Error, Result};

/// How every SQLite database file begins.
const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";

/// Writes a whole snapshot to a new file at `to`; on failure no file stays.
pub(crate) fn export(core: &Core, snapshot: &SnapshotRef, format: Format, to: &Path) -> Result<()> {
    let taken = || {
        Error::invalid("the file exists already")
            .on(to.display())
            .hint("name a file that does not exist")
    };
    if to.exists() {
        return Err(taken());
    }
    let target = Opened::snapshot(core, snapshot)?;
    if let Opened::Stored { manifest, .. } = &target {
        core.progress.expect(manifest.rows());
    }
    // From here on the file is ours, and may be removed again.
    File::create_new(to).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => taken(),
        _ => Error::failed("the export cannot be written")
            .on(to.display())
            .because(error)
            .hint("name a file in a folder that can be written"),
    })?;
    let written = match format {
        Format::Json => export_json(core, &target, to),
        Format::Sqlite => export_sqlite(core, &target, to),
    };
    if written.is_err() {
        // What was begun is of no use; the error that counts is the first.
        let _ = std::fs::remove_file(to);
    }
    written
}

/// Hands the snapshot's contents, in its own layout, to `work`.
fn with_contents<T>(
    core: &Core,
    target: &Opened,
    work: impl FnOnce(&Schema, &Contents<'_>, Option<i64>, Option<&str>) -> Result<T>,
) -> Result<T> {
    compare(core, target, target, None, |comparison| {
        let after = &comparison.after;
        work(comparison.layout, &after.contents, after.position, comparison.event_table.as_deref())
    })
}

fn unwritten(to: &Path, error: std::io::Error) -> Error {
    Error::failed("the export cannot be written")
        .on(to.display())
        .hint("name a new file in a folder that can be written to and has room")
        .because(error)
}

fn export_json(core: &Core, target: &Opened, to: &Path) -> Result<()> {
    let failed = |error| unwritten(to, error);
    with_contents(core, target, |layout, contents, position, event_table| {
        let mut out = BufWriter::with_capacity(
            1 << 16,
            File::options().write(true).open(to).map_err(failed)?,
        );
        let position = position.map_or_else(|| "null".to_owned(), |position| position.to_string());
        write!(out, "{{\"last_event_id\":{position},\"event_log\":[").map_err(failed)?;
        if let Some(log) = event_table.and_then(|log| layout.table(log)) {
            write_rows(core, contents, log, &mut out, to)?;
        }
        write!(out, "],\"tables\":{{").map_err(failed)?;
        let others = layout.tables.iter().filter(|table| {
            event_table != Some(table.name.as_str()) && contents.side(&table.name).is_some()
        });
        for (number, table) in others.enumerate() {
            let comma = if number > 0 { "," } else { "" };
            let name = serde_json::Value::from(table.name.as_str());
            write!(out, "{comma}\n{name}:[").map_err(failed)?;
            write_rows(core, contents, table, &mut out, to)?;
            write!(out, "]").map_err(failed)?;
        }
        writeln!(out, "}}}}").map_err(failed)?;
        let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)
    })
}

fn write_rows(
    core: &Core,
    contents: &Contents<'_>,
    table: &Table,
    out: &mut impl Write,
    to: &Path,
) -> Result<()> {
    let Some(side) = contents.side(&table.name) else { return Ok(()) };
    let Some(root) = side.root else { return Ok(()) };
    let names: Vec<String> =
        table.value_names().iter().map(|name| serde_json::Value::from(*name).to_string()).collect();
    let mut line = Vec::new();
    let mut first = true;
    each_row(side.source, table, root, &mut |values| {
        core.progress.step(1)?;
        line.clear();
        line.extend_from_slice(if first { b"\n{" } else { b",\n{" });
        first = false;
        for (place, (name, value)) in names.iter().zip(&values).enumerate() {
            if place > 0 {
                line.push(b',');
            }
            line.extend_from_slice(name.as_bytes());
            line.push(b':');
            row::write_value(&mut line, value.as_sqlite());
        }
        line.push(b'}');
        out.write_all(&line).map_err(|error| unwritten(to, error))
    })
}

fn export_sqlite(core: &Core, target: &Opened, to: &Path) -> Result<()> {
    with_contents(core, target, |layout, contents, _, _| {
        let file = Scratch::begin_file(to)?;
        // A statement that fails must be taken back, so there is a journal; of a file that begins
        // empty it holds next to nothing.
        file.run("PRAGMA journal_mode=memory; PRAGMA synchronous=off; BEGIN")?;
        // A virtual table makes its shadow tables itself, so those come with it.
        for table in layout.tables.iter().filter(|table| contents.side(&table.name).is_some()) {
            fill(core, &file, contents, table)?;
            if let super::contents::Counter::Known(Some(sequence)) = contents.sequence(&table.name)
            {
                file.set_sequence(&table.name, sequence)?;
            }
        }
        file.create_objects(layout)?;
        if let Opened::Stored { manifest, .. } = target {
            file.run(&format!(
                "PRAGMA user_version={}; PRAGMA application_id={}",
                manifest.user_version, manifest.application_id
            ))?;
        }
        for index in layout.left_out.iter().filter(|left_out| left_out.content.is_some()) {
            file.rebuild(&index.name)?;
        }
        file.run("COMMIT")?;
        drop(file);
        File::open(to).and_then(|file| file.sync_all()).map_err(|error| {
            Error::failed("the export cannot be made durable")
                .on(to.display())
                .hint("look at the disk, then export it again")
                .because(error)
        })
    })
}

/// Takes over a file of either export format.
pub(crate) fn import(core: &Core, path: &Path) -> Result<SnapshotRef> {
    let failed = |error: std::io::Error| {
        Error::failed("the file cannot be read")
            .on(path.display())
            .because(error)
            .hint("check the path")
    };
    let mut opening = Vec::new();
    File::open(path).and_then(|file| file.take(16).read_to_end(&mut opening)).map_err(failed)?;
    if opening == SQLITE_MAGIC { import_sqlite(core, path) } else { import_json(core, path) }
}

/// A database file is read like the live database, and becomes a snapshot like any other.
fn import_sqlite(core: &Core, path: &Path) -> Result<SnapshotRef> {
    let file = Scratch::open(path)?;
    file.run("BEGIN")?;
    check_soundness(&file, path)?;
    let schema = core.schema(file.view())?;
    let log = match core.database.event_log() {
        Some(log) => {
            let options = EventOptions {
                table: Some(log.table.clone()),
                column: Some(log.position.clone()),
                type_column: None,
                time_column: None,
            };
            EventLog::detect(file.connection(), &schema, &options)
                .map_err(|error| error.hint("import a copy of this database"))?
        }
        None => None,
    };
    let draft = Draft::of_file(core, file.view(), &schema, log.as_ref())?;
    let durable = draft.finish(&core.packs)?;
    let lock = core.store.lock(super::LOCK_WAIT)?;
    durable.publish(core, &lock, Kind::Periodic, None, &Label::default())?.ok_or_else(|| {
        Error::conflict("chunks of this snapshot were removed while it was imported")
            .on(path.display())
            .hint("let no prune run beside it and import it again")
    })
}

/// Refuses a damaged database file before anything of it is taken over: whoever sent it has to
/// send another, nothing here failed.
fn check_soundness(file: &Scratch, path: &Path) -> Result<()> {
    let checked = file.connection().query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    let found: String = match checked {
        Ok(found) => found,
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => error.to_string(),
            _ => return Err(failure("the database file cannot be read", error).on(path.display())),
        },
    };
    if found == "ok" {
        return Ok(());
    }
    // The last line says what; what stands before it says only in which database.
    let what = found.lines().last().unwrap_or_default();
    Err(Error::invalid(format!("the file is no sound SQLite database: {what}"))
        .on(path.display())
        .hint("export the snapshot again, and import that file"))
}

/// A JSON file becomes a file of the store as it is, once it was read whole.
fn import_json(core: &Core, path: &Path) -> Result<SnapshotRef> {
    let failed = |error: std::io::Error| {
        Error::failed("the file cannot be read").on(path.display()).because(error)
    };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    foreign::read(File::open(path).map_err(failed)?, &mut |_, _| Ok(())).map_err(|error| {
        Error::invalid(format!("the file {}", foreign::reason(&error, size)))
            .on(path.display())
            .hint("import a file that export has written, as JSON or as a SQLite database")
    })?;
    let lock = core.store.lock(super::LOCK_WAIT)?;
    let id = core.catalog.next_id(core.now())?;
    let snapshot = SnapshotRef::new(Kind::Periodic, id);
    core.catalog.add_file(&snapshot, File::open(path).map_err(failed)?)?;
    drop(lock);
    Ok(snapshot)
}
