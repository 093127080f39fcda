//! A whole snapshot as one file to keep.

use std::fs::File;
use std::sync::{Mutex, PoisonError};

use maud::{Markup, html};
use poem::http::{StatusCode, header};
use poem::web::Path;
use poem::{Body, Response, handler};

use super::console::{Console, Wanted, html_with};
use super::fields::Fields;
use super::jobs::{self, Telling, Work};
use crate::error::{Error, ErrorKind, Result};
use crate::snapshot::{Action, Format, SnapshotRef, Snapshots};

#[handler]
pub(crate) async fn export(
    console: Console,
    Path(id): Path<String>,
    fields: Fields,
) -> poem::Result<Response> {
    let snapshot = fields.snapshot(&id)?;
    if console.redacts() {
        let what = "a whole snapshot holds values that are hidden here";
        return Err(Error::new(ErrorKind::Forbidden, what)
            .on(&snapshot)
            .hint("export it with `snapback export` where the store is")
            .into());
    }
    let format: Format = fields.read("format")?.unwrap_or_default();
    Ok(jobs::run(&console, Export { snapshot, format, by: console.by() }).await?)
}

struct Export {
    snapshot: SnapshotRef,
    format: Format,
    by: String,
}

/// A file that was written, until somebody downloads it.
struct Written {
    file: Mutex<Option<File>>,
    length: u64,
}

impl Work for Export {
    type Done = Written;

    fn named(&self) -> (Action, Option<SnapshotRef>) {
        (Action::Export, Some(self.snapshot.clone()))
    }

    fn run(&mut self, snapshots: &Snapshots) -> Result<Written> {
        let (file, length) = written(snapshots, &self.snapshot, self.format, &self.by)?;
        Ok(Written { file: Mutex::new(Some(file)), length })
    }

    fn tell(&self, done: &Written, telling: &Telling<'_>) -> Result<Response> {
        let mut file = done.file.lock().unwrap_or_else(PoisonError::into_inner);
        if telling.console.wanted() == Wanted::Fragment {
            let markup = ready(&self.snapshot, file.is_some().then_some(&telling.address));
            return Ok(html_with(StatusCode::OK, markup));
        }
        let file = file.take().ok_or_else(|| {
            Error::conflict("the file was downloaded already")
                .on(&self.snapshot)
                .hint("export the snapshot again")
        })?;
        let name = format!("{}-{}.{}", self.snapshot.kind, self.snapshot.id, self.format.name());
        let media_type = match self.format {
            Format::Json => "application/json",
            Format::Sqlite => "application/vnd.sqlite3",
        };
        Ok(Response::builder()
            .content_type(media_type)
            .header(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))
            .header(header::CONTENT_LENGTH, done.length)
            .body(Body::from_async_read(tokio::fs::File::from_std(file))))
    }
}

/// What a page is told of an export that nobody waits for any more.
fn ready(snapshot: &SnapshotRef, address: Option<&String>) -> Markup {
    let said = format!("Exported {snapshot}");
    html! {
        div.result data-status=(said) {
            h2 #result-title tabindex="-1" data-focus { (said) }
            @if let Some(address) = address {
                p { a href=(address) download { "Download the file" } }
            } @else {
                p { "The file was downloaded." }
            }
        }
    }
}

/// The export in a file that has no name any more: it is gone when the download ends, however.
fn written(
    snapshots: &Snapshots,
    snapshot: &SnapshotRef,
    format: Format,
    by: &str,
) -> Result<(File, u64)> {
    let lost = |error: std::io::Error| {
        Error::failed("the export cannot be put into a temporary file")
            .on(snapshot)
            .hint("make room in the folder for temporary files, or set TMPDIR to another")
            .because(error)
    };
    let folder = tempfile::tempdir().map_err(lost)?;
    let path = folder.path().join("export");
    snapshots.export(snapshot, format, &path, by)?;
    let file = File::open(&path).map_err(lost)?;
    let length = file.metadata().map_err(lost)?.len();
    Ok((file, length))
}
