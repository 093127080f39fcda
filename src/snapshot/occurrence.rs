//! What was done: a line of the history, and how lines are searched for.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::facts::Scope;
use super::id::SnapshotRef;
use crate::error::Error;

/// What was done to a store or a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A snapshot was taken.
    Take,
    /// A snapshot was restored.
    Restore,
    /// A note or a pin was changed.
    Label,
    /// A snapshot was deleted by hand.
    Delete,
    /// Snapshots were removed by retention.
    Prune,
    /// A snapshot came from a file.
    Import,
    /// Snapshots were read back.
    Verify,
    /// Snapshots were read back, and what was damaged was written anew.
    Repair,
    /// A snapshot went to a file.
    Export,
    /// A snapshot went to another store.
    Copy,
    /// A hook followed what was done.
    Hook,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 11] = [
        Self::Take,
        Self::Restore,
        Self::Label,
        Self::Delete,
        Self::Prune,
        Self::Import,
        Self::Verify,
        Self::Repair,
        Self::Export,
        Self::Copy,
        Self::Hook,
    ];

    /// The action's name in forms, answers and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Take => "take",
            Self::Restore => "restore",
            Self::Label => "label",
            Self::Delete => "delete",
            Self::Prune => "prune",
            Self::Import => "import",
            Self::Verify => "verify",
            Self::Repair => "repair",
            Self::Export => "export",
            Self::Copy => "copy",
            Self::Hook => "hook",
        }
    }

    /// The action as a verb in the past tense.
    #[must_use]
    pub fn done(self) -> &'static str {
        match self {
            Self::Take => "taken",
            Self::Restore => "restored",
            Self::Label => "labelled",
            Self::Delete => "deleted",
            Self::Prune => "pruned",
            Self::Import => "imported",
            Self::Verify => "verified",
            Self::Repair => "repaired",
            Self::Export => "exported",
            Self::Copy => "copied",
            Self::Hook => "followed by its hook",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Action {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|action| action.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::invalid(format!("nothing that is done is named {text:?}"))
                .on("what")
                .hint(format!("state one of {names}"))
        })
    }
}

/// One line of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// When it ended.
    pub at: Timestamp,
    /// What was done.
    pub action: Action,
    /// To which snapshot; `None` for several.
    pub snapshot: Option<SnapshotRef>,
    /// By whom: `console`, or the user of the command line.
    pub by: String,
    /// Whether it succeeded.
    pub ok: bool,
    /// What came of it, in words and numbers; the error when it failed.
    pub outcome: String,
    /// What to do next, when it failed.
    #[serde(default)]
    pub hint: Option<String>,
    /// The safety copy of a restore: what undoes it.
    pub rewind: Option<SnapshotRef>,
    /// The scope of a restore.
    pub scope: Option<Scope>,
    /// The fingerprint of the plan that was restored by, or that was asked for in vain.
    #[serde(default)]
    pub plan: Option<String>,
    /// What came of it in numbers, by name: `rows`, `new_bytes`, `added`, ….
    #[serde(default)]
    pub numbers: BTreeMap<String, i64>,
    /// How long writers of the database had to wait, in milliseconds, where they had to.
    #[serde(default)]
    pub lock_ms: Option<u64>,
    /// How long it took, in milliseconds; `None` where that was not written down.
    #[serde(default)]
    pub took_ms: Option<u64>,
}

/// Which lines of the history are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Words that must all be in what a line says, in upper or lower case.
    pub words: String,
    /// Only this action.
    pub action: Option<Action>,
    /// Only what succeeded, or only what failed.
    pub ok: Option<bool>,
    /// The `next` of the page before; `None` for the first.
    pub before: Option<String>,
    /// Lines a page; 0 means 100.
    pub limit: usize,
}

impl HistoryQuery {
    /// Whether every line is wanted.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.action.is_none() && self.ok.is_none() && self.words.trim().is_empty()
    }

    /// What tells whether a line is wanted.
    pub(crate) fn matcher(&self) -> impl Fn(&Occurrence) -> bool {
        let words: Vec<_> =
            self.words.to_lowercase().split_whitespace().map(str::to_owned).collect();
        let (action, ok) = (self.action, self.ok);
        move |one| {
            action.is_none_or(|action| action == one.action)
                && ok.is_none_or(|ok| ok == one.ok)
                && (words.is_empty() || {
                    let said = said(one);
                    words.iter().all(|word| said.contains(word))
                })
        }
    }
}

/// What a line says, to be searched in.
fn said(one: &Occurrence) -> String {
    let name = |snapshot: &Option<SnapshotRef>| {
        snapshot.as_ref().map(ToString::to_string).unwrap_or_default()
    };
    let text = format!(
        "{} {} {} {} {} {} {} {} {} {} {}",
        one.at,
        one.action,
        one.action.done(),
        if one.ok { "done" } else { "failed" },
        name(&one.snapshot),
        one.by,
        one.outcome,
        one.hint.as_deref().unwrap_or_default(),
        name(&one.rewind),
        one.scope.map(Scope::name).unwrap_or_default(),
        one.plan.as_deref().unwrap_or_default(),
    );
    text.to_lowercase()
}

/// A page of the history, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryPage {
    /// The lines.
    pub history: Vec<Occurrence>,
    /// Where the next page begins: hand it back as `before`; `None` on the last page. A search
    /// looks at so many lines at a time: there may be a next page though this one is not full.
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_read_by_its_name_and_told_by_it() {
        for action in Action::ALL {
            assert_eq!(action.name().parse::<Action>().expect("an action"), action);
            assert_eq!(serde_json::json!(action), action.name());
        }
        let error = "dance".parse::<Action>().expect_err("no action");
        assert!(error.next_step().contains("take, restore"), "{error}");
    }

    #[test]
    fn an_entry_of_before_is_still_read() {
        let line = r#"{"at":"2026-11-22T20:04:46Z","action":"take","snapshot":"periodic/a",
            "by":"mara","ok":true,"outcome":"18 rows","rewind":null,"scope":null}"#;
        let one: Occurrence = serde_json::from_str(line).expect("an entry");
        assert_eq!((one.plan, one.took_ms, one.numbers.len()), (None, None, 0));
    }

    #[test]
    fn a_search_wants_every_word_wherever_it_stands() {
        let one = Occurrence {
            at: "2026-11-22T20:04:46Z".parse().expect("a moment"),
            action: Action::Restore,
            snapshot: Some("periodic/a".parse().expect("a name")),
            by: "Mara".to_owned(),
            ok: false,
            outcome: "the schema differs".to_owned(),
            hint: Some("accept the differences".to_owned()),
            rewind: None,
            scope: Some(Scope::Rewind),
            plan: Some("7-abc".to_owned()),
            numbers: BTreeMap::new(),
            lock_ms: None,
            took_ms: None,
        };
        let wants = |query: HistoryQuery| query.matcher()(&one);
        let words =
            |words: &str| HistoryQuery { words: words.to_owned(), ..HistoryQuery::default() };
        for typed in
            ["", " ", "mara", "MARA schema", "periodic/a rewind", "2026-11-22 failed", "7-abc"]
        {
            assert!(wants(words(typed)), "{typed}");
        }
        assert!(!wants(words("mara done")));
        let of = |action, ok| HistoryQuery { action, ok, ..HistoryQuery::default() };
        assert!(wants(of(Some(Action::Restore), Some(false))));
        assert!(!wants(of(Some(Action::Take), None)));
        assert!(!wants(of(None, Some(true))));
    }
}
