//! One snapshot as a row of the list, and the empty row below it that its preview opens in.

use jiff::Timestamp;
use maud::{Markup, html};

use super::dom;
use super::format::{bytes_or_dash, moment, number_or_dash, span};
use super::links::Links;
use crate::snapshot::{Entry, Fate, Kind, SnapshotRef, State};

/// How many columns the list has.
pub(crate) const COLUMNS: usize = 10;

/// Both rows of a snapshot. With `focus`, keys go on from this one after the swap.
pub(crate) fn rows(links: &Links, entry: &Entry, now: Timestamp, focus: bool) -> Markup {
    let snapshot = entry.snapshot();
    html! {
        (row(links, entry, now, focus))
        tr.preview-row {
            td colspan=(COLUMNS) {
                div.preview id=(dom::id("preview", &snapshot)) hx-morph-skip-children {}
            }
        }
    }
}

/// The row alone.
pub(crate) fn row(links: &Links, entry: &Entry, now: Timestamp, focus: bool) -> Markup {
    let snapshot = entry.snapshot();
    html! {
        tr.snapshot
            id=(dom::id("row", &snapshot))
            data-kind=(entry.kind)
            data-id=(entry.snapshot_id)
            data-pinned=[entry.pinned.then_some("1")]
        {
            td.id { (mark(&snapshot)) (open(links, &snapshot, focus)) }
            td { (kind(entry.kind)) }
            td { (moment(entry.created_at, now)) }
            td.num { (number_or_dash(entry.last_event_id)) }
            td.num data-since=[entry.last_event_id] { (number_or_dash(entry.event_delta)) }
            td.num { (number_or_dash(entry.rows)) }
            td.num { (bytes_or_dash(entry.new_bytes)) }
            td.num.size { (bytes_or_dash(entry.file_size_bytes)) }
            td title=[entry.retention.as_ref().map(|fate| &fate.why)] { (state(entry.state)) }
            td.note { (remarks(entry)) }
        }
    }
}

fn mark(snapshot: &SnapshotRef) -> Markup {
    html! {
        input.mark
            type="checkbox"
            id=(dom::id("mark", snapshot))
            name="mark"
            value=(snapshot)
            form="compare"
            aria-label=(format!("Mark {snapshot} for comparison"));
    }
}

/// The row's one button. It stands in a form of its own, so that it opens a page without
/// JavaScript too.
fn open(links: &Links, snapshot: &SnapshotRef, focus: bool) -> Markup {
    html! {
        form action=(links.act(snapshot, "preview")) method="get" {
            input type="hidden" name="kind" value=(snapshot.kind);
            button.open
                type="submit"
                id=(dom::id("open", snapshot))
                aria-expanded="false"
                aria-controls=(dom::id("preview", snapshot))
                hx-get=(links.preview(snapshot))
                hx-target=(dom::target("preview", snapshot))
                hx-swap="innerHTML"
                data-focus[focus]
            { (snapshot.id) }
        }
    }
}

/// A kind, told by a shape beside its name.
pub(crate) fn kind(kind: Kind) -> Markup {
    html! { span.kind.(kind.name()) { (kind) } }
}

/// A state, told by a sign beside its name.
pub(crate) fn state(state: State) -> Markup {
    let class = match state {
        State::Intact => "intact",
        State::Damaged => "damaged",
    };
    html! { span.state.(class) { (state_word(state)) } }
}

/// What a state is called in the list.
pub(crate) fn state_word(state: State) -> &'static str {
    match state {
        State::Intact => "intact",
        State::Damaged => "unreadable",
    }
}

/// How the reasons begin that keep what is not among the newest.
const PERIODS: [&str; 7] =
    ["hourly ", "daily ", "weekly ", "monthly ", "yearly ", "within ", "a safety copy "];

