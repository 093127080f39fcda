//! The commands that change the store or the database.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use snapback::snapshot::{Format, Preview, RestoreRequest, Scope, SnapshotRef, Snapshots};
use snapback::store::Store;
use snapback::{Error, Result};

use super::options::{DatabaseOptions, MirrorOptions, by};
use super::{Outcome, print, text};

/// `snapback take`
#[derive(Debug, Args)]
pub(super) struct Take {
    /// What to write beside the snapshot
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,

    #[command(flatten)]
    mirror: MirrorOptions,

    #[command(flatten)]
    pub(super) database: DatabaseOptions,
}

impl Take {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Outcome> {
        let entry = self.database.open_mirrored(&self.mirror)?.take(self.note.as_deref(), &by())?;
        print::fact(out, self.database.json, &entry, text::name)?;
        Ok(Outcome::Well)
    }
}

/// `snapback restore`
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The snapshot, as the list prints it
    #[arg(value_name = "KIND/ID", value_parser = text::parse_snapshot)]
    snapshot: SnapshotRef,

    /// The snapshot's id once more: restoring changes the database
    #[arg(long, value_name = "ID", required_unless_present = "dry_run")]
    confirm: Option<String>,

    /// `tables` leaves the event log alone; `rewind` puts it back too
    #[arg(long, value_name = "SCOPE", default_value = "tables", value_parser = text::parse_scope)]
    scope: Scope,

    /// Only this table; repeated
    #[arg(long, value_name = "NAME")]
    table: Vec<String>,

    /// Only show what would change
    #[arg(long)]
    dry_run: bool,

    /// The fingerprint of the plan that a diff showed: refused if it no longer holds
    #[arg(long, value_name = "FINGERPRINT")]
    plan: Option<String>,

    /// Accept events that arrived after the plan: what they changed goes too
    #[arg(long, requires = "plan")]
    moving: bool,

    /// Restore over a different schema, columns matched by name
    #[arg(long)]
    accept_schema: bool,

    #[command(flatten)]
    mirror: MirrorOptions,

    #[command(flatten)]
    pub(super) database: DatabaseOptions,
}

impl Restore {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Outcome> {
        if self.dry_run {
            let preview = self.planned(&self.database.open()?)?;
            print::fact(out, self.database.json, &preview, |plan| text::plan(plan, self.scope))?;
        } else {
            confirmed(&self.snapshot, self.confirm.as_deref())?;
            let restored = self.database.open_mirrored(&self.mirror)?.restore(&self.request())?;
            print::fact(out, self.database.json, &restored, text::restored)?;
        }
        Ok(Outcome::Well)
    }

    /// What a restore in this scope and of these tables would change.
    fn planned(&self, snapshots: &Snapshots) -> Result<Preview> {
        let mut preview = snapshots.preview(&self.snapshot)?;
        if let Some(unknown) = self.table.iter().find(|wanted| !has_table(&preview, wanted)) {
            return Err(Error::not_found("there is no such table to restore")
                .on(unknown)
                .hint("choose among the tables that a diff of the snapshot shows"));
        }
        if !self.table.is_empty() {
            preview.tables.retain(|table| self.table.contains(&table.name));
        }
        if self.scope == Scope::Tables {
            preview.event_log = None;
        }
        Ok(preview)
    }

    fn request(&self) -> RestoreRequest {
        RestoreRequest {
            snapshot: self.snapshot.clone(),
            scope: self.scope,
            tables: self.table.clone(),
            plan: self.plan.clone(),
            moving: self.moving,
            accept_schema: self.accept_schema,
            by: by(),
        }
    }
}

fn has_table(preview: &Preview, name: &str) -> bool {
    preview.tables.iter().any(|table| table.name == name)
}

/// Checks that a person typed the id of what is about to go, before anything is opened.
fn confirmed(snapshot: &SnapshotRef, confirm: Option<&str>) -> Result<()> {
    if confirm == Some(snapshot.id.as_str()) {
        return Ok(());
    }
    Err(Error::invalid("the confirmation is not the id of the snapshot")
        .on(snapshot)
        .hint(format!("confirm with --confirm {}; nothing was changed", snapshot.id)))
}

