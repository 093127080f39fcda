//! Programs of the caller's own, run after a take or a restore.
//!
//! They run on a thread of their own, one after the other: nothing that was done waits for them, and
//! nothing is undone when they fail. What came of each is in the history.

mod program;

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Core;
use super::deed::numbers;
use super::id::SnapshotRef;
use super::occurrence::{Action, Occurrence};
use crate::error::{Error, Result};
use program::Ended;

/// How many may wait to be run: work goes faster than its hooks then, and some are left out.
const WAITING: usize = 64;

/// Variables that a hook does not inherit: one that takes a snapshot would call itself for ever, and
/// secrets are not its business.
const WITHHELD: [&str; 6] = [
    "SNAPBACK_AFTER_TAKE",
    "SNAPBACK_AFTER_RESTORE",
    "SNAPBACK_WEBHOOK",
    "SNAPBACK_PASSWORD_HASH",
    "SNAPBACK_PASSWORD_HASH_FILE",
    "SNAPBACK_TOKEN_HASH",
];

/// A program with its arguments. No shell reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    program: String,
    arguments: Vec<String>,
}

impl FromStr for Hook {
    type Err = Error;

    /// Splits a line into words as a shell does: quotes and backslashes keep words together.
    /// Nothing is expanded: `$X`, `*`, `|` and `;` stand for themselves.
    fn from_str(line: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Error::invalid(what).on(line.escape_debug()).hint(
                "write a program and its arguments, such as /usr/local/bin/notify --quiet; \
                 for a shell's syntax write sh -c '…'",
            )
        };
        let words =
            shlex::split(line).ok_or_else(|| wrong("a quote of the command does not end"))?;
        let mut words = words.into_iter();
        let program = words.next().filter(|program| !program.is_empty());
        let program = program.ok_or_else(|| wrong("the command names no program"))?;
        Ok(Self { program, arguments: words.collect() })
    }
}

/// Which programs run after what.
#[derive(Clone, Debug)]
pub struct Hooks {
    /// Runs after a snapshot was taken.
    pub after_take: Option<Hook>,
    /// Runs after a snapshot was restored.
    pub after_restore: Option<Hook>,
    /// How long one may run. Then it is killed with every process of its group.
    pub timeout: Duration,
}

impl Default for Hooks {
    fn default() -> Self {
        Self { after_take: None, after_restore: None, timeout: Duration::from_mins(1) }
    }
}

impl Hooks {
    fn is_empty(&self) -> bool {
        self.after_take.is_none() && self.after_restore.is_none()
    }

    fn after(&self, action: Action) -> Option<&Hook> {
        match action {
            Action::Take => self.after_take.as_ref(),
            Action::Restore => self.after_restore.as_ref(),
            _ => None,
        }
    }
}

/// Something that was done, for its hook to follow.
struct Asked {
    core: Core,
    line: Occurrence,
}

/// The thread that runs hooks. Dropping it waits for those that were asked for.
pub(crate) struct Runner {
    asked: Option<SyncSender<Asked>>,
    thread: Option<JoinHandle<()>>,
    /// When whatever runs is killed, and nothing more is run.
    end: Arc<Mutex<Option<Instant>>>,
}

impl Runner {
    /// Starts the thread, where there is a hook at all.
    pub(crate) fn start(hooks: &Hooks) -> Result<Option<Self>> {
        if hooks.is_empty() {
            return Ok(None);
        }
        let (asked, wanted) = mpsc::sync_channel(WAITING);
        let end: Arc<Mutex<Option<Instant>>> = Arc::default();
        let ending = end.clone();
        let thread = thread::Builder::new().name("hooks".to_owned());
        let thread = thread.spawn(move || run_all(&wanted, &ending)).map_err(|error| {
            Error::failed("the thread of the hooks could not be started")
                .because(error)
                .hint("look at the limits on threads of this process")
        })?;
        Ok(Some(Self { asked: Some(asked), thread: Some(thread), end }))
    }

    /// Has the hook run that follows what was done, and does not wait for it.
    pub(crate) fn follow(&self, core: &Core, line: &Occurrence) {
        let Some(asked) = self.asked.as_ref() else { return };
        if core.options.hooks.after(line.action).is_none() {
            return;
        }
        let sent = asked.try_send(Asked { core: core.clone(), line: line.clone() });
        if sent.is_err() {
            let deed = core.begin(Action::Hook, line.snapshot.as_ref(), &line.by);
            let error = Error::failed("too many hooks wait to be run: this one is left out");
            deed.failed(&error, format!("after {}: {error}", line.action), BTreeMap::new());
        }
    }