/// The last column: why it is damaged, what it was taken for, pin and note.
fn remarks(entry: &Entry) -> Markup {
    let cause = entry.cause.as_ref();
    let copied = entry.copied_at.map(|at| at.as_second() - entry.created_at.as_second());
    let mut parts = Vec::new();
    if let Some(reason) = &entry.reason {
        parts.push(html! { span.reason { (reason) } });
    }
    if entry.pinned {
        parts.push(html! { span.pinned { "pinned" } });
    }
    if let Some(note) = &entry.note {
        parts.push(html! { bdi.text { (note) } });
    }
    if let Some(cause) = cause {
        parts.push(html! { "before restore of " (cause.restoring.id) });
    }
    match copied {
        Some(seconds) if seconds >= 0 => {
            parts.push(html! { span.copied { "copied " (span(seconds)) " later" } });
        }
        Some(seconds) => {
            let earlier = span(seconds.saturating_neg());
            parts.push(html! { span.copied { "file is " (earlier) " older" } });
        }
        None => {}
    }
    if let Some(fate) = &entry.retention {
        let soon = match fate {
            Fate { keep: false, .. } => Some("goes with the next prune"),
            Fate { next_to_go: true, .. } => Some("next to go"),
            _ => None,
        };
        parts.extend(soon.map(|soon| html! { span.next title=(fate.why) { (soon) } }));
        // The rest of what keeps it goes without saying: it is new, or was said above.
        let special = |why: &&str| PERIODS.iter().any(|rule| why.starts_with(rule));
        let special: Vec<&str> = fate.why.split(", ").filter(special).collect();
        if !special.is_empty() {
            parts.push(html! { span.why { (special.join(", ")) } });
        }
    }
    html! {
        @for (place, part) in parts.iter().enumerate() {
            @if place > 0 { " · " }
            (part)
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An intact rewind snapshot with every number known.
    pub(crate) fn entry() -> Entry {
        Entry {
            snapshot_id: "20261122T200446Z".parse().expect("an id"),
            kind: Kind::Rewind,
            filename: "20261122T200446Z.json".to_owned(),
            created_at: "2026-11-22T20:04:46Z".parse().expect("a moment"),
            copied_at: None,
            file_size_bytes: Some(2_000_000),
            last_event_id: Some(48_070),
            event_delta: Some(143),
            rows: Some(96_412),
            new_bytes: Some(118_000),
            state: State::Intact,
            reason: None,
            note: None,
            pinned: false,
            cause: None,
            retention: None,
        }
    }

    #[test]
    fn the_button_of_a_row_opens_the_preview_right_below_it() {
        let entry = entry();
        let markup = rows(&Links::new("/admin"), &entry, entry.created_at, false).into_string();
        for part in [
            r#"id="row-rewind-20261122T200446Z""#,
            r#"hx-get="/admin/snapshots/20261122T200446Z/preview?kind=rewind""#,
            r##"hx-target="#preview-rewind-20261122T200446Z""##,
            r#"aria-controls="preview-rewind-20261122T200446Z""#,
            r#"<div class="preview" id="preview-rewind-20261122T200446Z""#,
            r#"<input type="hidden" name="kind" value="rewind">"#,
        ] {
            assert!(markup.contains(part), "{part} in {markup}");
        }
    }

    #[test]
    fn the_last_column_says_what_retention_has_in_mind() {
        let said = |keep, why: &str, next_to_go| {
            let fate = Fate { keep, why: why.to_owned(), next_to_go };
            let text = remarks(&Entry { retention: Some(fate), ..entry() }).into_string();
            text.replace("<span class=\"", "<").replace("</span>", "")
        };
        assert_eq!(said(true, "newest 5 of its kind", false), "");
        assert_eq!(
            said(true, "newest 5 of its kind, daily 2026-11-22, weekly 2026-W47", false),
            "<why\">daily 2026-11-22, weekly 2026-W47"
        );
        assert_eq!(
            said(true, "daily 2026-11-22", true),
            "<next\" title=\"daily 2026-11-22\">next to go · <why\">daily 2026-11-22"
        );
        assert_eq!(
            said(false, "kept by no rule", false),
            "<next\" title=\"kept by no rule\">goes with the next prune"
        );
    }

    #[test]
    fn the_last_column_says_everything_that_is_not_in_the_others() {
        let mut entry = entry();
        entry.pinned = true;
        entry.note = Some("<b>release</b>".to_owned());
        entry.copied_at = Some("2026-11-25T20:04:46Z".parse().expect("a moment"));
        let markup = remarks(&entry).into_string();
        assert_eq!(
            markup,
            "<span class=\"pinned\">pinned</span> · \
             <bdi class=\"text\">&lt;b&gt;release&lt;/b&gt;</bdi> · \
             <span class=\"copied\">copied 3 days later</span>"
        );
    }
}
