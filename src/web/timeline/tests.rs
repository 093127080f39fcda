use super::*;
use crate::web::row::tests::entry;

fn now() -> Timestamp {
    "2026-11-22T20:04:46Z".parse().expect("a timestamp")
}

fn hours_ago(hours: i64) -> Timestamp {
    now() - SignedDuration::from_hours(hours)
}

/// A list with a snapshot from so many hours ago each, newest first, an event an hour.
fn list(hours: &[i64]) -> List {
    let entry = |hours: &i64| Entry {
        created_at: hours_ago(*hours),
        last_event_id: Some(1000 - hours),
        event_delta: Some(*hours),
        ..entry()
    };
    List { current_event_log_max_id: Some(1000), snapshots: hours.iter().map(entry).collect() }
}

fn even(hours: i64, parts: usize) -> Activity {
    Activity { from: hours_ago(hours), to: now(), counts: vec![3; parts] }
}

#[test]
fn the_shortest_span_that_holds_every_snapshot_is_shown() {
    let shown = |hours: &[i64]| Span::of(&list(hours), now()).name;
    assert_eq!(shown(&[]), "6 hours");
    assert_eq!(shown(&[1, 6]), "6 hours");
    assert_eq!(shown(&[1, 7]), "24 hours");
    assert_eq!(shown(&[1, 100]), "7 days");
    assert_eq!(shown(&[1, 24 * 400]), "14 days");
}

#[test]
fn the_parts_of_a_span_are_as_long_as_they_are_called() {
    let minutes: Vec<i64> =
        SPANS.iter().map(|span| span.minutes / i64::try_from(span.parts).unwrap_or(1)).collect();
    assert_eq!(minutes, [5, 30, 60, 120, 240]);
    assert_eq!(
        SPANS.map(|span| span.part),
        ["5 minutes", "half hour", "hour", "2 hours", "4 hours"]
    );
}

#[test]
fn the_words_tell_the_span_the_parts_and_the_most() {
    let list = list(&[1, 160]);
    let picture = Picture::of(&list, Some(&even(7 * 24, 84)), now());
    assert_eq!(picture.title, "Events per 2 hours, last 7 days");
    assert_eq!(
        picture.said,
        "Events per 2 hours, last 7 days: 252 events, at most 3 events in 2 hours"
    );
    assert_eq!(picture.left_out(), None);
}

#[test]
fn a_log_that_began_lately_is_shown_from_its_first_event_on() {
    let list = list(&[1]);
    let picture = Picture::of(&list, Some(&even(2, 72)), now());
    assert_eq!(picture.title, "Events since the first, 2 hours ago");
    assert!(picture.said.ends_with("at most 3 events in about 1 minute"), "{}", picture.said);
}

#[test]
fn snapshots_before_the_span_are_counted_in_words() {
    let list = list(&[1, 400, 500]);
    let picture = Picture::of(&list, Some(&even(14 * 24, 84)), now());
    assert_eq!(picture.shown.len(), 1);
    assert_eq!(picture.left_out().as_deref(), Some("2 older snapshots not shown"));
    assert_eq!(picture.marked(), "1 snapshot, oldest to newest; 2 older snapshots not shown");
}

#[test]
fn counts_are_corners_over_the_whole_width() {
    let points = heights(&[0, 5, 10, 5]);
    assert_eq!(points[0], (MARGIN, GROUND));
    assert_eq!(points[3], (MARGIN + 622.5, scale::CEILING));
    assert_eq!(points.last().map(|point| point.0), Some(WIDTH - MARGIN));
    assert_eq!(heights(&[0])[1], (500.0, GROUND));
    assert_eq!(heights(&[]), []);
}

#[test]
fn without_times_of_events_the_position_is_drawn_over_all_snapshots() {
    let list = list(&[0, 50, 100]);
    let picture = Picture::of(&list, None, now());
    assert_eq!(picture.title, "Position of the event log over time");
    assert_eq!(picture.points, [(2.0, GROUND), (500.0, 41.0), (998.0, scale::CEILING)]);
}

#[test]
fn two_thousand_positions_make_no_more_corners_than_can_be_told_apart() {
    let list = list(&(0..2000).collect::<Vec<i64>>());
    let picture = Picture::of(&list, None, now());
    assert!((400..=500).contains(&picture.points.len()), "{}", picture.points.len());
}

#[test]
fn an_application_without_an_event_log_has_its_snapshots_marked() {
    let mut list = list(&[1]);
    list.current_event_log_max_id = None;
    list.snapshots[0].event_delta = None;
    let markup = timeline(&list, None, now()).into_string();
    assert!(markup.contains("<h2>Snapshots over time</h2>"), "{markup}");
    assert!(markup.contains("class=\"mark newest\""), "{markup}");
    assert!(!markup.contains("class=\"area\""), "{markup}");
}

#[test]
fn without_a_snapshot_there_are_words_and_the_events() {
    let markup = timeline(&list(&[]), None, now()).into_string();
    assert!(markup.contains("No snapshot yet"), "{markup}");
    assert!(!markup.contains("<svg"), "{markup}");
    let markup = timeline(&list(&[]), Some(&even(6, 72)), now()).into_string();
    assert!(markup.contains("No snapshot in this time\""), "{markup}");
    assert!(markup.contains("class=\"area\"") && !markup.contains("class=\"mark"), "{markup}");
}

#[test]
fn the_distance_from_the_newest_snapshot_is_told() {
    let said = |deltas: &[i64]| distance(&list(deltas)).into_string();
    assert!(said(&[1, 5]).contains(">1 event</span> since the newest snapshot"));
    assert!(said(&[143]).contains(">143 events</span> since the newest snapshot"));
}
