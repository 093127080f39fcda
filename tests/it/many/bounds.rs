//! However many databases there are, a few are open.

use std::sync::Barrier;

use snapback::ErrorKind;

use super::tenants::{Tenants, name};

fn many(count: usize) -> (Tenants, Vec<String>) {
    let names: Vec<String> = (0..count).map(|at| format!("tenant-{at:03}")).collect();
    let tenants = Tenants::new();
    for name in &names {
        tenants.add(name);
    }
    (tenants, names)
}

#[test]
fn so_many_databases_are_open_at_once_and_no_more() {
    let (tenants, names) = many(12);
    let databases = tenants.databases(3);
    for text in &names {
        let snapshots = databases.open(&name(text)).expect("it opens");
        snapshots.take(None, "test").expect("a snapshot");
        drop(snapshots);
        assert!(databases.open_now() <= 3, "{} after {text}", databases.open_now());
        assert!(tenants.files_open().len() <= 3, "{:?}", tenants.files_open());
    }
    assert_eq!(tenants.openings(), 12);
    assert_eq!(databases.open_now(), 3);
}

#[test]
fn the_one_that_was_longest_unused_makes_room() {
    let (tenants, names) = many(3);
    let databases = tenants.databases(2);
    let open = |at: usize| drop(databases.open(&name(&names[at])).expect("it opens"));
    open(0);
    open(1);
    open(0);
    open(2);
    assert_eq!(tenants.files_open(), [tenants.db(&names[0]), tenants.db(&names[2])]);
    open(0);
    assert_eq!(tenants.openings(), 3, "it was still open");
}

#[test]
fn one_in_use_is_never_closed_and_one_too_many_is_put_off() {
    let (tenants, names) = many(3);
    let databases = tenants.databases(2);
    let held: Vec<_> =
        names[..2].iter().map(|text| databases.open(&name(text)).expect("it opens")).collect();
    let error = databases.open(&name(&names[2])).err().expect("no room");
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert_eq!(error.to_string(), "2: as many databases are in use as may be open at once");
    assert_eq!(held[0].take(None, "test").expect("it is open").snapshot_id.as_str().len(), 16);
    drop(held);
    assert!(databases.open(&name(&names[2])).is_ok());
}

#[test]
fn of_many_that_want_a_database_at_once_one_opens_it() {
    let (tenants, names) = many(1);
    let databases = tenants.databases(2);
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                assert!(databases.open(&name(&names[0])).is_ok());
            });
        }
    });
    assert_eq!(tenants.openings(), 1);
}

#[test]
fn a_file_put_in_the_place_of_another_is_the_one_that_is_opened() {
    let (tenants, names) = many(2);
    let databases = tenants.databases(2);
    let position = || {
        let snapshots = databases.open(&name(&names[0])).expect("it opens");
        snapshots.now().expect("figures").position
    };
    assert_eq!(position(), Some(1));
    tenants.events(&names[1], 6);
    std::fs::rename(tenants.db(&names[1]), tenants.db(&names[0])).expect("it is moved");
    assert_eq!(position(), Some(7));
}