    /// Gives hooks so much time from now on; what still runs then is killed.
    pub(crate) fn end_within(&self, time: Duration) {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        *end = Instant::now().checked_add(time);
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        drop(self.asked.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run_all(wanted: &Receiver<Asked>, end: &Mutex<Option<Instant>>) {
    while let Ok(Asked { core, line }) = wanted.recv() {
        let hooks = &core.options.hooks;
        let Some(hook) = hooks.after(line.action) else { continue };
        let deed = core.begin(Action::Hook, line.snapshot.as_ref(), &line.by);
        let began = Instant::now();
        let is_over = || {
            let end = *end.lock().unwrap_or_else(PoisonError::into_inner);
            if end.is_some_and(|end| Instant::now() >= end) {
                return Some("the program that ran it is about to end".to_owned());
            }
            let late = began.elapsed() >= hooks.timeout;
            late.then(|| format!("it ran for {:?}", hooks.timeout))
        };
        let ended = program::run(hook, &facts(&core, &line), &WITHHELD, &is_over);
        let about = format!("after {}, {}", line.action, hook.program);
        match ended {
            Ok(Ended::Well) => {
                let numbers = numbers([("exit_code", 0)]);
                deed.record(&Occurrence { numbers, ..deed.line(format!("{about}: done")) });
            }
            Ok(ended) => {
                let error = ended.failure().on(&hook.program);
                tracing::warn!(%error, action = %line.action, "a hook failed");
                deed.failed(&error, format!("{about}: {}", error.what()), ended.numbers());
            }
            Err(error) => {
                tracing::warn!(%error, action = %line.action, "a hook could not be run");
                deed.failed(&error, format!("{about}: {}", error.what()), BTreeMap::new());
            }
        }
    }
}

/// What a hook is told, as environment variables.
fn facts(core: &Core, line: &Occurrence) -> BTreeMap<String, String> {
    let name = |snapshot: &SnapshotRef| snapshot.to_string();
    let mut facts: BTreeMap<String, String> = line
        .numbers
        .iter()
        .map(|(name, number)| (format!("SNAPBACK_{}", name.to_uppercase()), number.to_string()))
        .collect();
    let snapshot = line.snapshot.as_ref();
    let more = [
        ("SNAPBACK_ACTION", Some(line.action.name().to_owned())),
        ("SNAPBACK_AT", Some(line.at.to_string())),
        ("SNAPBACK_BY", Some(line.by.clone())),
        ("SNAPBACK_DB", Some(core.database.path().display().to_string())),
        ("SNAPBACK_STORE", Some(core.store.location().to_owned())),
        ("SNAPBACK_SNAPSHOT", snapshot.map(name)),
        ("SNAPBACK_KIND", snapshot.map(|snapshot| snapshot.kind.name().to_owned())),
        ("SNAPBACK_ID", snapshot.map(|snapshot| snapshot.id.to_string())),
        ("SNAPBACK_SCOPE", line.scope.map(|scope| scope.name().to_owned())),
        ("SNAPBACK_REWIND", line.rewind.as_ref().map(name)),
        ("SNAPBACK_PLAN", line.plan.clone()),
        ("SNAPBACK_LOCK_MS", line.lock_ms.map(|waited| waited.to_string())),
    ];
    let known = more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    facts.extend(known);
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let hook: Hook = line.parse().expect("a command");
        std::iter::once(hook.program).chain(hook.arguments).collect()
    }

    #[test]
    fn a_command_is_split_as_a_shell_does_and_nothing_is_expanded() {
        assert_eq!(words("notify --quiet"), ["notify", "--quiet"]);
        assert_eq!(words(r#"/opt/my\ hook 'a b' "c d" ''"#), ["/opt/my hook", "a b", "c d", ""]);
        assert_eq!(words("x $HOME *.db | y; z"), ["x", "$HOME", "*.db", "|", "y;", "z"]);
    }

    #[test]
    fn no_command_is_told_with_the_way_to_write_one() {
        for line in ["", "  ", "notify 'quiet", "'' x"] {
            let error = line.parse::<Hook>().expect_err(line);
            assert!(error.next_step().contains("sh -c"), "{line}");
        }
    }
}
