//! The commands that change nothing: list, diff, verify.

use std::io::Write;

use clap::Args;
use snapback::Result;
use snapback::snapshot::{Point, SnapshotRef, State};

use super::options::{DatabaseOptions, by};
use super::{Outcome, print, text};

/// `snapback list`
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    pub(super) database: DatabaseOptions,
}

impl List {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Outcome> {
        let list = self.database.open()?.list()?;
        print::fact(out, self.database.json, &list, text::list)?;
        Ok(Outcome::Well)
    }
}

/// `snapback diff`
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The snapshot, as the list prints it
    #[arg(value_name = "KIND/ID", value_parser = text::parse_snapshot)]
    pub(super) snapshot: SnapshotRef,

    /// Another snapshot to compare it with, instead of the database as it is now
    #[arg(value_name = "KIND/ID", value_parser = text::parse_point)]
    pub(super) other: Option<Point>,

    #[command(flatten)]
    pub(super) database: DatabaseOptions,
}

impl Diff {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Outcome> {
        let snapshots = self.database.open()?;
        let preview = match &self.other {
            None | Some(Point::Now) => snapshots.preview(&self.snapshot)?,
            Some(other) => snapshots.compare(&Point::Snapshot(self.snapshot.clone()), other)?,
        };
        print::fact(out, self.database.json, &preview, text::preview)?;
        Ok(Outcome::Well)
    }
}

/// `snapback verify`
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Only this snapshot
    #[arg(value_name = "KIND/ID", value_parser = text::parse_snapshot)]
    pub(super) snapshot: Option<SnapshotRef>,

    /// Write what is damaged anew, where the database still has the same rows
    #[arg(long)]
    repair: bool,

    #[command(flatten)]
    pub(super) database: DatabaseOptions,
}

impl Verify {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Outcome> {
        let snapshots = self.database.open()?;
        let snapshot = self.snapshot.as_ref();
        let verified = if self.repair {
            snapshots.repair(snapshot, &by())?
        } else {
            snapshots.verify(snapshot, &by())?
        };
        print::fact(out, self.database.json, &verified, |verified| text::verified(verified))?;
        let damaged = verified.iter().any(|one| one.state == State::Damaged);
        Ok(if damaged { Outcome::BadNews } else { Outcome::Well })
    }
}
