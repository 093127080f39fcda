//! The commands that change nothing: list, diff, history, verify.

use std::io::Write;

use clap::Args;
use snapback::Result;
use snapback::snapshot::{Action, HistoryQuery, Point, SnapshotRef, State};

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

/// `snapback history`
#[derive(Debug, Args)]
pub(super) struct History {
    /// Only lines that say all of these words
    #[arg(value_name = "WORD")]
    words: Vec<String>,

    /// Only this action: take, restore, label, delete, prune, import, verify, repair, export, copy,
    /// hook
    #[arg(long, value_name = "ACTION", value_parser = text::parse_action)]
    what: Option<Action>,

    /// Only what was `done`, or what `failed`
    #[arg(long, value_name = "OUTCOME", value_parser = ["done", "failed"])]
    outcome: Option<String>,

    /// How many lines
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,

    /// Only lines before this one: what the page before ends with
    #[arg(long, value_name = "LINE")]
    before: Option<String>,

    #[command(flatten)]
    pub(super) database: DatabaseOptions,
}

impl History {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Outcome> {
        let query = HistoryQuery {
            words: self.words.join(" "),
            action: self.what,
            ok: self.outcome.as_ref().map(|outcome| outcome == "done"),
            before: self.before.clone(),
            limit: usize::from(self.limit),
        };
        let page = self.database.open()?.history_page(&query)?;
        print::fact(out, self.database.json, &page, text::history)?;
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
