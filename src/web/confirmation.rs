//! The form that confirms a restore: the plan in words, the choices, the id to type.

use maud::{Markup, html};

use super::fields::Fields;
use super::format::{count, number};
use super::links::Links;
use super::{changes, dom};
use crate::error::Result;
use crate::snapshot::{Preview, Scope, SnapshotRef};

/// What the form holds besides the plan; kept when it has to be shown again.
#[derive(Debug, Default)]
pub(crate) struct Choices {
    /// How much to restore; `None` leaves it to what the snapshot offers.
    pub(crate) scope: Option<Scope>,
    /// Only these tables; empty means all.
    pub(crate) tables: Vec<String>,
    /// Whether what arrives meanwhile may go too.
    pub(crate) moving: bool,
    /// Whether another schema is accepted.
    pub(crate) accept_schema: bool,
    /// What was typed to confirm.
    pub(crate) typed: Option<String>,
}

impl Choices {
    /// The choices that a request states.
    pub(crate) fn read(fields: &Fields) -> Result<Self> {
        Ok(Self {
            scope: fields.read("scope")?,
            tables: fields
                .all("table")
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
            moving: fields.switch("moving")?.unwrap_or(false),
            accept_schema: fields.switch("accept_schema")?.unwrap_or(false),
            typed: None,
        })
    }

    fn takes(&self, table: &str) -> bool {
        self.tables.iter().any(|name| name == table)
    }
}

/// The form. It works the same as a fragment and on a page of its own.
pub(crate) fn confirmation(
    links: &Links,
    snapshot: &SnapshotRef,
    preview: &Preview,
    choices: &Choices,
) -> Markup {
    let scope = choices.scope.unwrap_or_default();
    let field = dom::id("confirm-id", snapshot);
    html! {
        form.confirm
            id=(dom::id("confirm-form", snapshot))
            method="post" action=(links.apply(snapshot))
            hx-post=(links.apply(snapshot)) hx-target="closest .confirming"
            hx-disable="find button"
            data-status=(format!("Confirm the restore: {}", changes::said(preview)))
        {
            input type="hidden" name="kind" value=(snapshot.kind);
            @if let Some(plan) = &preview.plan { input type="hidden" name="plan" value=(plan); }
            (plan_in_words(snapshot, preview))
            (scopes(preview, scope))
            (schema(preview, choices))
            @if !preview.notes.is_empty() {
                ul.notes { @for note in &preview.notes { li { (note) } } }
            }
            (only_tables(preview, choices))
            p {
                label {
                    input type="checkbox" name="moving" value="1" checked[choices.moving];
                    "The database never stands still: what arrives meanwhile goes too"
                }
            }
            p {
                label for=(field) { "Type the snapshot id to confirm: " code { (snapshot.id) } }
            }
            p.submit {
                input
                    id=(field) type="text" name="confirm_id" value=[choices.typed.as_deref()]
                    data-expect=(snapshot.id) data-focus
                    autocomplete="off" autocapitalize="off" spellcheck="false" required;
                " "
                button.danger type="submit" { "Restore" }
                " "
                a.cancel href=(links.preview(snapshot)) { "Cancel " kbd { "Esc" } }
                @if let Some(position) = preview.current_event_log_max_id {
                    " " span.soft { "Plan checked against event " (number(position)) }
                }
            }
        }
    }
}

/// What happens, before anything is asked.
fn plan_in_words(snapshot: &SnapshotRef, preview: &Preview) -> Markup {
    html! {
        p {
            strong { "Restore " (snapshot.id) "?" }
            @match preview.last_event_id {
                Some(position) => { " Tables go back to event " (number(position)) "." }
                None => { " Tables go back to what the snapshot holds." }
            }
            " A rewind snapshot of the present state is taken first, so this can be undone with "
            kbd { "u" } "."
        }
        @if preview.changed_tables().next().is_some() {
            ul.plan {
                @for table in preview.changed_tables() {
                    li {
                        bdi { (table.name) } ": "
                        (parts(table.added, table.removed, table.changed))
                    }
                }
            }
        } @else {
            p { "No table differs from the snapshot." }
        }
    }
}

fn parts(added: u64, removed: u64, changed: u64) -> Markup {
    let told: Vec<String> = [
        (added, "row comes back", "rows come back"),
        (removed, "row goes", "rows go"),
        (changed, "row changes", "rows change"),
    ]
    .into_iter()
    .filter(|(amount, ..)| *amount > 0)
    .map(|(amount, one, many)| count(amount, one, many))
    .collect();
    html! { (told.join(", ")) }
}

