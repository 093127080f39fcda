//! The snapshots on the picture. Those that would lie over each other share a mark, which counts
//! them.

use jiff::Timestamp;
use maud::{Markup, html};

use super::scale::{GROUND, HEIGHT, Scale, WIDTH, tenth};
use crate::snapshot::{Entry, Kind, State};
use crate::web::dom;
use crate::web::format::{ago, count, number};

/// How near two marks may come, in units of the picture: 24 pixels on a page of common width,
/// the least that a pointer can tell apart.
const APART: f64 = 21.0;

/// The marks of these snapshots, which are given oldest first.
pub(super) fn marks(shown: &[&Entry], scale: &Scale, now: Timestamp) -> Markup {
    let groups = groups(shown, scale);
    let last = groups.len().saturating_sub(1);
    html! {
        @for (place, group) in groups.iter().enumerate() { (mark(group, place == last, now)) }
    }
}

/// Snapshots under one mark, oldest first: never empty.
struct Group<'a> {
    x: f64,
    newest: &'a Entry,
    /// Those before the newest.
    others: Vec<&'a Entry>,
}

/// Gathers from the newest back: it stands where it belongs, and what is too near joins it.
fn groups<'a>(shown: &[&'a Entry], scale: &Scale) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for entry in shown.iter().rev() {
        let x = scale.x(entry.created_at);
        match groups.last_mut() {
            Some(group) if group.x - x < APART => group.others.push(entry),
            _ => groups.push(Group { x, newest: entry, others: Vec::new() }),
        }
    }
    groups.reverse();
    groups
}

impl Group<'_> {
    fn of_kind(&self, kind: Kind) -> u64 {
        let all = self.others.iter().copied().chain([self.newest]);
        all.filter(|entry| entry.kind == kind).count().try_into().unwrap_or(u64::MAX)
    }

    /// The kind that is drawn behind the newest's.
    fn behind(&self) -> Option<Kind> {
        self.others.iter().map(|entry| entry.kind).find(|kind| *kind != self.newest.kind)
    }

    fn said(&self, now: Timestamp) -> String {
        let newest = self.newest;
        let snapshot = newest.snapshot();
        let position =
            newest.last_event_id.map(|at| format!(", event {}", number(at))).unwrap_or_default();
        let state = if newest.state == State::Damaged { ", unreadable" } else { "" };
        let newest = format!("{snapshot}, {}{position}{state}", ago(newest.created_at, now));
        if self.others.is_empty() {
            return newest;
        }
        let parts: Vec<String> = Kind::ALL
            .into_iter()
            .map(|kind| (self.of_kind(kind), kind))
            .filter(|(amount, _)| *amount > 0)
            .map(|(amount, kind)| format!("{} {kind}", number(amount)))
            .collect();
        let all = count(self.others.len() as u64 + 1, "snapshot", "snapshots");
        format!("{all} ({}), the newest {newest}", parts.join(", "))
    }
}

/// A link to the button of the newest one's row, so that keys go on from there.
fn mark(group: &Group<'_>, newest: bool, now: Timestamp) -> Markup {
    let said = group.said(now);
    let row = format!("#{}", dom::id("open", &group.newest.snapshot()));
    let damaged = group.newest.state == State::Damaged;
    html! {
        svg.mark.newest[newest].damaged[damaged] x=(percent(group.x, WIDTH)) y=(percent(GROUND, HEIGHT)) overflow="visible" {
            a href=(row) aria-label=(said) {
                title { (said) }
                circle.reach r="12" {}
                @if let Some(behind) = group.behind() { g.behind { (shape(behind, -8.0, false)) } }
                (shape(group.newest.kind, 0.0, newest))
            }
            @if !group.others.is_empty() {
                text.many y="20" text-anchor="middle" aria-hidden="true" {
                    (number(group.others.len() as u64 + 1))
                }
            }
        }
    }
}

