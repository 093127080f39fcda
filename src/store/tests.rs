use super::*;

use std::fs;
use std::io::Read;
use std::sync::Barrier;
use std::thread;
use std::time::SystemTime;

use tempfile::TempDir;

use crate::error::ErrorKind;

/// Every kind of store: what holds for one holds for all.
fn stores() -> Vec<(Store, TempDir)> {
    let (directory, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir());
    let on_disk = Store::directory(&directory.path().join("store")).expect("a store");
    vec![(on_disk, directory), (Store::memory(), other.expect("a folder"))]
}

fn on_disk() -> (Store, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    (Store::directory(folder.path()).expect("a store"), folder)
}

fn keys(store: &Store, prefix: &str) -> Vec<String> {
    store.list(prefix).expect("a listing").into_iter().map(|meta| meta.key).collect()
}

#[test]
fn an_object_is_written_read_replaced_listed_and_deleted() {
    for (store, _folder) in stores() {
        assert_eq!(store.get("a/b.json", 9).expect("absent"), None);
        assert_eq!(store.tail("a/b.json", 9).expect("absent"), None);
        assert!(!store.delete("a/b.json").expect("nothing to delete"));
        assert!(store.put_new("a/b.json", "one").expect("written"));
        store.put("a/b.json", "two!").expect("replaced");
        store.put("a/a.json", "").expect("written");
        store.put("a/deeper/c.json", "x").expect("written");
        assert_eq!(store.get("a/b.json", 4).expect("read").as_deref(), Some(&b"two!"[..]));
        assert_eq!(keys(&store, "a"), ["a/a.json", "a/b.json"]);
        assert_eq!(store.list("a").expect("a listing")[1].size, 4);
        assert!(store.delete("a/b.json").expect("deleted"));
        assert_eq!(keys(&store, "a"), ["a/a.json"]);
        assert_eq!(keys(&store, "nothing"), [""; 0]);
    }
}

#[test]
fn parts_of_an_object_are_read() {
    for (store, _folder) in stores() {
        store.put("a", "0123456789").expect("written");
        assert_eq!(store.tail("a", 3).expect("read").as_deref(), Some(&b"789"[..]));
        assert_eq!(store.tail("a", 99).expect("read").as_deref(), Some(&b"0123456789"[..]));
        let parts = store.ranges("a", &[4..6, 0..1, 5..10]).expect("read");
        assert_eq!(parts, ["45", "0", "56789"]);
        for range in [8..11, 10..11, 20..30] {
            let error = store.ranges("a", &[range]).expect_err("too short");
            assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
        }
        let absent = 0..1;
        let error = store.ranges("b", std::slice::from_ref(&absent)).expect_err("not there");
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}

#[test]
fn an_object_larger_than_expected_is_not_read() {
    for (store, _folder) in stores() {
        store.put("a", "12345").expect("written");
        assert!(store.get("a", 5).expect("read").is_some());
        let error = store.get("a", 4).expect_err("too large");
        assert_eq!(error.kind(), ErrorKind::Damaged);
        assert_eq!(error.what(), "5 bytes are more than the 4 allowed");
    }
}

#[test]
fn of_many_writers_of_one_new_object_one_wins() {
    for (store, _folder) in stores() {
        let barrier = Barrier::new(8);
        let winners: Vec<u8> = thread::scope(|scope| {
            let write = |writer: u8| {
                barrier.wait();
                store.put_new("a/one", vec![writer; 100]).expect("an answer").then_some(writer)
            };
            let writers: Vec<_> = (0..8).map(|writer| scope.spawn(move || write(writer))).collect();
            writers.into_iter().filter_map(|writer| writer.join().expect("no panic")).collect()
        });
        assert_eq!(winners.len(), 1);
        let kept = store.get("a/one", 100).expect("read").expect("an object");
        assert_eq!(kept, vec![winners[0]; 100]);
    }
}

#[test]
fn an_upload_of_any_size_reads_back_through_a_reader() {
    for (store, _folder) in stores() {
        for size in [0, 1, (8 << 20) - 1, 8 << 20, (8 << 20) + 1, 17 << 20] {
            let bytes: Vec<u8> = (0..size).map(|at: u32| at.to_le_bytes()[1]).collect();
            let mut upload = store.upload("packs/a").expect("an upload");
            for piece in bytes.chunks(3_000_001) {
                upload.write(piece).expect("written");
            }
            assert_eq!(upload.finish().expect("finished"), u64::from(size));
            let mut reader = store.reader("packs/a").expect("a reader");
            assert_eq!(reader.size(), u64::from(size));
            let mut read = Vec::new();
            reader.read_to_end(&mut read).expect("read");
            assert!(read == bytes, "{size} bytes");
        }
    }
}

#[test]
fn an_upload_that_is_dropped_leaves_nothing() {
    let (store, folder) = on_disk();
    for size in [100, 20 << 20] {
        let mut upload = store.upload("packs/a").expect("an upload");
        upload.write(&vec![1; size]).expect("written");
        assert_eq!(store.get("packs/a", 1 << 30).expect("absent"), None);
        drop(upload);
        let packs = fs::read_dir(folder.path().join("packs"));
        assert_eq!(packs.map_or(0, Iterator::count), 0, "{size} bytes");
    }
}

#[test]
fn a_store_can_be_used_from_the_blocking_threads_of_another_runtime() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let store = Store::memory();
    let used = runtime.block_on(async {
        tokio::task::spawn_blocking(move || {
            store.put("a", "1")?;
            let mut upload = store.upload("b")?;
            upload.write(&vec![0; 9 << 20])?;
            drop(upload);
            store.get("a", 1)
        })
        .await
    });
    assert_eq!(used.expect("no panic").expect("read").as_deref(), Some(&b"1"[..]));
}

