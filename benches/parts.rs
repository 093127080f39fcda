//! What the parts cost, each alone: `cargo bench --bench parts`.
//!
//! What reads foreign bytes is measured through the entrances that the fuzzer uses; everything else
//! through what the crate offers to anyone.

#![allow(missing_docs, unreachable_pub, reason = "a program, not an interface")]
#![allow(clippy::expect_used, reason = "a bench that cannot prepare has nothing to measure")]

#[path = "support/console.rs"]
#[expect(dead_code, reason = "the console is not served here")]
mod console;
#[path = "support/generate.rs"]
#[expect(dead_code, reason = "the other bench names the projections")]
mod generate;

use std::path::Path;
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use poem::http::Uri;
use poem::{Endpoint, Request};
use snapback::database::{Database, EventOptions};
use snapback::fuzzing;
use snapback::snapshot::{Options, Point, Retention, SnapshotRef, Snapshots};
use snapback::store::Store;
use snapback::web;

fn main() {
    divan::main();
}

/// A database of 10 MB with two snapshots, one drift apart; the second one is its present state.
struct Chat {
    folder: tempfile::TempDir,
    snapshots: Snapshots,
    before: SnapshotRef,
    after: SnapshotRef,
    pack: Vec<u8>,
}

static CHAT: LazyLock<Chat> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, store) = (folder.path().join("app.db"), folder.path().join("store"));
    generate::generate(&path, 10).expect("a database");
    let database = Database::open(&path, &EventOptions::default()).expect("a database");
    let options = Options { retention: Retention::last(0), ..Options::default() };
    let to = Store::directory(&store).expect("a store");
    let snapshots = Snapshots::open(database, to, options).expect("snapshots");
    let take = || snapshots.take(None, "bench").expect("taken").snapshot();
    let before = take();
    let pack = the_pack(&store);
    generate::drift(&path, 1).expect("drift");
    let after = take();
    Chat { folder, snapshots, before, after, pack }
});

fn the_pack(store: &Path) -> Vec<u8> {
    let packs = std::fs::read_dir(store.join("packs")).expect("packs");
    let pack = packs.flatten().next().expect("a pack");
    std::fs::read(pack.path()).expect("its bytes")
}

/// A row of a chat, as a chunk has it.
const ROW: &[u8] = br#"[48213,241,"user","again the evening tram under the yellow window, a letter for the \"museum\"\nand quietly the rain on the harbour bridge, one more chapter of the little story",1795377886]"#;

/// A row is read, written and read again.
#[divan::bench]
fn row_codec(bencher: Bencher<'_, '_>) {
    bencher.counter(BytesCount::new(ROW.len())).bench(|| fuzzing::row(divan::black_box(ROW)));
}

/// SQLite alone reads every row: what a first take is held against.
#[divan::bench]
fn sqlite_reads_every_row(bencher: Bencher<'_, '_>) {
    let path = CHAT.folder.path().join("app.db");
    let connection = rusqlite::Connection::open(path).expect("a database");
    bencher.bench_local(|| {
        for table in ["event_log", "bots", "chats", "messages", "memories"] {
            let mut rows = connection.prepare(&format!("SELECT * FROM {table}")).expect("rows");
            let width = rows.column_count();
            let mut rows = rows.query([]).expect("rows");
            while let Some(row) = rows.next().expect("a row") {
                for column in 0..width {
                    divan::black_box(row.get_ref(column).expect("a value"));
                }
            }
        }
    });
}

/// Every row is read, written as a line, cut into chunks, hashed, compressed and kept in memory.
#[divan::bench]
fn first_take_into_memory(bencher: Bencher<'_, '_>) {
    let path = CHAT.folder.path().join("app.db");
    let database = Database::open(&path, &EventOptions::default()).expect("a database");
    bencher
        .with_inputs(|| {
            let store = Store::memory();
            Snapshots::open(database.clone(), store, Options::default()).expect("snapshots")
        })
        .bench_values(|snapshots| snapshots.take(None, "bench").expect("taken"));
}

/// All chunks of a pack are unpacked and checked against their hashes.
#[divan::bench]
fn pack_read_back(bencher: Bencher<'_, '_>) {
    let pack = &CHAT.pack;
    bencher.counter(BytesCount::new(pack.len())).bench(|| fuzzing::chunk(divan::black_box(pack)));
}

/// Two trees, one drift apart, are compared: only what differs is read.
#[divan::bench]
fn compare_after_drift(bencher: Bencher<'_, '_>) {
    let chat = &*CHAT;
    let points = [&chat.before, &chat.after].map(|snapshot| Point::Snapshot(snapshot.clone()));
    bencher.bench(|| chat.snapshots.compare(&points[0], &points[1]).expect("a comparison"));
}

/// Every page of an unchanged database is hashed, and no row is read.
#[divan::bench]
fn preview_of_the_same(bencher: Bencher<'_, '_>) {
    let chat = &*CHAT;
    bencher.bench(|| chat.snapshots.preview(&chat.after).expect("a preview"));
}

/// A list of so many snapshots, and the console in this process, without a connection.
struct Listed {
    _folder: tempfile::TempDir,
    scene: console::Scene,
    runtime: tokio::runtime::Runtime,
    console: poem::endpoint::BoxEndpoint<'static, poem::Response>,
}

/// How many snapshots are listed.
const SNAPSHOTS: i64 = 300;

static LISTED: LazyLock<Listed> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let scene = console::Scene::new(folder.path(), SNAPSHOTS).expect("snapshots");
    let console =
        poem::EndpointExt::boxed(web::routes(scene.snapshots.clone(), web::Options::default()));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    Listed { _folder: folder, scene, runtime, console }
});

impl Listed {
    fn page(&self) -> Vec<u8> {
        self.runtime.block_on(async {
            let request = Request::builder()
                .uri(Uri::from_static("/snapshots"))
                .header("Host", "localhost")
                .header("Accept-Encoding", "gzip")
                .finish();
            let response = self.console.get_response(request).await;
            response.into_body().into_vec().await.expect("a page")
        })
    }
}

/// The page of a list in which nothing has changed.
#[divan::bench]
fn list_page_unchanged(bencher: Bencher<'_, '_>) {
    let listed = &*LISTED;
    bencher.counter(ItemsCount::new(1_usize)).bench(|| listed.page());
}

/// The page after the database has moved: made, and compressed, anew.
#[divan::bench]
fn list_page_made_anew(bencher: Bencher<'_, '_>) {
    let listed = &*LISTED;
    let mut application = listed.scene.application().expect("the application");
    let mut round = 0;
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        round += 1;
        console::events(&mut application, round, jiff::Timestamp::now()).expect("events");
        listed.page()
    });
}
