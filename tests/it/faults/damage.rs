//! Bytes of the store that are not what was written.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::{Value, json};
use snapback::ErrorKind;
use snapback::snapshot::{Options, Scope, State};

use super::scene::{Stage, assert_helpful, console};
use super::seeded::Seeded;
use crate::app::request;

const ROUNDS: usize = 1000;

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

fn keys(objects: &InMemory) -> Vec<Path> {
    let metas: Vec<_> = run(objects.list(None).try_collect()).expect("a listing");
    let mut keys: Vec<Path> = metas.into_iter().map(|meta| meta.location).collect();
    keys.sort();
    keys
}

fn get(objects: &InMemory, key: &Path) -> Bytes {
    run(async { objects.get(key).await.expect("an object").bytes().await }).expect("its bytes")
}

fn put(objects: &InMemory, key: &Path, bytes: impl Into<Bytes>) {
    run(objects.put(key, bytes.into().into())).expect("written");
}

impl Stage {
    /// Looks at a damaged store, and restores from it: it is refused as damaged, or it is done
    /// exactly. Says whether it was refused.
    fn refuses(&self, objects: InMemory, context: &str) -> bool {
        let console = console(&self.app.db_path(), Arc::new(objects), Options::default());
        console.list().unwrap_or_else(|error| panic!("{context}: no list: {error:?}"));
        if let Err(error) = console.preview(&self.older) {
            assert_eq!(error.kind(), ErrorKind::Damaged, "{context}: {error:?}");
            assert_helpful(&error, context);
        }
        match console.restore(&request(&self.older, Scope::Rewind)) {
            Ok(_) => {
                assert!(self.app.state() == self.after[1], "{context}: restored something else");
                self.reset();
                false
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Damaged, "{context}: {error:?}");
                assert_helpful(&error, context);
                assert!(self.app.state() == self.before, "{context}: refused and yet changed");
                true
            }
        }
    }

    /// A store whose manifest of the older snapshot says something else, under a good checksum.
    fn with_manifest(&self, change: impl FnOnce(&mut Value)) -> InMemory {
        let objects = self.base.fork();
        let key = Path::from(format!("snapshots/{}.json", self.older));
        let mut envelope: Value = serde_json::from_slice(&get(&objects, &key)).expect("a manifest");
        change(&mut envelope["manifest"]);
        let text = envelope["manifest"].to_string();
        let checksum = blake3::hash(text.as_bytes()).to_hex();
        put(
            &objects,
            &key,
            format!("{{\"snapback\":1,\"checksum\":\"{checksum}\",\"manifest\":{text}}}"),
        );
        objects
    }
}

#[test]
fn flips_and_truncations_anywhere_in_the_store_never_reach_a_row() {
    let stage = Stage::new();
    let keys = keys(&stage.base);
    let mut random = Seeded::new("damage");
    let mut refused = 0;
    for round in 0..ROUNDS {
        let objects = stage.base.fork();
        let key = &keys[random.below(keys.len())];
        let mut bytes = get(&objects, key).to_vec();
        let at = random.below(bytes.len());
        let context = if round % 4 == 3 {
            bytes.truncate(at);
            format!("round {round}: {key} cut at {at}")
        } else {
            let bit = 1 << random.below(8);
            bytes[at] ^= bit;
            format!("round {round}: {key} byte {at} ^ {bit}")
        };
        put(&objects, key, bytes);
        refused += usize::from(stage.refuses(objects, &context));
    }
    assert!(refused > 0 && refused < ROUNDS, "{refused} of {ROUNDS} mattered");
}

#[test]
fn packs_that_are_emptied_or_swapped_are_refused() {
    let stage = Stage::new();
    let packs: Vec<Path> =
        keys(&stage.base).into_iter().filter(|key| key.as_ref().starts_with("packs/")).collect();
    let [one, other] = &packs[..] else { panic!("two packs: {packs:?}") };
    for key in [one, other] {
        let emptied = stage.base.fork();
        put(&emptied, key, Bytes::new());
        stage.refuses(emptied, &format!("{key} emptied"));
    }
    let none = stage.base.fork();
    for key in [one, other] {
        put(&none, key, Bytes::new());
    }
    assert!(stage.refuses(none, "both emptied"));
    // A chunk is found by its hash, so it does not matter which name its pack has.
    let swapped = stage.base.fork();
    put(&swapped, one, get(&stage.base, other));
    put(&swapped, other, get(&stage.base, one));
    assert!(!stage.refuses(swapped, "swapped"));
    // One pack twice is one pack too few.
    let copied = stage.base.fork();
    put(&copied, one, get(&stage.base, other));
    let twice = stage.base.fork();
    put(&twice, other, get(&stage.base, one));
    assert!(stage.refuses(copied, "copied") | stage.refuses(twice, "twice"));
}

