//! Objects and the lock.

use std::io::Read;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use snapback::ErrorKind;
use snapback::store::Store;

use super::Place;

fn keys(store: &Store, prefix: &str) -> Vec<String> {
    store.list(prefix).expect("a listing").into_iter().map(|meta| meta.key).collect()
}

#[test]
fn an_object_is_written_read_replaced_listed_and_deleted() {
    for place in Place::all() {
        let store = place.open();
        assert_eq!(store.get("a/b.json", 9).expect("absent"), None);
        assert_eq!(store.tail("a/b.json", 9).expect("absent"), None);
        assert!(!store.delete("a/b.json").expect("nothing to delete"));
        assert!(store.put_new("a/b.json", "one").expect("written"));
        assert!(!store.put_new("a/b.json", "another").expect("there already"));
        store.put("a/b.json", "two!").expect("replaced");
        store.put("a/a.json", "").expect("written");
        store.put("a/deeper/c.json", "x").expect("written");
        assert_eq!(store.get("a/b.json", 4).expect("read").as_deref(), Some(&b"two!"[..]));
        assert_eq!(keys(&store, "a"), ["a/a.json", "a/b.json"]);
        assert_eq!(store.list("a").expect("a listing")[1].size, 4);
        assert_eq!(keys(&place.open(), "a"), ["a/a.json", "a/b.json"]);
        assert!(store.delete("a/b.json").expect("deleted"));
        assert_eq!(keys(&store, "a"), ["a/a.json"]);
        assert_eq!(keys(&store, "nothing"), [""; 0]);
    }
}

#[test]
fn parts_of_an_object_are_read() {
    for place in Place::all() {
        let store = place.open();
        store.put("a", "0123456789").expect("written");
        assert_eq!(store.tail("a", 3).expect("read").as_deref(), Some(&b"789"[..]));
        assert_eq!(store.tail("a", 10).expect("read").as_deref(), Some(&b"0123456789"[..]));
        if !matches!(place, Place::Bucket(_)) {
            // The server in this process answers 500 to more than there is.
            let all = store.tail("a", 99).expect("read");
            assert_eq!(all.as_deref(), Some(&b"0123456789"[..]));
        }
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
    for place in Place::all() {
        let store = place.open();
        store.put("a", "12345").expect("written");
        assert!(store.get("a", 5).expect("read").is_some());
        let error = store.get("a", 4).expect_err("too large");
        assert_eq!(error.kind(), ErrorKind::Damaged);
        assert_eq!(error.what(), "5 bytes are more than the 4 allowed");
    }
}

#[test]
fn of_many_writers_of_one_new_object_one_wins() {
    // Servers differ in this, whatever they answer when asked once: nothing relies on a bucket.
    for place in Place::all().into_iter().filter(|place| !matches!(place, Place::Bucket(_))) {
        let store = place.open();
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
    for place in Place::all() {
        let store = place.open();
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
fn an_upload_that_is_dropped_is_no_object() {
    for place in Place::all() {
        let store = place.open();
        for size in [100, 20 << 20] {
            let mut upload = store.upload("packs/a").expect("an upload");
            upload.write(&vec![1; size]).expect("written");
            drop(upload);
            assert_eq!(keys(&store, "packs"), [""; 0], "{size} bytes");
        }
    }
}

#[test]
fn the_lock_excludes_other_threads_and_other_openings() {
    for place in Place::all() {
        let (store, other) = (place.open(), place.open());
        let lock = store.lock(Duration::ZERO).expect("free");
        lock.check().expect("held");
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
    for place in Place::all() {
        place.open().put("count", "0").expect("written");
        thread::scope(|scope| {
            for _ in 0..3 {
                let store = place.open();
                scope.spawn(move || {
                    for _ in 0..3 {
                        let _lock = store.lock(Duration::from_mins(1)).expect("my turn");
                        let count = store.get("count", 9).expect("read").expect("a count");
                        let count: u32 =
                            str::from_utf8(&count).expect("text").parse().expect("a number");
                        store.put("count", (count + 1).to_string()).expect("written");
                    }
                });
            }
        });
        let count = place.open().get("count", 9).expect("read");
        assert_eq!(count.as_deref(), Some(&b"9"[..]));
    }
}

#[test]
fn keys_that_leave_the_store_are_refused_everywhere() {
    for place in Place::all() {
        let store = place.open();
        for key in ["../out", "a/../../out", "/etc/passwd", "", "a//b", ".hidden"] {
            assert!(store.put(key, "x").is_err(), "{key}");
            assert!(store.put_new(key, "x").is_err(), "{key}");
            assert!(store.get(key, 9).is_err(), "{key}");
            assert!(store.delete(key).is_err(), "{key}");
            assert!(store.list(key).is_err(), "{key}");
            assert!(store.upload(key).is_err(), "{key}");
            assert!(store.reader(key).is_err(), "{key}");
        }
        if let Place::Directory(folder) = &place {
            assert!(!folder.path().join("out").exists());
        }
    }
}
