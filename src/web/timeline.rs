//! The picture at the top: the log's position over the times of the snapshots, each a link to
//! its row.

use jiff::Timestamp;
use maud::{Markup, html};

use super::console::present;
use super::dom;
use super::format::{ago, count, number};
use crate::snapshot::{Entry, Kind, List};

/// The size of the picture's own units; it is stretched to the width of the page.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 100.0;
/// Where the marks stand, and the ground of the area.
const GROUND: f64 = 78.0;
/// How high the area may reach.
const CEILING: f64 = 14.0;
/// What is left free at both sides.
const MARGIN: f64 = 8.0;

/// The heading, the distance in words, and the picture.
pub(crate) fn timeline(list: &List) -> Markup {
    let now = present();
    let since = list
        .snapshots
        .iter()
        .find_map(|entry| entry.event_delta)
        .and_then(|delta| u64::try_from(delta).ok());
    html! {
        div.caption {
            h2 { "Snapshots over time" }
            p.since {
                @if let Some(since) = since {
                    (count(since, "event", "events")) " since the newest snapshot"
                } @else if list.snapshots.is_empty() {
                    "No snapshot yet"
                }
            }
        }
        @if !list.snapshots.is_empty() { (picture(list, now)) }
    }
}

/// The area is stretched with the page; the marks, each in a picture of its own, keep their shape.
fn picture(list: &List, now: Timestamp) -> Markup {
    let scale = Scale::of(list, now);
    let right = tenth(WIDTH - MARGIN);
    html! {
        svg role="group" aria-label="Snapshots over time, oldest to newest" {
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="none" aria-hidden="true" {
                @if let Some((line, area)) = scale.area(list) {
                    path.area d=(area) {}
                    path.line d=(line) {}
                } @else {
                    line.base x1=(MARGIN) x2=(right) y1=(GROUND) y2=(GROUND) {}
                }
                line.now x1=(right) x2=(right) y1="6" y2=(GROUND + 8.0) {}
            }
            @for entry in list.snapshots.iter().rev() {
                (mark(entry, scale.x(entry.created_at), now))
            }
        }
    }
}

fn mark(entry: &Entry, x: f64, now: Timestamp) -> Markup {
    let snapshot = entry.snapshot();
    let position =
        entry.last_event_id.map(|at| format!(", event {}", number(at))).unwrap_or_default();
    let said = format!("{snapshot}, {}{position}", ago(entry.created_at, now));
    let row = format!("#{}", dom::id("row", &snapshot));
    html! {
        svg x=(percent(x, WIDTH)) y=(percent(GROUND, HEIGHT)) overflow="visible" {
            a href=(row) aria-label=(said) {
                title { (said) }
                @match entry.kind {
                    Kind::Periodic => circle.periodic r="4.5" {},
                    Kind::Rewind => path.rewind d="M0 -6 L6 0 L0 6 L-6 0 Z" {},
                }
            }
        }
    }
}

fn percent(value: f64, whole: f64) -> String {
    format!("{}%", tenth(value * 100.0 / whole))
}

/// Coordinates to a tenth of a unit: finer is not seen, and longer to send.
fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// From moments and positions to places in the picture.
struct Scale {
    first: i64,
    until: i64,
    lowest: i64,
    highest: i64,
}

impl Scale {
    fn of(list: &List, present: Timestamp) -> Self {
        let moments = list.snapshots.iter().map(|entry| entry.created_at.as_second());
        let first = moments.clone().min().unwrap_or_default();
        let until = moments.max().unwrap_or_default().max(present.as_second());
        let positions = list.snapshots.iter().filter_map(|entry| entry.last_event_id);
        let positions = positions.chain(list.current_event_log_max_id);
        let lowest = positions.clone().min().unwrap_or_default();
        let highest = positions.max().unwrap_or_default();
        Self { first, until, lowest, highest }
    }

    fn x(&self, moment: Timestamp) -> f64 {
        let part = share(moment.as_second(), self.first, self.until).unwrap_or(0.0);
        MARGIN + part * (WIDTH - 2.0 * MARGIN)
    }

    fn y(&self, position: i64) -> f64 {
        let part = share(position, self.lowest, self.highest).unwrap_or(0.5);
        GROUND - part * (GROUND - CEILING)
    }

    /// The line through all known positions, and the area below it.
    fn area(&self, list: &List) -> Option<(String, String)> {
        let mut points: Vec<(f64, f64)> = list
            .snapshots
            .iter()
            .rev()
            .filter_map(|entry| Some((self.x(entry.created_at), self.y(entry.last_event_id?))))
            .collect();
        points.push((WIDTH - MARGIN, self.y(list.current_event_log_max_id?)));
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (start, end) = (points.first()?.0, points.last()?.0);
        let line: Vec<String> =
            points.iter().map(|(x, y)| format!("{} {}", tenth(*x), tenth(*y))).collect();
        let line = format!("M{}", line.join(" L"));
        let area = format!("{line} L{} {GROUND} L{} {GROUND} Z", tenth(end), tenth(start));
        Some((line, area))
    }
}

/// How far `value` is on the way from `low` to `high`; `None` when that is no way at all.
fn share(value: i64, low: i64, high: i64) -> Option<f64> {
    let whole = i128::from(high) - i128::from(low);
    if whole <= 0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a place in a picture")]
    let part = (i128::from(value) - i128::from(low)) as f64 / whole as f64;
    Some(part.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_extreme_positions_stays_in_the_picture() {
        assert_eq!(share(i64::MAX, i64::MIN, i64::MAX), Some(1.0));
        assert_eq!(share(5, 5, 5), None);
        assert_eq!(share(-1, 0, 10), Some(0.0));
    }
}
