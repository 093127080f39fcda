//! A whole snapshot as one file to keep.

use poem::http::header;
use poem::web::Path;
use poem::{Body, Response, handler};

use super::console::{BY, Console};
use super::fields::Fields;
use crate::error::{Error, Result};
use crate::snapshot::{Format, SnapshotRef, Snapshots};

#[handler]
pub(crate) async fn export(
    console: Console,
    Path(id): Path<String>,
    fields: Fields,
) -> poem::Result<Response> {
    let snapshot = fields.snapshot(&id)?;
    let format: Format = fields.read("format")?.unwrap_or_default();
    let asked = snapshot.clone();
    let (file, length) =
        console.blocking(move |snapshots| written(snapshots, &asked, format)).await?;
    let name = format!("{}-{}.{}", snapshot.kind, snapshot.id, format.name());
    let media_type = match format {
        Format::Json => "application/json",
        Format::Sqlite => "application/vnd.sqlite3",
    };
    Ok(Response::builder()
        .content_type(media_type)
        .header(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))
        .header(header::CONTENT_LENGTH, length)
        .body(Body::from_async_read(tokio::fs::File::from_std(file))))
}

/// The export in a file that has no name any more: it is gone when the download ends, however.
fn written(
    snapshots: &Snapshots,
    snapshot: &SnapshotRef,
    format: Format,
) -> Result<(std::fs::File, u64)> {
    let lost = |error: std::io::Error| {
        Error::failed("the export cannot be put into a temporary file")
            .on(snapshot)
            .hint("make room in the folder for temporary files, or set TMPDIR to another")
            .because(error)
    };
    let folder = tempfile::tempdir().map_err(lost)?;
    let path = folder.path().join("export");
    snapshots.export(snapshot, format, &path, BY)?;
    let file = std::fs::File::open(&path).map_err(lost)?;
    let length = file.metadata().map_err(lost)?.len();
    Ok((file, length))
}
