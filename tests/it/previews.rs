//! Previews and comparisons: what would change, page by page.

use snapback::ErrorKind;
use snapback::snapshot::{Change, Page, Point, RowChange, SnapshotRef};

use crate::app::{App, named};

fn pages(app: &App, snapshot: &SnapshotRef, table: &str, page: &Page) -> Vec<Vec<RowChange>> {
    let mut page = page.clone();
    let mut pages = Vec::new();
    loop {
        let to = Point::Snapshot(snapshot.clone());
        let found = app.snapshots().rows(&Point::Now, &to, table, &page).expect("a page");
        pages.push(found.rows);
        match found.next {
            Some(next) => page.after = Some(next),
            None => return pages,
        }
    }
}

/// A table for each way of telling rows apart, 25 rows of each changed, 5 gone and 5 come.
fn app_with_changes() -> (App, SnapshotRef) {
    let app = App::new().tables_only(
        "CREATE TABLE a(id INTEGER PRIMARY KEY, x); CREATE TABLE b(k TEXT, n INT, x, PRIMARY KEY(k, n)) WITHOUT ROWID;
         CREATE TABLE c(k TEXT PRIMARY KEY, x); CREATE TABLE d(x);
         WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 1000) INSERT INTO a SELECT n, n FROM i;
         INSERT INTO b SELECT 'k' || (x % 7), id, x FROM a; INSERT INTO c SELECT 'k' || id, x FROM a; INSERT INTO d SELECT x FROM a;",
    );
    let snapshot = app.take("before");
    for table in ["a", "b", "c", "d"] {
        app.sql(&format!(
            "DELETE FROM {table} WHERE x > 995; UPDATE {table} SET x = -x WHERE x % 40 = 0"
        ));
    }
    app.sql("INSERT INTO a SELECT id + 2000, 0 FROM a LIMIT 5; INSERT INTO b SELECT 'new', id, 0 FROM a LIMIT 5;
        INSERT INTO c SELECT 'new' || id, 0 FROM a LIMIT 5; INSERT INTO d SELECT 0 FROM a LIMIT 5; DELETE FROM d WHERE rowid = 996");
    (app, snapshot)
}

#[test]
fn pages_hold_every_changed_row_once_and_in_order() {
    let (app, snapshot) = app_with_changes();
    for table in ["a", "b", "c", "d"] {
        let whole = app.changed_rows(&snapshot, table);
        let counts = app
            .preview(&snapshot)
            .tables
            .into_iter()
            .find(|one| one.name == table)
            .expect("listed");
        assert_eq!(whole.len() as u64, counts.differing(), "{table}");
        let paged = pages(&app, &snapshot, table, &Page { limit: 7, ..Page::default() });
        assert!(paged.iter().all(|page| !page.is_empty() && page.len() <= 7), "{table}");
        assert_eq!(paged.concat(), whole, "{table}");
    }
}

#[test]
fn pages_can_hold_one_kind_of_change_only() {
    let (app, snapshot) = app_with_changes();
    for table in ["a", "b", "c"] {
        for (change, count) in [(Change::Added, 5), (Change::Removed, 5), (Change::Changed, 24)] {
            let page = Page { limit: 4, change: Some(change), after: None };
            let rows = pages(&app, &snapshot, table, &page).concat();
            assert!(rows.iter().all(|row| row.change == change));
            assert_eq!(rows.len(), count, "{table} {change:?}");
        }
    }
}

#[test]
fn a_row_shows_what_it_is_and_what_it_would_be() {
    let (app, snapshot) = app_with_changes();
    let rows = app.changed_rows(&snapshot, "a");
    let of = |change| rows.iter().find(|row| row.change == change).expect("a row");
    assert!(of(Change::Added).before.is_none() && of(Change::Added).after.is_some());
    assert!(of(Change::Removed).before.is_some() && of(Change::Removed).after.is_none());
    let changed = of(Change::Changed);
    let (before, after) =
        (changed.before.as_ref().expect("now"), changed.after.as_ref().expect("then"));
    assert_eq!((before[0].clone(), before[1] == after[1]), (after[0].clone(), false));
}

#[test]
fn a_page_that_nobody_gave_out_is_refused() {
    let (app, snapshot) = app_with_changes();
    let to = Point::Snapshot(snapshot);
    for after in ["", "x", "[1", "[1,2,3,4,5]", "{}"] {
        let page = Page { after: Some(after.to_owned()), ..Page::default() };
        let error = app.snapshots().rows(&Point::Now, &to, "a", &page).expect_err("no such page");
        assert_eq!(error.kind(), ErrorKind::Invalid, "{after:?}");
    }
    let error = app
        .snapshots()
        .rows(&Point::Now, &to, "nobody", &Page::default())
        .expect_err("no such table");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn a_comparison_reads_the_same_from_both_sides() {
    let (app, snapshot) = app_with_changes();
    let later = app.take("later");
    let (from, to) = (Point::Snapshot(snapshot), Point::Snapshot(later));
    let there = app.snapshots().compare(&from, &to).expect("compared");
    let back = app.snapshots().compare(&to, &from).expect("compared");
    for (there, back) in there.tables.iter().zip(&back.tables) {
        assert_eq!(
            (there.added, there.removed, there.changed),
            (back.removed, back.added, back.changed)
        );
    }
    assert_eq!((there.plan, back.from), (None, to.to_string()));
    let same = app.snapshots().compare(&to, &Point::Now).expect("compared");
    assert_eq!(same.differing_rows(), 0);
}

#[test]
fn events_since_a_snapshot_come_newest_first_in_pages() {
    let app = App::new().with_events(30);
    let snapshot = app.take("before");
    app.events(25);
    let preview = app.preview(&snapshot);
    assert_eq!(preview.events_since.iter().map(|of_type| of_type.count).sum::<u64>(), 25);
    assert!(preview.events_since.is_sorted_by(|a, b| a.newest > b.newest), "the latest type first");
    let mut positions = Vec::new();
    let mut before = None;
    loop {
        let events = app.snapshots().events_since(&snapshot, before, 10).expect("events");
        let Some(last) = events.last() else { break };
        before = Some(last.position);
        positions.extend(events.iter().map(|event| event.position));
    }
    assert_eq!(positions, (31..=55).rev().collect::<Vec<i64>>());
}

#[test]
fn a_preview_of_what_is_not_there_says_so() {
    let app = App::new().with_events(3);
    let error = app.snapshots().preview(&named("periodic/gone")).expect_err("gone");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn a_preview_changes_neither_the_database_nor_the_store() {
    let app = App::new().with_events(100);
    let snapshot = app.take("before");
    app.events(50);
    let (state, packs, listed) = (app.state(), app.packs(), app.listed());
    app.preview(&snapshot);
    app.changed_rows(&snapshot, "messages");
    assert_eq!((app.state(), app.packs(), app.listed()), (state, packs, listed));
}