/// `snapback delete`
#[derive(Debug, Args)]
pub(super) struct Delete {
    /// The snapshot, as the list prints it
    #[arg(value_name = "KIND/ID", value_parser = text::parse_snapshot)]
    snapshot: SnapshotRef,

    /// The snapshot's id once more: what is deleted cannot be brought back
    #[arg(long, value_name = "ID")]
    confirm: String,

    #[command(flatten)]
    pub(super) database: DatabaseOptions,
}

#[derive(Serialize)]
struct Deleted<'a> {
    deleted: &'a SnapshotRef,
}

impl Delete {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Outcome> {
        confirmed(&self.snapshot, Some(&self.confirm))?;
        self.database.open()?.delete(&self.snapshot, &by())?;
        let fact = Deleted { deleted: &self.snapshot };
        print::fact(out, self.database.json, &fact, |fact| format!("deleted {}\n", fact.deleted))?;
        Ok(Outcome::Well)
    }
}

/// `snapback prune`
#[derive(Debug, Args)]
pub(super) struct Prune {
    /// Only show what would go
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    pub(super) database: DatabaseOptions,
}

impl Prune {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Outcome> {
        let pruned = self.database.open()?.prune(self.dry_run, &by())?;
        print::fact(out, self.database.json, &pruned, text::pruned)?;
        Ok(Outcome::Well)
    }
}

/// `snapback export`
#[derive(Debug, Args)]
pub(super) struct Export {
    /// The snapshot, as the list prints it
    #[arg(value_name = "KIND/ID", value_parser = text::parse_snapshot)]
    snapshot: SnapshotRef,

    /// `json`, one object; or `sqlite`, a database that any SQLite tool opens
    #[arg(long, value_name = "FORMAT", default_value = "json", value_parser = text::parse_format)]
    format: Format,

    /// The new file; an existing one is left alone
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    #[command(flatten)]
    pub(super) database: DatabaseOptions,
}

#[derive(Serialize)]
struct Exported<'a> {
    #[serde(rename = "exported")]
    snapshot: &'a SnapshotRef,
    format: &'a str,
    file: String,
}

impl Export {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Outcome> {
        self.database.open()?.export(&self.snapshot, self.format, &self.output, &by())?;
        let fact = Exported {
            snapshot: &self.snapshot,
            format: self.format.name(),
            file: self.output.display().to_string(),
        };
        print::fact(out, self.database.json, &fact, |fact| {
            format!("exported {} to {}\n", fact.snapshot, print::printable(&fact.file))
        })?;
        Ok(Outcome::Well)
    }
}

/// `snapback import`
#[derive(Debug, Args)]
pub(super) struct Import {
    /// A file that `export` wrote, in either format
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    pub(super) database: DatabaseOptions,
}

impl Import {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Outcome> {
        let entry = self.database.open()?.import(&self.file, &by())?;
        print::fact(out, self.database.json, &entry, text::name)?;
        Ok(Outcome::Well)
    }
}

/// `snapback copy`
#[derive(Debug, Args)]
pub(super) struct Copy {
    /// The snapshot, as the list prints it
    #[arg(value_name = "KIND/ID", value_parser = text::parse_snapshot)]
    snapshot: SnapshotRef,

    /// The other store: a directory or an object-store URL
    #[arg(long, value_name = "PLACE")]
    to: String,

    #[command(flatten)]
    pub(super) database: DatabaseOptions,
}

impl Copy {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Outcome> {
        let snapshots = self.database.open()?;
        let copied = snapshots.copy_to(&self.snapshot, &Store::open(&self.to)?, &by())?;
        print::fact(out, self.database.json, &copied, |copied| {
            format!("copied {} {}\n", copied.snapshot, print::printable(&copied.to_string()))
        })?;
        Ok(Outcome::Well)
    }
}
