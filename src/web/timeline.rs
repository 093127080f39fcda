//! The picture at the top: events over time, and the snapshots on it, each a link to its row.

mod curve;
mod marks;
mod scale;

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::format::{count, span};
use crate::error::Result;
use crate::snapshot::{Activity, Entry, List, Snapshots};
use scale::{GROUND, HEIGHT, MARGIN, Scale, WIDTH, share, tenth};

/// A length of time that the picture may show, and the parts that events are counted in.
struct Span {
    minutes: i64,
    /// What the length is called after "last".
    name: &'static str,
    parts: usize,
    /// What a part is called after "per".
    part: &'static str,
}

/// The shortest that holds every snapshot is shown, or the longest.
const SPANS: [Span; 5] = [
    Span { minutes: 6 * 60, name: "6 hours", parts: 72, part: "5 minutes" },
    Span { minutes: 24 * 60, name: "24 hours", parts: 48, part: "half hour" },
    Span { minutes: 3 * 24 * 60, name: "3 days", parts: 72, part: "hour" },
    Span { minutes: 7 * 24 * 60, name: "7 days", parts: 84, part: "2 hours" },
    LONGEST,
];
const LONGEST: Span = Span { minutes: 14 * 24 * 60, name: "14 days", parts: 84, part: "4 hours" };

impl Span {
    fn of(list: &List, now: Timestamp) -> &'static Self {
        let oldest = list.snapshots.iter().map(|entry| entry.created_at).min();
        let holds = |span: &&Self| oldest.is_none_or(|oldest| oldest >= span.begin(now));
        SPANS.iter().find(holds).unwrap_or(&LONGEST)
    }

    fn begin(&self, now: Timestamp) -> Timestamp {
        now.checked_sub(SignedDuration::from_mins(self.minutes)).unwrap_or(Timestamp::MIN)
    }
}

/// Counts the events that the picture of this list shows; `None` where their log tells no times.
pub(crate) fn activity(
    snapshots: &Snapshots,
    list: &List,
    now: Timestamp,
) -> Result<Option<Activity>> {
    let span = Span::of(list, now);
    snapshots.activity(span.begin(now), span.parts)
}

/// The heading, the distance in words, and the picture.
pub(crate) fn timeline(list: &List, activity: Option<&Activity>, now: Timestamp) -> Markup {
    let picture = Picture::of(list, activity, now);
    html! {
        div.caption {
            h2 { (picture.title) @if let Some(left_out) = picture.left_out() { " · " (left_out) } }
            p.since { (distance(list)) }
        }
        @if activity.is_some() || !list.snapshots.is_empty() { (picture.markup()) }
    }
}

/// How far the newest snapshot is from now. The number is kept up to date while the page is open.
fn distance(list: &List) -> Markup {
    let newest = list.snapshots.iter().find(|entry| entry.event_delta.is_some());
    let behind = newest.and_then(|entry| u64::try_from(entry.event_delta?).ok());
    html! {
        @if list.snapshots.is_empty() { "No snapshot yet" }
        @if let Some(behind) = behind {
            span data-since=[newest.and_then(|entry| entry.last_event_id)] data-unit="event events" {
                (count(behind, "event", "events"))
            }
            " since the newest snapshot"
        }
    }
}

/// What is drawn.
struct Picture<'a> {
    title: String,
    /// The curve in words.
    said: String,
    scale: Scale,
    /// Corners of the curve, from left to right.
    points: Vec<(f64, f64)>,
    /// Snapshots within the picture, oldest first.
    shown: Vec<&'a Entry>,
    older: usize,
    now: Timestamp,
}

impl<'a> Picture<'a> {
    fn of(list: &'a List, activity: Option<&Activity>, now: Timestamp) -> Self {
        let mut shown: Vec<&Entry> = list.snapshots.iter().collect();
        shown.sort_by_key(|entry| (entry.created_at, &entry.snapshot_id));
        let Some(activity) = activity else { return Self::of_positions(list, shown, now) };
        let scale = Scale::new(activity.from, activity.to.max(now));
        shown.retain(|entry| entry.created_at >= activity.from);
        let older = list.snapshots.len() - shown.len();
        let points = heights(&activity.counts);
        let total = count(activity.counts.iter().sum(), "event", "events");
        let most = activity.counts.iter().max().copied().unwrap_or_default();
        let (title, part) = caption(Span::of(list, now), activity, now);
        let most = count(most, "event", "events");
        let said = format!("{title}: {total}, at most {most} in {part}");
        Self { title, said, scale, points, shown, older, now }
    }

