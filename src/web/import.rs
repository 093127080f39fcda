//! Taking over a file that was exported, or that another system wrote.

use std::path::{Path, PathBuf};
use std::time::Duration;

use maud::{Markup, html};
use poem::http::StatusCode;
use poem::web::{Field, Multipart};
use poem::{Request, Response, handler};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Handle;

use super::console::Console;
use super::format::bytes;
use super::jobs::{self, Telling, Work};
use super::links::Links;
use super::take;
use crate::error::{Error, ErrorKind, Result};
use crate::snapshot::{Action, Entry, SnapshotRef, Snapshots};

/// How much of an upload is held in memory.
const BUFFER: usize = 64 * 1024;

/// What else than the file may be in an upload, in bytes.
const ENVELOPE: u64 = 64 * 1024;

/// The form with the file.
#[handler]
pub(crate) async fn form(console: Console) -> poem::Result<Response> {
    let limit = console.options().import_limit;
    let facts = json!({"post": console.links().import(), "fields": ["file"], "limit_bytes": limit});
    let links = console.links();
    Ok(console.answer(&facts, "Import a snapshot", || import_form(links, limit)).await?)
}

fn import_form(links: &Links, limit: u64) -> Markup {
    html! {
        form.tool #import-form
            method="post" action=(links.import()) enctype="multipart/form-data"
            hx-post=(links.import()) hx-encoding="multipart/form-data"
            hx-target="#result" hx-disable="find button"
            data-status="Choose a file to import"
        {
            label for="import-file" { "An exported snapshot, JSON or SQLite, up to " (bytes(limit)) }
            input #import-file type="file" name="file" accept=".json,.sqlite,.db" required data-focus;
            button.button.primary type="submit" { "Import" }
            a.cancel.button href=(links.list()) { "Cancel " kbd { "Esc" } }
        }
    }
}

#[handler]
pub(crate) async fn import(
    console: Console,
    request: &Request,
    mut upload: Multipart,
) -> poem::Result<Response> {
    let limit = console.options().import_limit;
    let announced = request.header("Content-Length").and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit.saturating_add(ENVELOPE)) {
        return Err(too_large(limit).into());
    }
    let patience = console.options().patience;
    let folder = Folder::new().await?;
    let mut arrived = None;
    while let Some(field) = within(patience, upload.next_field()).await?? {
        if field.name() == Some("file") && arrived.is_none() {
            let name = plain_name(field.file_name().unwrap_or_default());
            let path = folder.path.join(&name);
            write(field, &path, limit, patience).await?;
            arrived = Some((name, path));
        }
    }
    let Some((name, path)) = arrived else {
        return Err(Error::invalid("the upload has no file")
            .on("file")
            .hint("send the file as multipart/form-data in a field named file")
            .into());
    };
    Ok(jobs::run(&console, Import { folder: Some(folder), name, path, by: console.by() }).await?)
}

/// A folder for an upload. What is in it may be large, so it is removed where that may block.
struct Folder {
    path: PathBuf,
    held: Option<TempDir>,
}

impl Folder {
    async fn new() -> Result<Self> {
        let made = tokio::task::spawn_blocking(tempfile::tempdir).await;
        let folder = made
            .unwrap_or_else(|ended| Err(std::io::Error::other(ended)))
            .map_err(|error| not_written(&error))?;
        Ok(Self { path: folder.path().to_owned(), held: Some(folder) })
    }

    /// Removes it here and now.
    fn remove(mut self) {
        drop(self.held.take());
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let (Some(folder), Ok(runtime)) = (self.held.take(), Handle::try_current()) {
            runtime.spawn_blocking(move || drop(folder));
        }
    }
}

/// An upload that arrived, in a folder that must outlive the work, not the request.
struct Import {
    folder: Option<Folder>,
    name: String,
    path: PathBuf,
    by: String,
}

impl Work for Import {
    type Done = Entry;

    fn named(&self) -> (Action, Option<SnapshotRef>) {
        (Action::Import, None)
    }

    fn run(&mut self, snapshots: &Snapshots) -> Result<Entry> {
        let imported = snapshots.import(&self.path, &self.by).map_err(|error| error.on(&self.name));
        if let Some(folder) = self.folder.take() {
            folder.remove();
        }
        imported
    }

    fn tell(&self, entry: &Entry, telling: &Telling<'_>) -> Result<Response> {
        let console = telling.console;
        console.done(Action::Import, StatusCode::CREATED, entry, || {
            take::added(console.links(), entry, telling.listed.as_ref(), "Snapshot imported")
        })
    }

    fn form(&self) -> Option<String> {
        Some("#tool".to_owned())
    }
}

/// The name of an uploaded file without anything that could lead to another folder.
fn plain_name(sent: &str) -> String {
    let plain = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    let kept: String = sent.chars().filter(plain).take(100).collect();
    let kept = kept.trim_start_matches('.');
    if kept.is_empty() { "upload".to_owned() } else { kept.to_owned() }
}

/// What a client sends next, unless it is silent for too long.
async fn within<T>(patience: Duration, sent: impl Future<Output = T>) -> Result<T> {
    tokio::time::timeout(patience, sent).await.map_err(|silent| cut_off(&silent.into()))
}

/// Writes an uploaded file to `path`, and stops as soon as it is too large.
async fn write(field: Field, path: &Path, limit: u64, patience: Duration) -> poem::Result<()> {
    let mut file = tokio::fs::File::create(path).await.map_err(|error| not_written(&error))?;
    let mut reader = Box::pin(field.into_async_read());
    let mut buffer = vec![0; BUFFER];
    let mut written: u64 = 0;
    loop {
        let read =
            within(patience, reader.read(&mut buffer)).await?.map_err(|error| cut_off(&error))?;
        if read == 0 {
            break;
        }
        written += read as u64;
        if written > limit {
            return Err(too_large(limit).into());
        }
        file.write_all(&buffer[..read]).await.map_err(|error| not_written(&error))?;
    }
    file.flush().await.map_err(|error| not_written(&error))?;
    Ok(())
}

fn too_large(limit: u64) -> Error {
    Error::new(ErrorKind::TooLarge, format!("the file is larger than {}", bytes(limit)))
        .on("file")
        .hint("import it on the command line: snapback import FILE")
}

fn cut_off(error: &std::io::Error) -> Error {
    Error::invalid(format!("the upload did not arrive whole ({error})"))
        .on("file")
        .hint("send it again")
}

fn not_written(error: &std::io::Error) -> Error {
    Error::failed(format!("the upload cannot be put into a temporary file ({error})"))
        .on("file")
        .hint("make room in the folder for temporary files, or set TMPDIR to another")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uploaded_name_stays_in_its_folder() {
        assert_eq!(plain_name("../../etc/chat (2).db"), "etcchat2.db");
        for name in ["", "..", "/", "é"] {
            assert_eq!(plain_name(name), "upload");
        }
    }

    #[test]
    fn a_file_beyond_the_limit_names_it_and_the_way_out() {
        let error = too_large(4_000_000_000);
        assert_eq!(error.what(), "the file is larger than 4.0 GB");
        assert_eq!(error.next_step(), "import it on the command line: snapback import FILE");
    }
}
