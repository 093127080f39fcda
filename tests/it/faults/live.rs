//! Writers that never stand still.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use object_store::memory::InMemory;
use rusqlite::{Connection, TransactionBehavior};
use snapback::snapshot::{Action, Format, Options, Scope, SnapshotRef};

use super::scene::{assert_all_sound, console};
use super::store::FaultyStore;
use crate::app::{App, BY, apply_event, query, request};
use crate::writer::LiveWriter;

/// Money on two sides, and how often each writer has moved some.
const SIDES: &str = "
    CREATE TABLE left_side(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL, moves INTEGER NOT NULL);
    CREATE TABLE right_side(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL, moves INTEGER NOT NULL);
    CREATE TABLE writers(id INTEGER PRIMARY KEY, moves INTEGER NOT NULL);
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19)
    INSERT INTO left_side SELECT i, 0, 0 FROM n;
    INSERT INTO right_side SELECT id, 0, 0 FROM left_side;
    INSERT INTO writers SELECT id, 0 FROM left_side WHERE id < 8;";

/// Moves money in one transaction of three tables.
fn move_money(connection: &mut Connection, writer: u32) -> rusqlite::Result<i64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let number = |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, i64>(0));
    let moves = number("SELECT sum(moves) FROM writers")? + 1;
    for (table, sign) in [("left_side", -1), ("right_side", 1)] {
        transaction.execute(
            &format!(
                "UPDATE {table} SET balance = balance + ?2 * ?1, moves = moves + 1 WHERE id = ?1 % 20"
            ),
            [moves, sign],
        )?;
    }
    transaction.execute("UPDATE writers SET moves = moves + 1 WHERE id = ?1", [writer])?;
    transaction.commit()?;
    Ok(moves)
}

/// Whether the three tables are of one moment.
fn agree(connection: &Connection) -> bool {
    let sql =
        "SELECT (SELECT sum(balance) FROM left_side) + (SELECT sum(balance) FROM right_side) = 0
        AND (SELECT sum(moves) FROM left_side) = (SELECT sum(moves) FROM writers)
        AND (SELECT sum(moves) FROM right_side) = (SELECT sum(moves) FROM writers)";
    connection.query_row(sql, [], |row| row.get(0)).expect("the sums are asked")
}

/// Takes while eight threads write, with a restore in between now and then.
fn takes_nothing_torn(app: &App, takes: usize) {
    let console = app.reopen();
    let writers = LiveWriter::repeating(&app.db_path(), 8, move_money);
    let mut restored = 0;
    for number in 0..takes {
        let snapshot = console.take(None, BY).expect("a snapshot is taken").snapshot();
        writers.wait_for(2);
        if number % 20 == 19 {
            let scope = if number % 40 == 19 { Scope::Tables } else { Scope::Rewind };
            let answer = console.restore(&request(&snapshot, scope)).expect("a restore");
            restored += 1;
            let told = console.history(1).expect("a history").remove(0);
            assert_eq!(told.action, Action::Restore);
            let waited = format!("writers waited {} ms", answer.lock_ms);
            assert!(told.outcome.ends_with(&waited), "{}", told.outcome);
        }
    }
    let written = writers.stop();
    assert_eq!(written.errors, Vec::<String>::new());
    assert!(agree(&app.application()));
    let list = console.list().expect("a list").snapshots;
    assert_eq!(list.len(), takes + restored);
    for entry in list {
        let file = app.file("torn.sqlite");
        console.export(&entry.snapshot(), Format::Sqlite, &file, BY).expect("an export");
        assert!(agree(&Connection::open(&file).expect("an export")), "{}", entry.snapshot());
        std::fs::remove_file(&file).expect("removed");
    }
}

#[test]
fn no_snapshot_is_torn_and_no_writer_fails() {
    takes_nothing_torn(&App::in_memory().tables_only(SIDES).store_in_memory().keep_last(0), 200);
}

#[test]
fn no_snapshot_is_torn_beside_a_rollback_journal() {
    takes_nothing_torn(
        &App::in_memory().tables_only(SIDES).rollback_journal().store_in_memory().keep_last(0),
        20,
    );
}

/// Two snapshots of an application, in a store that does something right before it writes.
struct Interrupted {
    app: App,
    older: SnapshotRef,
    faulty: FaultyStore,
    console: snapback::snapshot::Snapshots,
}

impl Interrupted {
    fn new(app: App) -> Self {
        let faulty = FaultyStore::over(Arc::new(InMemory::new()));
        let console = console(&app.db_path(), Arc::new(faulty.clone()), Options::default());
        app.events(60);
        let older = console.take(None, BY).expect("a snapshot").snapshot();
        app.events(45);
        Self { app, older, faulty, console }
    }

    /// Restores, and checks that what was written meanwhile is in the safety copy.
    fn restores_what_came_between(&self) {
        let restored =
            self.console.restore(&request(&self.older, Scope::Rewind)).expect("a restore");
        assert_eq!(self.app.position(), 60);
        let copy = self.console.entry(&restored.rewind).expect("the safety copy");
        assert_eq!(copy.last_event_id, Some(106), "the copy misses what came between");
        assert_eq!(restored.events_removed, 46);
        let rewinds = self.console.list().expect("a list").snapshots.len() - 1;
        assert_eq!(rewinds, 1, "one restore leaves one copy");
        self.console.restore(&request(&restored.rewind, Scope::Rewind)).expect("an undo");
        assert_eq!(self.app.position(), 106);
        assert_all_sound(&self.console, "after an interrupted restore");
    }
}

#[test]
fn what_is_written_between_reading_and_locking_is_in_the_safety_copy() {
    let scene = Interrupted::new(App::in_memory());
    let mut application = scene.app.connection();
    scene.faulty.before_next_write(move || {
        apply_event(&mut application).expect("the application writes beside a restore");
    });
    scene.restores_what_came_between();
}

#[test]
fn a_writer_that_waits_for_a_restore_beside_a_rollback_journal_is_in_the_safety_copy() {
    let scene = Interrupted::new(App::in_memory().rollback_journal());
    let path = scene.app.db_path();
    let (send, receive) = mpsc::channel();
    scene.faulty.before_next_write(move || {
        // It has the write lock, and waits with its commit until nobody reads.
        let (locked, wait) = mpsc::channel();
        let application = thread::spawn(move || {
            let mut connection = crate::app::connect(&path);
            let transaction = connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .expect("the write lock");
            transaction
                .execute("INSERT INTO event_log VALUES(106, 'now', 'noted', '{}')", [])
                .expect("an event");
            locked.send(()).expect("somebody waits");
            transaction.commit().expect("the commit does not time out");
        });
        wait.recv().expect("the lock");
        send.send(application).expect("somebody waits");
    });
    scene.restores_what_came_between();
    receive.recv().expect("a thread").join().expect("the application's write");
    assert_eq!(query(&scene.app.application(), "SELECT count(*) FROM event_log"), [["106"]]);
}
