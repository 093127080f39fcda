//! Damage: told, never followed, never in the way of what is sound.

use snapback::ErrorKind;
use snapback::snapshot::{Scope, SnapshotRef, State};

use crate::app::{App, BY, named, request};

fn damage_of(app: &App, snapshot: &SnapshotRef) -> Vec<String> {
    let verified = app.reopen().verify(Some(snapshot), BY).expect("verified");
    verified.into_iter().flat_map(|verified| verified.damage).collect()
}

fn file_name(path: &std::path::Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

#[test]
fn verify_reads_everything_back() {
    let app = App::new().with_events(300);
    let snapshot = app.take("sound");
    let verified = app.snapshots().verify(Some(&snapshot), BY).expect("verified");
    assert_eq!(verified[0].state, State::Intact);
    assert_eq!(Some(verified[0].rows), app.snapshots().entry(&snapshot).expect("listed").rows);
    assert!(verified[0].bytes > 0);
}

#[test]
fn verify_finds_a_flipped_bit_anywhere_in_a_pack_and_names_it() {
    let app = App::new().with_events(300);
    let snapshot = app.take("sound");
    let pack = app.packs().remove(0);
    let whole = std::fs::read(&pack).expect("the pack");
    let step = (whole.len() / 25).max(1);
    for place in (0..whole.len()).step_by(step).chain([whole.len() - 1]) {
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << (place % 8);
        std::fs::write(&pack, bytes).expect("a flipped bit");
        let damage = damage_of(&app, &snapshot).join("; ");
        assert!(damage.contains(&file_name(&pack)), "byte {place} of {}: {damage:?}", whole.len());
    }
    std::fs::write(&pack, whole).expect("the pack as it was");
    assert_eq!(damage_of(&app, &snapshot), Vec::<String>::new());
}

#[test]
fn verify_finds_a_pack_that_is_cut_short_or_empty() {
    let app = App::new().with_events(300);
    let snapshot = app.take("sound");
    let pack = app.packs().remove(0);
    let whole = std::fs::read(&pack).expect("the pack");
    for length in [whole.len() - 1, whole.len() / 2, 1, 0] {
        std::fs::write(&pack, &whole[..length]).expect("a cut");
        assert!(!damage_of(&app, &snapshot).is_empty(), "{length} of {} bytes", whole.len());
    }
}

#[test]
fn a_pack_that_is_gone_is_told_and_nothing_is_restored() {
    let app = App::new().with_events(300);
    let snapshot = app.take("sound");
    app.events(10);
    let state = app.state();
    std::fs::remove_file(&app.packs()[0]).expect("the pack is removed");
    assert!(!damage_of(&app, &snapshot).is_empty());
    let console = app.reopen();
    assert!(console.preview(&snapshot).is_err());
    assert!(console.restore(&request(&snapshot, Scope::Rewind)).is_err());
    assert_eq!(app.state(), state);
    assert_eq!(console.list().expect("a list").snapshots.len(), 1);
}

#[test]
fn damage_to_one_snapshot_leaves_the_others_alone() {
    let app = App::new().with_events(300);
    let damaged = app.take("damaged");
    let pack = app.packs().remove(0);
    app.sql("UPDATE event_log SET payload = payload || ' '; UPDATE bots SET name = name || '!';
        UPDATE chats SET title = title || '!'; UPDATE messages SET body = body || '!'; UPDATE memories SET text = text || '!'");
    let sound = app.take("sound");
    let before = app.state();
    let mut bytes = std::fs::read(&pack).expect("the pack");
    bytes[40] ^= 0x10;
    std::fs::write(&pack, bytes).expect("a flipped bit");
    let console = app.reopen();
    let state_of = |snapshot| console.verify(Some(snapshot), BY).expect("verified")[0].state;
    assert_eq!((state_of(&damaged), state_of(&sound)), (State::Damaged, State::Intact));
    app.events(10);
    console.restore(&request(&sound, Scope::Rewind)).expect("a restore");
    assert_eq!(app.state(), before);
}

#[test]
fn a_damaged_manifest_is_listed_with_the_reason_and_can_be_deleted() {
    let app = App::new().with_events(30);
    let damaged = app.take("to be damaged");
    let sound = app.take("sound");
    let whole = std::fs::read(app.manifest(&damaged)).expect("the manifest");
    let state = app.state();
    for place in [0, whole.len() / 3, whole.len() / 2, whole.len() - 3] {
        let mut bytes = whole.clone();
        bytes[place] = bytes[place].wrapping_add(1);
        app.drop_in(&damaged, bytes);
        let console = app.reopen();
        let list = console.list().expect("a list").snapshots;
        assert_eq!(list.len(), 2);
        let entry = list.iter().find(|entry| entry.snapshot() == damaged).expect("listed");
        assert_eq!((entry.state, entry.rows), (State::Damaged, None), "byte {place}");
        assert!(entry.reason.is_some());
        for error in [
            console.preview(&damaged).expect_err("damaged"),
            console.restore(&request(&damaged, Scope::Rewind)).expect_err("damaged"),
        ] {
            assert_eq!(error.kind(), ErrorKind::Damaged);
            assert!(error.what().contains(entry.reason.as_deref().expect("a reason")), "{error}");
        }
    }
    assert_eq!(app.state(), state);
    app.reopen().delete(&damaged, BY).expect("deleted");
    assert_eq!(app.listed(), [sound]);
}

#[test]
fn every_flipped_byte_of_a_manifest_is_noticed() {
    let app = App::new().with_events(3);
    let snapshot = app.take("to be damaged");
    let whole = std::fs::read(app.manifest(&snapshot)).expect("the manifest");
    for place in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x15;
        app.drop_in(&snapshot, bytes);
        let entry = app.reopen().entry(&snapshot).expect("listed");
        assert_eq!(entry.state, State::Damaged, "byte {place} of {}", whole.len());
    }
}

#[test]
fn a_manifest_under_another_name_is_damaged() {
    let app = App::new().with_events(3);
    let snapshot = app.take("sound");
    let other = named("periodic/20200101T000000Z");
    app.drop_in(&other, std::fs::read(app.manifest(&snapshot)).expect("the manifest"));
    assert_eq!(app.snapshots().entry(&other).expect("listed").state, State::Damaged);
    assert_eq!(app.snapshots().entry(&snapshot).expect("listed").state, State::Intact);
}

#[cfg(unix)]
#[test]
fn a_link_in_the_store_is_listed_and_never_followed() {
    let app = App::new().with_events(3);
    let snapshot = app.take("sound");
    let outside = app.file("outside.json");
    std::fs::write(&outside, r#"{"last_event_id":1,"event_log":[]}"#).expect("a file");
    let link = named("periodic/20200101T000000Z");
    std::os::unix::fs::symlink(&outside, app.manifest(&link)).expect("a link");
    let entry = app.snapshots().entry(&link).expect("listed");
    assert_eq!(entry.reason.as_deref(), Some("is a symbolic link, which is not followed"));
    assert_eq!(app.snapshots().preview(&link).expect_err("a link").kind(), ErrorKind::Damaged);
    app.snapshots().delete(&link, BY).expect("deleted");
    assert!(outside.exists(), "the link goes, not what it points to");
    assert_eq!(app.listed(), [snapshot]);
}

#[test]
fn files_that_are_no_snapshots_are_listed_as_what_they_are() {
    let app = App::new().with_events(3);
    for (name, content, reason) in [
        ("periodic/empty", "", "ends early, at byte 0"),
        ("periodic/list", "[1, 2]", "is no snapshot"),
        ("periodic/text", "hello", "is no snapshot"),
        ("rewind/other", r#"{"name": "package"}"#, "has no last_event_id"),
        (
            "rewind/half",
            r#"{"last_event_id": 3, "event_log": [{"id": 1}, {"id"#,
            "ends early, at byte 50",
        ),
    ] {
        app.drop_in(&named(name), content);
        let entry = app.snapshots().entry(&named(name)).expect("listed");
        let said = entry.reason.expect("a reason");
        assert!(entry.state == State::Damaged && said.contains(reason), "{name}: {said}");
    }
    assert_eq!(app.snapshots().list().expect("a list").snapshots.len(), 5);
}