#[test]
fn packs_swapped_under_an_open_console_are_noticed() {
    let stage = Stage::new();
    let objects = Arc::new(stage.base.fork());
    let console = console(&stage.app.db_path(), objects.clone(), Options::default());
    console.preview(&stage.older).expect("a preview");
    for key in keys(&stage.base).iter().filter(|key| key.as_ref().starts_with("packs/")) {
        let zeros = vec![0; get(&stage.base, key).len()];
        put(&objects, key, zeros);
    }
    let error = console.restore(&request(&stage.older, Scope::Rewind)).expect_err("zeros");
    assert_eq!(error.kind(), ErrorKind::Damaged, "{error:?}");
    assert_eq!(stage.app.state(), stage.before);
}

#[test]
fn a_manifest_is_listed_as_damaged_whichever_byte_differs() {
    let stage = Stage::new();
    let key = Path::from(format!("snapshots/{}.json", stage.older));
    let bytes = get(&stage.base, &key);
    for at in (0..bytes.len()).step_by(17) {
        let objects = stage.base.fork();
        let mut changed = bytes.to_vec();
        changed[at] ^= 0x04;
        put(&objects, &key, changed);
        let console = console(&stage.app.db_path(), Arc::new(objects), Options::default());
        let entry = console.entry(&stage.older).expect("an entry");
        assert_eq!(entry.state, State::Damaged, "byte {at}");
        assert!(entry.reason.is_some_and(|reason| !reason.is_empty()), "byte {at}");
        assert_eq!(console.entry(&stage.newer).expect("an entry").state, State::Intact);
        let error = console.preview(&stage.older).expect_err("damage");
        assert_eq!(error.kind(), ErrorKind::Damaged, "byte {at}");
    }
}

#[test]
fn labels_and_history_of_garbage_break_nothing() {
    let stage = Stage::new();
    let long = vec![b'['; 70_000];
    for garbage in [&b""[..], b"{", b"[[[[", &[0xff; 100], b"null", &long] {
        let objects = stage.base.fork();
        for key in keys(&stage.base) {
            if !key.as_ref().starts_with("snapshots/") && !key.as_ref().starts_with("packs/") {
                put(&objects, &key, garbage.to_vec());
            }
        }
        assert!(!stage.refuses(objects, &String::from_utf8_lossy(garbage)));
    }
}

#[test]
fn giant_counts_under_a_good_checksum_are_refused() {
    let stage = Stage::new();
    let giant = json!(u64::MAX);
    for field in ["rows", "bytes"] {
        let objects = stage.with_manifest(|manifest| {
            for table in manifest["tables"].as_array_mut().expect("tables") {
                if !table["root"].is_null() {
                    table["root"][field] = giant.clone();
                }
            }
        });
        assert!(stage.refuses(objects, &format!("giant {field}")));
    }
    let height = stage.with_manifest(|manifest| {
        manifest["tables"][0]["root"]["height"] = json!(255);
    });
    assert!(stage.refuses(height, "giant height"));
    let schema = stage.with_manifest(|manifest| manifest["schema"]["bytes"] = giant.clone());
    assert!(stage.refuses(schema, "giant schema"));
    let sizes = stage.with_manifest(|manifest| {
        manifest["stored_bytes"] = giant.clone();
        manifest["new_bytes"] = giant.clone();
    });
    assert!(stage.refuses(sizes, "giant sizes"));
}

#[test]
fn a_giant_manifest_is_listed_and_not_read() {
    let stage = Stage::new();
    let objects = stage.base.fork();
    let mut giant = b"{\"snapback\":1,\"checksum\":\"".to_vec();
    giant.resize(17 << 20, b'0');
    put(&objects, &Path::from(format!("snapshots/{}.json", stage.older)), giant);
    let console = console(&stage.app.db_path(), Arc::new(objects), Options::default());
    let entry = console.entry(&stage.older).expect("an entry");
    let reason = entry.reason.expect("a reason");
    assert!(reason.contains("more than the 16777216 allowed"), "{reason}");
}

#[test]
fn a_count_that_is_off_by_one_is_found_by_verify() {
    let stage = Stage::new();
    let objects = stage.with_manifest(|manifest| {
        let rows = &mut manifest["tables"][0]["root"]["rows"];
        *rows = json!(rows.as_u64().expect("a count") + 1);
    });
    let console = console(&stage.app.db_path(), Arc::new(objects), Options::default());
    let verified = console.verify(Some(&stage.older), "a test").expect("a verification");
    assert_eq!(verified[0].state, State::Damaged, "{verified:?}");
}
