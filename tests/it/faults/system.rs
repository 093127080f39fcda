//! Disks that are full, small or read-only.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use object_store::memory::InMemory;
use snapback::ErrorKind;
use snapback::snapshot::{Options, Scope, Snapshots};
use snapback::store::Store;
use tempfile::TempDir;

use super::process::under;
use super::scene::{assert_all_sound, assert_helpful, console, eager, try_console};
use crate::app::{App, BY, request};

/// A disk of a few megabytes, gone when dropped.
struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// `None` where this user may mount nothing.
    fn new(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = Self { folder };
        disk.mount(&format!("size={megabytes}m")).then_some(disk)
    }

    fn mount(&self, options: &str) -> bool {
        Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "snapback-test"])
            .arg(self.path())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    fn read_only(&self) {
        assert!(self.mount("remount,ro"), "the disk becomes read-only");
    }

    fn writable(&self) {
        assert!(self.mount("remount,rw"), "the disk becomes writable");
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Fills the disk but for some room.
    fn fill_but(&self, kilobytes: u64) {
        let disk = rustix::fs::statvfs(self.path()).expect("a disk");
        let free = disk.f_bavail * disk.f_frsize;
        let filler = vec![1; usize::try_from(free - kilobytes * 1024).expect("a small disk")];
        std::fs::write(self.path().join("filler"), filler).expect("the disk is filled");
    }

    fn clear(&self) {
        std::fs::remove_file(self.path().join("filler")).expect("the filler goes");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn on_disk(app: &App, place: &Path) -> Snapshots {
    let store = Store::directory(&place.join("store")).expect("a store");
    try_console(&app.db_path(), store, eager(0)).expect("a console")
}

/// Rows that do not shrink.
const NOISE: &str = "
    CREATE TABLE noise(id INTEGER PRIMARY KEY, bytes BLOB);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
    INSERT INTO noise SELECT i, randomblob(3000) FROM n;";

/// What holds where nothing can be mounted: the program under a limit on the size of its files.
fn a_limit_on_files_is_told() {
    let app = App::in_memory().with_events(20);
    app.sql(NOISE);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 1024; exec \"$0\" \"$@\""]);
    shell.arg(env!("CARGO_BIN_EXE_snapback"));
    under(&mut shell, &app, &["take"]);
    let output = shell.output().expect("the program runs");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("\nhint: "), "{error}");
    assert!(app.listed().is_empty());
    app.take("with room");
    assert_all_sound(&app.snapshots(), "after a take without room");
}

#[test]
fn files_that_may_not_grow_fail_a_take_and_nothing_else() {
    a_limit_on_files_is_told();
}

#[test]
fn a_full_store_fails_a_take_and_nothing_else() {
    let Some(disk) = SmallDisk::new(16) else { return a_limit_on_files_is_told() };
    let app = App::in_memory().with_events(50);
    let console = on_disk(&app, disk.path());
    let first = console.take(None, BY).expect("a snapshot").snapshot();
    app.sql(NOISE);
    for kilobytes in [0, 4, 64, 2048] {
        disk.fill_but(kilobytes);
        let error = console.take(Some("no room"), BY).expect_err("a full disk");
        assert_helpful(&error, "full");
        assert!(error.next_step().contains("the disk is full"), "{error:?}");
        assert_all_sound(&on_disk(&app, disk.path()), "while the disk is full");
        disk.clear();
        assert_all_sound(&console, "with room again");
        assert_eq!(console.list().expect("a list").snapshots.len(), 1);
    }
    // A restore that cannot keep its safety copy does not begin.
    let before = app.state();
    disk.fill_but(64);
    let error = console.restore(&request(&first, Scope::Rewind)).expect_err("a full disk");
    assert_helpful(&error, "full");
    assert_eq!(app.state(), before);
    disk.clear();
    console.take(None, BY).expect("a take with room");
    assert_all_sound(&console, "at the end");
}

