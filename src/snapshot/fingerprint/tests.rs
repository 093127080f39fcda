use std::path::PathBuf;

use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::database::{Database, EventOptions, Schema};
use crate::snapshot::contents::Contents;
use crate::snapshot::progress::Progress;
use crate::snapshot::source::Nowhere;

/// The name and the root of each table.
type Roots = Vec<(String, Option<ChunkHash>)>;

/// Roots of all tables, read with a session or by rows.
fn read(view: View<'_>, schema: &Schema, session: Option<&mut Session<'_>>) -> Roots {
    let progress = Progress::default();
    Contents::of_database(view, &schema.tables, &mut Nowhere, &progress, session, None)
        .expect("contents")
        .roots()
        .map(|(name, root)| (name.to_owned(), root.map(|root| root.hash)))
        .collect()
}

/// Roots of all tables, read by their pages where these are the same, and read by rows.
fn roots(database: &Database, folder: &Path) -> [Roots; 2] {
    let readers = database.readers();
    let transaction = database.read().expect("a transaction");
    let beside = readers.follow();
    let view = transaction.view();
    let schema = view.schema().expect("a schema");
    let mut session = Session::begin(folder, view, beside, true).expect("pages");
    assert!(session.is_some(), "this build shows pages");
    let roots = [read(view, &schema, session.as_mut()), read(view, &schema, None)];
    if let Some(session) = session {
        session.finish(folder);
    }
    roots
}

fn application(folder: &Path, sql: &str) -> (PathBuf, Connection) {
    let path = folder.join("app.db");
    let connection = Connection::open(&path).expect("a database");
    connection.execute_batch(sql).expect("a schema");
    (path, connection)
}

fn open(path: &Path) -> Database {
    let none = EventOptions { table: Some("none".into()), ..EventOptions::default() };
    Database::open(path, &none).expect("opened")
}

/// A database with so many rows of so many random bytes.
fn with_rows(folder: &Path, rows: usize, bytes: usize) -> Database {
    let (path, connection) = application(folder, SCHEMA);
    connection
        .execute_batch(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO a SELECT i, hex(randomblob({bytes})) FROM n"
        ))
        .expect("rows");
    open(&path)
}

const SCHEMA: &str =
    "PRAGMA page_size = 1024; PRAGMA auto_vacuum = incremental; PRAGMA journal_mode = wal;
    CREATE TABLE a(id INTEGER PRIMARY KEY, x TEXT);
    CREATE TABLE b(key TEXT PRIMARY KEY, x BLOB);
    CREATE TABLE c(k TEXT PRIMARY KEY, x) WITHOUT ROWID;
    CREATE TABLE d(r REAL, t TEXT, any, n NUMERIC);
    CREATE TABLE e(id INTEGER PRIMARY KEY, x, twice AS (x || x), kept AS (hex(x)) STORED);
    CREATE INDEX ax ON a(x);";