#[test]
fn an_unfinished_upload_can_be_dropped_on_an_async_thread() {
    let store = Store::memory();
    let mut upload = store.upload("b").expect("an upload");
    upload.write(&vec![0; 9 << 20]).expect("written");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async move { drop(upload) });
    assert_eq!(keys(&store, "b"), [""; 0]);
}

#[test]
fn the_lock_excludes_other_threads_and_other_openings() {
    for (store, _folder) in stores() {
        let other = match store.path() {
            Some(path) => Store::directory(path).expect("the same store"),
            None => store.clone(),
        };
        let lock = store.lock(Duration::ZERO).expect("free");
        let error = other.lock(Duration::from_millis(30)).expect_err("held");
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert_eq!(error.thing(), store.location());
        let waiting = thread::spawn(move || other.lock(Duration::from_mins(1)).map(drop));
        drop(lock);
        waiting.join().expect("no panic").expect("freed");
        drop(store.lock(Duration::ZERO).expect("free again"));
    }
}

#[test]
fn the_lock_keeps_increments_apart() {
    for (store, _folder) in stores() {
        store.put("count", "0").expect("written");
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let _lock = store.lock(Duration::from_mins(1)).expect("my turn");
                        let count = store.get("count", 9).expect("read").expect("a count");
                        let count: u32 =
                            str::from_utf8(&count).expect("text").parse().expect("a number");
                        store.put("count", (count + 1).to_string()).expect("written");
                    }
                });
            }
        });
        assert_eq!(store.get("count", 9).expect("read").as_deref(), Some(&b"20"[..]));
    }
}

#[test]
fn keys_that_leave_the_store_are_refused_everywhere() {
    for (store, folder) in stores() {
        for key in ["../out", "a/../../out", "/etc/passwd", "", "a//b", ".hidden"] {
            assert!(store.put(key, "x").is_err(), "{key}");
            assert!(store.put_new(key, "x").is_err(), "{key}");
            assert!(store.get(key, 9).is_err(), "{key}");
            assert!(store.delete(key).is_err(), "{key}");
            assert!(store.list(key).is_err(), "{key}");
            assert!(store.upload(key).is_err(), "{key}");
            assert!(store.reader(key).is_err(), "{key}");
        }
        assert!(!folder.path().join("out").exists());
    }
}

#[cfg(unix)]
#[test]
fn a_linked_file_is_listed_as_a_link_deleted_and_never_followed() {
    let (store, folder) = on_disk();
    let secret = folder.path().join("secret");
    fs::write(&secret, "secret").expect("written");
    store.put("packs/real", "x").expect("written");
    std::os::unix::fs::symlink(&secret, folder.path().join("packs/link")).expect("a link");
    std::os::unix::fs::symlink("nowhere", folder.path().join("packs/broken")).expect("a link");
    let links: Vec<(String, bool)> = store
        .list("packs")
        .expect("a listing")
        .into_iter()
        .map(|meta| (meta.key, meta.link))
        .collect();
    let expected = [("packs/broken", true), ("packs/link", true), ("packs/real", false)];
    assert_eq!(links, expected.map(|(key, link)| (key.to_owned(), link)));
    assert_eq!(store.get("packs/link", 99).expect_err("a link").kind(), ErrorKind::Damaged);
    let range = 0..1;
    assert!(store.ranges("packs/link", std::slice::from_ref(&range)).is_err());
    assert!(store.tail("packs/link", 1).is_err());
    assert!(store.reader("packs/link").is_err());
    assert!(store.put("packs/link", "y").is_err());
    assert!(store.upload("packs/broken").is_err());
    assert!(store.delete("packs/link").expect("deleted"));
    assert_eq!(fs::read(&secret).expect("still there"), b"secret");
}

