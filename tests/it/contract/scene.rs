//! What most of these tests begin with: an application that went on after a snapshot.

use snapback::snapshot::SnapshotRef;

use crate::app::{App, State, named};
use crate::client::Client;

/// An application with 30 events, a snapshot of them, 20 further events, and a client.
pub(super) struct Scene {
    pub(super) app: App,
    pub(super) taken: SnapshotRef,
    pub(super) client: Client,
}

impl Scene {
    pub(super) fn new() -> Self {
        let app = App::new().with_events(30);
        let taken = app.take("before");
        app.events(20);
        let client = app.client();
        Self { app, taken, client }
    }

    /// The snapshot's id.
    pub(super) fn id(&self) -> String {
        self.taken.id.to_string()
    }

    /// An address about the snapshot, kind stated: `/snapshots/<id>/preview?kind=periodic`.
    pub(super) fn about(&self, verb: &str) -> String {
        format!("/snapshots/{}/{verb}?kind={}", self.taken.id, self.taken.kind)
    }

    /// Where a form about the snapshot is sent.
    pub(super) fn act(&self, verb: &str) -> String {
        format!("/snapshots/{}/{verb}", self.taken.id)
    }

    /// Where a restore of the snapshot is sent.
    pub(super) fn apply(&self) -> String {
        format!("/snapshots/restore/{}", self.taken.id)
    }

    /// Puts a file into the store that is cut off in the middle.
    pub(super) fn damage(&self) -> SnapshotRef {
        let damaged = named("periodic/damaged");
        self.app.drop_in(&damaged, r#"{"last_event_id": 3, "event_log": [{"id": 1"#);
        damaged
    }

    /// The database, and the name and content of every file of the store.
    pub(super) fn everything(&self) -> (State, Vec<(String, Vec<u8>)>) {
        let mut files = Vec::new();
        let mut folders = vec![self.app.store_dir()];
        while let Some(folder) = folders.pop() {
            for file in std::fs::read_dir(folder).expect("a folder") {
                let path = file.expect("a file").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let content = std::fs::read(&path).expect("a file's content");
                    files.push((path.display().to_string(), content));
                }
            }
        }
        files.sort();
        (self.app.state(), files)
    }
}