/// Something that an application does: SQL with places for random numbers.
fn mutation() -> impl Strategy<Value = String> {
    let n = 0..400_i64;
    let few = 1..40_i64;
    prop_oneof![
        (n.clone(), few.clone()).prop_map(|(at, rows)| format!(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT OR REPLACE INTO a(id, x) SELECT {at} * 7 + i, hex(randomblob(abs(random()) % 900)) FROM n"
        )),
        few.clone().prop_map(|rows| format!(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO b SELECT hex(randomblob(8)), randomblob(abs(random()) % 9000) FROM n"
        )),
        few.clone().prop_map(|rows| format!(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO c SELECT hex(randomblob(8)), randomblob(abs(random()) % 900) FROM n"
        )),
        // Every storage class and length of a value, in columns of every affinity.
        (n.clone(), few.clone()).prop_map(|(at, rows)| format!(
            "WITH RECURSIVE n(i) AS (SELECT {at} UNION ALL SELECT i + 1 FROM n WHERE i < {at} + {rows}),
             v(i, x) AS (SELECT i, CASE i % 13 WHEN 0 THEN NULL WHEN 1 THEN 0 WHEN 2 THEN 1
                WHEN 3 THEN -128 WHEN 4 THEN 32767 WHEN 5 THEN -8388608 WHEN 6 THEN 140737488355327
                WHEN 7 THEN -9223372036854775808 WHEN 8 THEN -0.0 WHEN 9 THEN 9e999 WHEN 10 THEN 2.5
                WHEN 11 THEN CAST(x'66ff' AS TEXT) ELSE zeroblob(i) END FROM n)
             INSERT INTO d(r, t, any, n) SELECT x, x, x, x FROM v"
        )),
        (n.clone(), few.clone()).prop_map(|(at, rows)| format!(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT OR REPLACE INTO e(id, x) SELECT {at} + i, i FROM n"
        )),
        (n.clone(), 0..9_i64).prop_map(|(at, length)| format!(
            "UPDATE a SET x = hex(randomblob({length}00)) WHERE id % 97 = {at} % 97"
        )),
        // The end of an overflow chain, rewritten in place.
        n.clone().prop_map(|at| format!(
            "UPDATE b SET x = CAST(substr(x, 1, max(length(x) - 1, 0)) || 'z' AS BLOB) WHERE rowid % 13 = {at} % 13"
        )),
        (n.clone(), few).prop_map(|(at, rows)| format!("DELETE FROM a WHERE id BETWEEN {at} * 7 AND {at} * 7 + {rows} * 7")),
        n.clone().prop_map(|at| format!("DELETE FROM b WHERE rowid % 5 = {at} % 5")),
        n.prop_map(|at| format!("INSERT OR IGNORE INTO a(id, x) VALUES(-9223372036854775808 + {at} % 2, 'first'), (9223372036854775807, 'last')")),
        Just("VACUUM".to_owned()),
        Just("PRAGMA incremental_vacuum".to_owned()),
        Just("PRAGMA wal_checkpoint(truncate)".to_owned()),
        Just("DROP TABLE b; CREATE TABLE b(key TEXT PRIMARY KEY, x BLOB); INSERT INTO b VALUES('k', 'v')".to_owned()),
        Just("ALTER TABLE a ADD COLUMN later DEFAULT 'd'".to_owned()),
        Just("ALTER TABLE d ADD COLUMN later DEFAULT 2.0".to_owned()),
        Just("REINDEX".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_reading_by_pages_gives_what_a_reading_by_rows_gives(
        steps in proptest::collection::vec(
            proptest::collection::vec((mutation(), any::<bool>()), 1..4), 1..12)
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, connection) = application(folder.path(), SCHEMA);
        let database = open(&path);
        let attached = Connection::open_in_memory().expect("a database");
        attached
            .execute("ATTACH ?1 AS app", [path.to_str().expect("UTF-8")])
            .expect("attached");
        for step in steps {
            for (sql, is_attached) in step {
                let rows_only = !sql.contains("VACUUM") && !sql.starts_with("PRAGMA");
                let writer =
                    if is_attached && rows_only && !sql.contains("DROP") && !sql.contains("REINDEX") { &attached } else { &connection };
                // A column is added once; the second time is an error that changes nothing.
                let done = writer.execute_batch(&sql);
                prop_assert!(done.is_ok() || sql.starts_with("ALTER"), "{sql}: {done:?}");
            }
            let [by_pages, by_rows] = roots(&database, folder.path());
            prop_assert_eq!(by_pages, by_rows);
        }
    }
}

#[test]
fn a_cache_that_is_cut_short_while_it_is_read_costs_time_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = with_rows(folder.path(), 9_000, 400);
    let [by_pages, _] = roots(&database, folder.path());
    let cache = std::fs::OpenOptions::new().write(true).open(folder.path().join(FILE));
    let cache = cache.expect("a cache");
    let transaction = database.read().expect("a transaction");
    let view = transaction.view();
    let schema = view.schema().expect("a schema");
    let mut session =
        Session::begin(folder.path(), view, Vec::new(), false).expect("pages").expect("shown");
    // Its checksum was right, and a part of it is in memory already.
    let length = cache.metadata().expect("a cache").len();
    assert!(length > 2 << 16, "{length}");
    cache.set_len(length - 1000).expect("cut");
    let roots = read(view, &schema, Some(&mut session));
    assert!(!session.memory.can_tell(), "it was cut where it is read");
    assert_eq!(roots, by_pages);
}

#[test]
fn a_damaged_cache_costs_time_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = with_rows(folder.path(), 3_000, 50);
    roots(&database, folder.path());
    let cache = folder.path().join(FILE);
    let sound = std::fs::read(&cache).expect("a cache");
    for at in (0..sound.len()).step_by(sound.len() / 40) {
        let mut damaged = sound.clone();
        damaged[at] ^= 4;
        std::fs::write(&cache, &damaged).expect("written");
        assert!(Before::open(&cache).is_err(), "byte {at}");
        std::fs::write(&cache, &damaged[..at]).expect("written");
        let [by_pages, by_rows] = roots(&database, folder.path());
        assert_eq!(by_pages, by_rows);
    }
}