fn scopes(preview: &Preview, chosen: Scope) -> Markup {
    let Some(delta) = preview.event_delta else {
        return html! { input type="hidden" name="scope" value="tables"; };
    };
    let rewind = match u64::try_from(delta) {
        Ok(0) => "Also set the log back to the snapshot".to_owned(),
        Ok(ahead) => format!("Also rewind the log by {}", count(ahead, "event", "events")),
        Err(_) => {
            format!("Also bring back {} to the log", count(delta.unsigned_abs(), "event", "events"))
        }
    };
    html! {
        fieldset.scope {
            legend.vh { "Scope" }
            @for (scope, words) in
                [(Scope::Tables, "Restore tables, keep the event log"), (Scope::Rewind, rewind.as_str())]
            {
                label {
                    input type="radio" name="scope" value=(scope) checked[scope == chosen];
                    (words)
                }
            }
        }
    }
}

fn schema(preview: &Preview, choices: &Choices) -> Markup {
    html! {
        @if !preview.schema_differences.is_empty() {
            div.schema {
                p { "The schema is another now:" }
                ul { @for line in &preview.schema_differences { li { (line) } } }
                label {
                    input type="checkbox" name="accept_schema" value="1" checked[choices.accept_schema];
                    "Restore all the same, columns matched by name"
                }
            }
        }
    }
}

fn only_tables(preview: &Preview, choices: &Choices) -> Markup {
    html! {
        @if preview.tables.len() > 1 {
            details.tables open[!choices.tables.is_empty()] {
                summary { "Only some tables" }
                fieldset {
                    legend.vh { "Restore only these tables; none chosen means all" }
                    @for table in &preview.tables {
                        label {
                            input type="checkbox" name="table" value=(table.name)
                                checked[choices.takes(&table.name)];
                            bdi { (table.name) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::TableCounts;

    fn preview() -> Preview {
        let table = |name: &str, removed| TableCounts {
            name: name.to_owned(),
            removed,
            ..TableCounts::default()
        };
        Preview {
            snapshot_id: None,
            kind: None,
            filename: None,
            from: "now".to_owned(),
            created_at: None,
            file_size_bytes: None,
            last_event_id: Some(48_070),
            current_event_log_max_id: Some(48_213),
            event_delta: Some(143),
            event_log_rows_in_snapshot: None,
            tables: vec![table("messages", 131), table("tags", 0)],
            event_log: None,
            events_since: Vec::new(),
            schema_differences: Vec::new(),
            notes: Vec::new(),
            plan: Some("f00d".to_owned()),
        }
    }

    fn shown(preview: &Preview, choices: &Choices) -> String {
        let snapshot = "periodic/20261122T200446Z".parse().expect("a name");
        confirmation(&Links::new("/admin"), &snapshot, preview, choices).into_string()
    }

    #[test]
    fn the_form_carries_the_plan_and_says_what_happens_before_it_asks() {
        let markup = shown(&preview(), &Choices::default());
        let order = [
            r#"action="/admin/snapshots/restore/20261122T200446Z""#,
            r#"name="kind" value="periodic""#,
            r#"name="plan" value="f00d""#,
            "A rewind snapshot of the present state is taken first",
            "131 rows go",
            "Also rewind the log by 143 events",
            "<code>20261122T200446Z</code>",
            r#"name="confirm_id""#,
            r#"<button class="danger" type="submit">Restore</button>"#,
            "Plan checked against event 48\u{202f}213",
        ];
        let mut from = 0;
        for part in order {
            let at = markup[from..].find(part).unwrap_or_else(|| panic!("{part} in {markup}"));
            from += at;
        }
        assert!(!markup.contains("accept_schema"), "{markup}");
    }

    #[test]
    fn another_schema_has_to_be_accepted() {
        let mut preview = preview();
        preview.schema_differences = vec!["table tags: no column colour".to_owned()];
        let markup = shown(&preview, &Choices::default());
        assert!(
            markup.contains("no column colour") && markup.contains("accept_schema"),
            "{markup}"
        );
    }

    #[test]
    fn what_was_chosen_and_typed_is_kept() {
        let choices = Choices {
            scope: Some(Scope::Rewind),
            tables: vec!["tags".to_owned()],
            moving: true,
            accept_schema: false,
            typed: Some("20261122T200446Z".to_owned()),
        };
        let markup = shown(&preview(), &choices);
        for part in [
            r#"name="scope" value="rewind" checked"#,
            r#"name="table" value="tags" checked"#,
            r#"name="moving" value="1" checked"#,
            r#"name="confirm_id" value="20261122T200446Z""#,
        ] {
            assert!(markup.contains(part), "{part} in {markup}");
        }
        assert!(!markup.contains(r#"value="messages" checked"#), "{markup}");
    }
}