#[test]
fn a_restore_without_room_for_its_changes_is_refused_with_numbers() {
    let Some(disk) = SmallDisk::new(24) else { return a_limit_on_files_is_told() };
    let app = App::in_folder(tempfile::tempdir_in(disk.path()).expect("a folder"));
    app.events(20);
    app.sql(NOISE);
    let objects = Arc::new(InMemory::new());
    let console = console(&app.db_path(), objects, Options::default());
    let full = console.take(None, BY).expect("a snapshot").snapshot();
    app.sql("DELETE FROM noise; PRAGMA wal_checkpoint(TRUNCATE);");
    let before = app.state();
    disk.fill_but(1024);
    let error = console.restore(&request(&full, Scope::Tables)).expect_err("no room");
    assert!(error.what().starts_with("the disk has too little room: "), "{error:?}");
    assert!(error.what().ends_with(" are free"), "{error:?}");
    assert_helpful(&error, "no room");
    assert_eq!(app.state(), before);
    assert_eq!(console.list().expect("a list").snapshots.len(), 1, "no copy of nothing");
    disk.clear();
    console.restore(&request(&full, Scope::Tables)).expect("a restore with room");
    assert_eq!(app.value("SELECT count(*) FROM noise"), "1000");
    assert_all_sound(&console, "with room again");
}

/// Small changes on every page: far more is written than the rows that change.
#[test]
fn a_disk_that_fills_up_during_a_restore_leaves_the_database_as_it_was() {
    let Some(disk) = SmallDisk::new(32) else { return a_limit_on_files_is_told() };
    let app = App::in_folder(tempfile::tempdir_in(disk.path()).expect("a folder"));
    app.events(20);
    app.sql(
        "CREATE TABLE wide(id INTEGER PRIMARY KEY, number INTEGER, text TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
         INSERT INTO wide SELECT i, 0, printf('%0150d', i) FROM n;",
    );
    let console = console(&app.db_path(), Arc::new(InMemory::new()), Options::default());
    let old = console.take(None, BY).expect("a snapshot").snapshot();
    app.sql("UPDATE wide SET number = 1 WHERE id % 24 = 0; PRAGMA wal_checkpoint(TRUNCATE);");
    let before = app.state();
    disk.fill_but(2048);
    let error = console.restore(&request(&old, Scope::Tables)).expect_err("a full disk");
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.next_step().contains("the disk is full"), "{error:?}");
    assert_helpful(&error, "filled up");
    assert!(app.state() == before);
    assert_eq!(app.value("PRAGMA integrity_check"), "'ok'");
    disk.clear();
    // The application goes on, and so does the next attempt.
    app.events(1);
    console.restore(&request(&old, Scope::Tables)).expect("a restore with room");
    assert_eq!(app.value("SELECT sum(number) FROM wide"), "0");
    assert_all_sound(&console, "with room again");
}

#[test]
fn a_read_only_store_is_looked_at_and_not_written() {
    let Some(disk) = SmallDisk::new(8) else { return a_limit_on_files_is_told() };
    let app = App::in_memory().with_events(50);
    let console = on_disk(&app, disk.path());
    let first = console.take(None, BY).expect("a snapshot").snapshot();
    app.events(10);
    let before = app.state();
    disk.read_only();
    for console in [&console, &on_disk(&app, disk.path())] {
        console.preview(&first).expect("a preview");
        assert_all_sound(console, "read-only");
        let errors = [
            console.take(None, BY).expect_err("a take"),
            console.restore(&request(&first, Scope::Rewind)).expect_err("a restore"),
            console.delete(&first, BY).expect_err("a delete"),
            console.prune(false, BY).expect_err("a prune"),
        ];
        for error in errors {
            assert_helpful(&error, "read-only");
            assert!(error.next_step().contains("read-only"), "{error:?}");
        }
    }
    assert_eq!(app.state(), before);
    disk.writable();
    console.take(None, BY).expect("a take");
    console.restore(&request(&first, Scope::Rewind)).expect("a restore");
    assert_all_sound(&console, "writable again");
}