    /// Without the times of events: the log's position at each snapshot.
    fn of_positions(list: &List, shown: Vec<&'a Entry>, now: Timestamp) -> Self {
        let first = shown.first().map_or(now, |entry| entry.created_at);
        let scale = Scale::new(first, now.max(shown.last().map_or(now, |last| last.created_at)));
        let points = positions(&shown, list.current_event_log_max_id, &scale, now);
        let known = !points.is_empty();
        let title =
            if known { "Position of the event log over time" } else { "Snapshots over time" };
        let title = title.to_owned();
        Self { said: title.clone(), title, scale, points, shown, older: 0, now }
    }

    fn left_out(&self) -> Option<String> {
        let older = u64::try_from(self.older).unwrap_or(u64::MAX);
        (older > 0)
            .then(|| format!("{} not shown", count(older, "older snapshot", "older snapshots")))
    }

    /// Which snapshots are marked, in words.
    fn marked(&self) -> String {
        let older = self.left_out().map(|older| format!("; {older}")).unwrap_or_default();
        match u64::try_from(self.shown.len()).unwrap_or(u64::MAX) {
            0 => format!("No snapshot in this time{older}"),
            marked => {
                let marked = count(marked, "snapshot", "snapshots");
                format!("{marked}, oldest to newest{older}")
            }
        }
    }

    /// The curve is stretched with the page; the marks, each in a picture of its own, keep their
    /// shape.
    fn markup(&self) -> Markup {
        let label = format!("{}. {}", self.said, self.marked());
        let now = tenth(self.scale.x(self.now));
        html! {
            svg.picture role="group" aria-label=(label) {
                svg.curve viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="none" aria-hidden="true" {
                    @if let Some(line) = curve::through(&self.points) {
                        path.area d=(curve::below(&line, &self.points, GROUND)) {}
                        path.line d=(line) {}
                    }
                    line.base x1=(MARGIN) x2=(WIDTH - MARGIN) y1=(GROUND) y2=(GROUND) {}
                    line.now x1=(now) x2=(now) y1="4" y2=(GROUND + 8.0) {}
                }
                (marks::marks(&self.shown, &self.scale, self.now))
            }
        }
    }
}

/// What the curve shows, and what a part of it is called.
fn caption(shown: &Span, activity: &Activity, now: Timestamp) -> (String, String) {
    // A log that begins within the span is shown from its first event on, in parts of their own
    // length.
    if activity.from > shown.begin(now) + SignedDuration::from_mins(1) {
        let whole = activity.to.as_second() - activity.from.as_second();
        let parts = i64::try_from(activity.counts.len()).unwrap_or(i64::MAX).max(1);
        let part = format!("about {}", span((whole / parts).max(1)));
        return (format!("Events since the first, {} ago", span(whole)), part);
    }
    let part = shown.part;
    let one = if part.starts_with(|first: char| first.is_ascii_digit()) { "" } else { "one " };
    (format!("Events per {part}, last {}", shown.name), format!("{one}{part}"))
}

/// Counts as corners: each in the middle of its part, the outer ones led on to the edges.
fn heights(counts: &[u64]) -> Vec<(f64, f64)> {
    let highest = counts.iter().max().copied().unwrap_or_default();
    let highest = i64::try_from(highest).unwrap_or(i64::MAX);
    let y = |count: u64| Scale::y(share(i64::try_from(count).unwrap_or(i64::MAX), 0, highest));
    let (Some(first), Some(last)) = (counts.first(), counts.last()) else { return Vec::new() };
    let mut points = vec![(MARGIN, y(*first))];
    let width = (WIDTH - 2.0 * MARGIN) / scale::float(counts.len());
    points.extend(
        counts
            .iter()
            .enumerate()
            .map(|(place, count)| (MARGIN + (scale::float(place) + 0.5) * width, y(*count))),
    );
    points.push((WIDTH - MARGIN, y(*last)));
    points
}

/// Positions as corners, no closer than can be told apart.
fn positions(
    shown: &[&Entry],
    current: Option<i64>,
    scale: &Scale,
    now: Timestamp,
) -> Vec<(f64, f64)> {
    let Some(current) = current else { return Vec::new() };
    let known = shown.iter().filter_map(|entry| Some((entry.created_at, entry.last_event_id?)));
    let known: Vec<(Timestamp, i64)> = known.chain([(now, current)]).collect();
    let lowest = known.iter().map(|(_, position)| *position).min().unwrap_or(current);
    let highest = known.iter().map(|(_, position)| *position).max().unwrap_or(current);
    let mut points: Vec<(f64, f64)> = Vec::new();
    for (moment, position) in known {
        let point = (scale.x(moment), Scale::y(share(position, lowest, highest).or(Some(0.5))));
        match points.last_mut() {
            // The later one counts: it is nearer to the position after it.
            Some(last) if point.0 - last.0 < 2.0 => *last = (last.0, point.1),
            _ => points.push(point),
        }
    }
    points
}

#[cfg(test)]
mod tests;