/// A circle for a checkpoint, a diamond for a safety copy.
fn shape(kind: Kind, x: f64, large: bool) -> Markup {
    html! {
        @match (kind, large) {
            (Kind::Periodic, false) => circle.periodic cx=(x) r="5" {},
            (Kind::Periodic, true) => circle.periodic cx=(x) r="6.5" {},
            (Kind::Rewind, false) => path.rewind d=(format!("M{x} -6.5l6.5 6.5l-6.5 6.5l-6.5 -6.5z")) {},
            (Kind::Rewind, true) => path.rewind d=(format!("M{x} -8l8 8l-8 8l-8 -8z")) {},
        }
    }
}

fn percent(value: f64, whole: f64) -> String {
    format!("{}%", tenth(value * 1000.0 / whole) / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::row::tests::entry;

    fn at(second: i64, kind: Kind) -> Entry {
        let created_at = Timestamp::from_second(second).expect("a timestamp");
        Entry { kind, created_at, ..entry() }
    }

    fn drawn(entries: &[Entry]) -> String {
        let second = |second| Timestamp::from_second(second).expect("a timestamp");
        let scale = Scale::new(second(0), second(1000));
        marks(&entries.iter().collect::<Vec<_>>(), &scale, second(1000)).into_string()
    }

    fn count_of(markup: &str, part: &str) -> usize {
        markup.matches(part).count()
    }

    #[test]
    fn a_kind_is_told_by_its_shape_and_the_newest_by_its_size() {
        let markup =
            drawn(&[at(100, Kind::Periodic), at(500, Kind::Rewind), at(900, Kind::Periodic)]);
        assert_eq!(count_of(&markup, "<circle class=\"periodic\" cx=\"0\" r=\"5\">"), 1);
        assert_eq!(count_of(&markup, "<circle class=\"periodic\" cx=\"0\" r=\"6.5\">"), 1);
        assert_eq!(count_of(&markup, "<path class=\"rewind\""), 1);
        assert_eq!(count_of(&markup, "class=\"mark newest\""), 1);
    }

    #[test]
    fn a_mark_links_to_the_button_of_its_row_and_says_what_it_is() {
        let markup = drawn(&[at(500, Kind::Rewind)]);
        assert!(markup.contains("href=\"#open-rewind-20261122T200446Z\""), "{markup}");
        let said = "aria-label=\"rewind/20261122T200446Z, 8 minutes ago, event 48\u{202f}070\"";
        assert!(markup.contains(said), "{markup}");
    }

    #[test]
    fn snapshots_too_near_to_each_other_share_a_mark_that_counts_them() {
        let markup = drawn(&[
            at(100, Kind::Periodic),
            at(890, Kind::Periodic),
            at(895, Kind::Rewind),
            at(900, Kind::Periodic),
        ]);
        assert_eq!(count_of(&markup, "<a "), 2);
        let said = "3 snapshots (2 periodic, 1 rewind), the newest periodic/20261122T200446Z";
        assert!(markup.contains(said), "{markup}");
        assert!(markup.contains("<g class=\"behind\"><path class=\"rewind\""), "{markup}");
        assert!(markup.contains(">3</text>"), "{markup}");
    }

    #[test]
    fn two_thousand_snapshots_make_no_more_marks_than_can_be_told_apart() {
        let entries: Vec<Entry> = (0..2000).map(|place| at(place / 2, Kind::Periodic)).collect();
        let second = |second| Timestamp::from_second(second).expect("a timestamp");
        let scale = Scale::new(second(0), second(1000));
        let entries: Vec<&Entry> = entries.iter().collect();
        let groups = groups(&entries, &scale);
        assert!(groups.windows(2).all(|pair| pair[1].x - pair[0].x >= APART));
        assert!((30..50).contains(&groups.len()), "{}", groups.len());
        let gathered: usize = groups.iter().map(|group| group.others.len() + 1).sum();
        assert_eq!(gathered, 2000);
    }

    #[test]
    fn a_damaged_snapshot_is_said_to_be_unreadable() {
        let damaged =
            Entry { state: State::Damaged, last_event_id: None, ..at(500, Kind::Periodic) };
        let markup = drawn(&[damaged]);
        assert!(markup.contains("8 minutes ago, unreadable\""), "{markup}");
        assert!(markup.contains("class=\"mark newest damaged\""), "{markup}");
    }
}
