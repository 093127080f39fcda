use super::*;

use std::fs;
use std::time::SystemTime;

use tempfile::TempDir;

use crate::error::ErrorKind;

fn on_disk() -> (Store, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    (Store::directory(folder.path()).expect("a store"), folder)
}

fn keys(store: &Store, prefix: &str) -> Vec<String> {
    store.list(prefix).expect("a listing").into_iter().map(|meta| meta.key).collect()
}

#[test]
fn a_new_folder_is_its_owners_alone_and_one_that_is_there_stays_as_it_is() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store");
    let mode = || fs::metadata(&path).expect("a folder").permissions().mode() & 0o777;
    Store::directory(&path).expect("a store");
    assert_eq!(mode(), 0o700);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).expect("shared");
    Store::directory(&path).expect("a store");
    assert_eq!(mode(), 0o750);
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
    let swept = [
        "packs/a.pack#1",
        "snapshots/rewind/b.json#27",
        "labels/periodic/c.json#3",
        "cache/.tmpo5Smjj",
    ];
    let kept = [
        "packs/a.pack",
        "notes#1",
        "mine/d#1",
        "packs/e#x",
        "packs/f#",
        "packs/ä#1",
        "packs/.tmpo5Smjj",
        "cache/.tmp",
        "cache/.tmp-mine",
        "cache/pages",
    ];
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
fn a_full_disk_is_called_by_its_name() {
    let error = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let error = object_store::Error::Generic { store: "disk", source: Box::new(error) };
    let error = Failure::new("could not be written", "packs/a").of(&error);
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert_eq!(error.thing(), "packs/a");
    assert_eq!(error.next_step(), "the disk is full: free some space, then try again");
}

/// Two openings of one bucket, on as many machines as it were.
fn shared(lease: Duration) -> (Store, Store) {
    let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let open = || Store::shared(Arc::clone(&objects), "memory://bucket", lease, lease);
    (open(), open())
}

#[test]
fn a_lock_that_is_renewed_outlives_its_lease() {
    // Long enough to be renewed in time on a machine that is busy with other things.
    let lease = Duration::from_secs(2);
    let (store, other) = shared(lease);
    let lock = store.lock(Duration::ZERO).expect("free");
    let error = other.lock(lease * 2).expect_err("held all that time");
    assert_eq!(error.kind(), ErrorKind::Busy);
    lock.check().expect("still held");
    drop(lock);
    drop(other.lock(Duration::ZERO).expect("freed"));
    assert_eq!(keys(&store, "lock"), [""; 0]);
}

#[test]
fn whoever_waits_for_the_lock_comes_before_whoever_just_had_it() {
    let (store, other) = shared(Duration::from_secs(20));
    let lock = store.lock(Duration::ZERO).expect("free");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| other.lock(Duration::from_mins(1)));
        while keys(&store, "lock/waiting").is_empty() {
            std::thread::yield_now();
        }
        drop(lock);
        let error = store.lock(Duration::ZERO).expect_err("another one is in line");
        assert_eq!(error.kind(), ErrorKind::Busy);
        drop(waiting.join().expect("no panic").expect("its turn"));
    });
    drop(store.lock(Duration::from_mins(1)).expect("free again"));
    assert_eq!(keys(&store, "lock/waiting"), [""; 0]);
}

#[test]
fn a_lock_that_nobody_renews_is_taken_over() {
    let (store, other) = shared(Duration::from_millis(300));
    // What a process leaves behind that was killed.
    store.put("lock/0123456789abcdef", "{}").expect("written");
    assert_eq!(other.lock(Duration::ZERO).expect_err("young").kind(), ErrorKind::Busy);
    let lock = other.lock(Duration::from_mins(1)).expect("taken over");
    assert_eq!(keys(&store, "lock").len(), 1);
    drop(lock);
}

#[test]
fn a_holder_whose_claim_ran_out_knows_it() {
    let (store, other) = shared(Duration::from_millis(300));
    let mut lock = store.lock(Duration::ZERO).expect("free");
    lock.check().expect("held");
    lock.let_run_out();
    let taken = other.lock(Duration::from_mins(1)).expect("free for others");
    assert_eq!(lock.check().expect_err("lost").kind(), ErrorKind::Busy);
    drop(lock);
    taken.check().expect("still theirs");
}

#[test]
fn one_at_a_time_leads_and_the_next_one_when_that_ends_or_is_heard_of_no_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let directory = || Store::directory(folder.path()).expect("a store");
    let (memory, lease) = (Store::memory(), Duration::from_millis(300));
    for (one, other) in
        [(directory(), directory()), (memory.clone(), memory), shared(Duration::from_mins(2))]
    {
        let lead = one.lead(Duty::Take).expect("asked").expect("free");
        assert!(other.lead(Duty::Take).expect("asked").is_none(), "{other:?}");
        drop(other.lead(Duty::Verify).expect("asked").expect("another duty"));
        // Whoever takes a snapshot by hand needs no lead.
        drop(other.lock(Duration::ZERO).expect("free"));
        drop(lead);
        drop(other.lead(Duty::Take).expect("asked").expect("free again"));
    }
    let (one, other) = shared(lease);
    // What a leader leaves behind that was killed.
    one.put("take-leader/0123456789abcdef", "{}").expect("written");
    assert!(other.lead(Duty::Take).expect("asked").is_none(), "young");
    let start = std::time::Instant::now();
    let lead = loop {
        if let Some(lead) = other.lead(Duty::Take).expect("asked") {
            break lead;
        }
        assert!(start.elapsed() < Duration::from_mins(1), "never taken over");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(keys(&one, "take-leader").len(), 1);
    drop(lead);
    assert_eq!(keys(&one, "take-leader"), [""; 0]);
}