#[cfg(unix)]
#[test]
fn a_linked_folder_is_refused() {
    let (store, folder) = on_disk();
    let elsewhere = tempfile::tempdir().expect("a folder");
    fs::write(elsewhere.path().join("a.pack"), "x").expect("written");
    std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("packs")).expect("a link");
    let error = store.list("packs").expect_err("a link");
    assert_eq!(error.what(), "a store holds files and folders, and this is a link or a device");
    assert!(store.get("packs/a.pack", 9).is_err());
    assert!(store.put("packs/b.pack", "y").is_err());
    assert!(store.delete("packs/a.pack").is_err());
    assert!(elsewhere.path().join("a.pack").exists());
    assert!(!elsewhere.path().join("b.pack").exists());
}

#[cfg(unix)]
#[test]
fn a_linked_lock_is_refused() {
    let (store, folder) = on_disk();
    std::os::unix::fs::symlink("elsewhere", folder.path().join("lock")).expect("a link");
    assert_eq!(store.lock(Duration::ZERO).expect_err("a link").kind(), ErrorKind::Damaged);
    assert!(!folder.path().join("elsewhere").exists());
}

#[test]
fn odd_names_do_not_break_a_listing() {
    let (store, folder) = on_disk();
    store.put("snapshots/periodic/a.json", "{}").expect("written");
    let odd = ["b (copy).json", "ä.json", "50%.json", "x#y", ".hidden"];
    for name in odd {
        fs::write(folder.path().join("snapshots/periodic").join(name), "x").expect("written");
    }
    let listed = keys(&store, "snapshots/periodic");
    assert_eq!(listed.len(), 1 + odd.len());
    for name in odd {
        assert!(listed.contains(&format!("snapshots/periodic/{name}")), "{name}");
    }
}

fn leave(folder: &TempDir, path: &str, age: Duration) {
    let path = folder.path().join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let file = fs::File::create(&path).expect("a file");
    file.set_modified(SystemTime::now() - age).expect("a time");
}

#[test]
fn opening_sweeps_old_leftovers_and_nothing_else() {
    let (_, folder) = on_disk();
    let old = Duration::from_hours(2);
    let swept = ["packs/a.pack#1", "snapshots/rewind/b.json#27", "labels/periodic/c.json#3"];
    let kept = ["packs/a.pack", "notes#1", "mine/d#1", "packs/e#x", "packs/f#", "packs/ä#1"];
    for path in swept.iter().chain(&kept) {
        leave(&folder, path, old);
    }
    leave(&folder, "packs/young.pack#1", Duration::from_mins(1));
    let store = Store::directory(folder.path()).expect("a store");
    for path in swept {
        assert!(!folder.path().join(path).exists(), "{path}");
    }
    for path in kept.iter().chain(&["packs/young.pack#1"]) {
        assert!(folder.path().join(path).exists(), "{path}");
    }
    // A write that is under way is not an object yet.
    assert!(!keys(&store, "packs").contains(&"packs/young.pack#1".to_owned()));
}

#[test]
fn a_store_in_use_is_opened_and_not_swept() {
    let (store, folder) = on_disk();
    leave(&folder, "packs/a.pack#1", Duration::from_hours(2));
    let lock = store.lock(Duration::ZERO).expect("free");
    Store::directory(folder.path()).expect("a store");
    assert!(folder.path().join("packs/a.pack#1").exists());
    assert_eq!(store.sweep().expect("swept"), 1);
    drop(lock);
}

#[test]
fn opening_makes_the_last_folder_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a");
    let store = Store::open(path.to_str().expect("UTF-8")).expect("made");
    assert_eq!(store.location(), path.display().to_string());
    assert_eq!(fs::read_dir(&path).expect("the folder").count(), 0, "opening writes nothing");
    let error = Store::directory(&folder.path().join("b/c")).expect_err("no parent");
    assert_eq!(error.next_step(), "make the folder that the store is to stand in");
    fs::write(folder.path().join("file"), "x").expect("written");
    let error = Store::directory(&folder.path().join("file")).expect_err("a file");
    assert_eq!(
        error.next_step(),
        "a file stands where a folder should: move it away, or name another store"
    );
}

#[test]
fn an_object_store_is_said_not_to_be_in_this_build() {
    let error = Store::open("s3://bucket/path").expect_err("not here");
    assert_eq!(error.to_string(), "s3://bucket/path: object stores are not in this build");
    assert_eq!(error.next_step(), "name a directory as the store");
}

#[test]
fn a_full_disk_is_called_by_its_name() {
    let error = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let error = object_store::Error::Generic { store: "disk", source: Box::new(error) };
    let error = Failure::new("could not be written", "packs/a").of(&error);
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert_eq!(error.thing(), "packs/a");
    assert_eq!(error.next_step(), "the disk is full: free some space, then try again");
}
