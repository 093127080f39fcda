//! The walk over two trees against a plain comparison of two maps.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::super::pack::{Chunk, ChunkHash};
use super::super::row;
use super::super::source::each_row;
use super::super::tree::{ChunkSink, TreeBuilder};
use super::*;
use crate::database::Schema;

/// Rows by their key; the text is long, so that a few hundred rows make a tree of several levels.
type Rows = BTreeMap<i64, u8>;

/// The chunks of a tree, in memory.
#[derive(Default)]
struct Chunks(HashMap<ChunkHash, Chunk>);

impl ChunkSink for Chunks {
    fn chunk(&mut self, chunk: Chunk, _height: u8) -> Result<()> {
        self.0.insert(chunk.hash(), chunk);
        Ok(())
    }
}

impl ChunkSource for Chunks {
    fn chunk(&self, _table: &Table, node: &Node) -> Result<Chunk> {
        Ok(self.0[&node.hash].clone())
    }
}

/// Chunks, and the most bytes of them that were asked for at once.
#[derive(Default)]
struct Watched(Chunks, std::cell::Cell<u64>);

impl ChunkSource for Watched {
    fn chunk(&self, table: &Table, node: &Node) -> Result<Chunk> {
        self.0.chunk(table, node)
    }

    fn chunks(&self, table: &Table, nodes: &[Node]) -> Result<Vec<Chunk>> {
        let bytes = nodes.iter().map(|node| node.bytes).sum();
        self.1.set(self.1.get().max(bytes));
        nodes.iter().map(|node| self.chunk(table, node)).collect()
    }
}

fn table() -> Table {
    let connection = rusqlite::Connection::open_in_memory().expect("a database");
    connection.execute_batch("CREATE TABLE t(id INTEGER PRIMARY KEY, body)").expect("a table");
    let schema = Schema::read(&connection).expect("a schema");
    schema.table("t").expect("the table").clone()
}

fn values(id: i64, version: u8) -> Vec<Value> {
    vec![Value::Integer(id), Value::Text(format!("{version} {}", "body ".repeat(60)))]
}

fn tree(rows: &Rows) -> (Chunks, Option<Node>) {
    let mut chunks = Chunks::default();
    let mut builder = TreeBuilder::new(&mut chunks);
    for (&id, &version) in rows {
        let mut line = Vec::new();
        row::write_row(&mut line, &values(id, version));
        builder.add(&line, format!("[{id}]").as_bytes()).expect("added");
    }
    let root = builder.finish().expect("a tree");
    (chunks, root)
}

/// What a row by row comparison finds.
fn reference(before: &Rows, after: &Rows) -> Vec<Difference> {
    let ids: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
    let side = |rows: &Rows, id| rows.get(&id).map_or_else(Vec::new, |&row| values(id, row));
    ids.into_iter()
        .filter(|id| before.get(id) != after.get(id))
        .map(|id| Difference {
            change: match (before.contains_key(&id), after.contains_key(&id)) {
                (true, true) => Change::Changed,
                (true, false) => Change::Removed,
                _ => Change::Added,
            },
            identity: vec![Value::Integer(id)],
            before: side(before, id),
            after: side(after, id),
        })
        .collect()
}

/// What is done to the rows of one side to make those of the other: single rows and whole ranges.
fn edits() -> impl Strategy<Value = Vec<(i64, i64, Option<u8>)>> {
    let length = prop_oneof![4 => Just(1), 1 => 1..300_i64];
    prop::collection::vec((0..1000_i64, length, prop::option::of(0..3_u8)), 0..12)
}

fn edited(rows: &Rows, edits: &[(i64, i64, Option<u8>)]) -> Rows {
    let mut rows = rows.clone();
    for &(first, length, version) in edits {
        for id in first..first + length {
            match version {
                Some(version) => rows.insert(id, version),
                None => rows.remove(&id),
            };
        }
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_walk_finds_what_a_comparison_row_by_row_finds(
        base in prop::collection::btree_map(0..1000_i64, 0..3_u8, 0..500),
        left in edits(),
        right in edits(),
        from in 0..1300_i64,
    ) {
        let (before, after) = (edited(&base, &left), edited(&base, &right));
        let table = table();
        let ((old, old_root), (new, new_root)) = (tree(&before), tree(&after));
        let sides = (
            Side { source: &old, root: old_root.as_ref() },
            Side { source: &new, root: new_root.as_ref() },
        );
        let expected = reference(&before, &after);

        let walk = Differences::new(&table, sides.0, sides.1, None);
        let found: Vec<Difference> = walk.collect::<Result<_>>().expect("a walk");
        prop_assert_eq!(&found, &expected);

        let mut counted = Counts::default();
        for difference in &expected {
            counted.count(difference.change, 1);
        }
        prop_assert_eq!(counts(&table, sides.0, sides.1).expect("counts"), counted);

        let behind = vec![Value::Integer(from)];
        let walk = Differences::new(&table, sides.0, sides.1, Some(behind.clone()));
        let found: Vec<Difference> = walk.collect::<Result<_>>().expect("a walk");
        let later = expected.into_iter().filter(|difference| difference.identity > behind);
        prop_assert_eq!(found, later.collect::<Vec<_>>());
    }
}

#[test]
fn lines_that_two_chunks_share_at_both_ends_are_whole() {
    let same = |a: &str, b: &str| {
        let (head, tail) = same_lines(a.as_bytes(), b.as_bytes());
        assert!(head + tail <= a.len().min(b.len()));
        (a[..head].to_owned(), a[a.len() - tail..].to_owned())
    };
    let shared = |head: &str, tail: &str| (head.to_owned(), tail.to_owned());
    assert_eq!(same("a\nb\nc\n", "a\nx\nc\n"), shared("a\n", "c\n"));
    assert_eq!(same("a\nb\n", "a\nb\n"), shared("a\nb\n", ""));
    assert_eq!(same("a\nb\n", "a\nb\nc\n"), shared("a\nb\n", ""));
    // A line of one that ends like a line of the other is no common line.
    assert_eq!(same("xb\nc\n", "yb\nc\n"), shared("", "c\n"));
    assert_eq!(same("ab\n", "ac\n"), shared("", ""));
    assert_eq!(same("", "a\n"), shared("", ""));
    let long = |middle: &str| {
        let lines = "[0]\n".repeat(90);
        format!("{lines}{middle}{lines}")
    };
    let (head, tail) = same(&long("[1,2]\n"), &long("[3]\n[4]\n"));
    assert_eq!((head.lines().count(), tail.lines().count()), (90, 90));
}

#[test]
fn however_large_rows_are_few_of_their_bytes_are_read_at_once() {
    let mut watched = Watched::default();
    let mut builder = TreeBuilder::new(&mut watched.0);
    for id in 0..40 {
        let mut line = Vec::new();
        row::write_row(&mut line, &[Value::Integer(id), Value::Blob(vec![7; 300_000])]);
        builder.add(&line, format!("[{id}]").as_bytes()).expect("added");
    }
    let root = builder.finish().expect("a tree").expect("rows");
    let (table, nothing) = (table(), Chunks::default());
    let before = Side { source: &nothing, root: None };
    let after = Side { source: &watched, root: Some(&root) };
    assert_eq!(Differences::new(&table, before, after, None).count(), 40);
    let mut rows = 0;
    each_row(&watched, &table, &root, &mut |_| {
        rows += 1;
        Ok(())
    })
    .expect("read");
    assert_eq!(rows, 40);
    let most = watched.1.get();
    assert!((1..=3 << 20).contains(&most), "{most} bytes at once");
}
