//! A program that is run to its end, or to the end of its time.

use std::collections::{BTreeMap, VecDeque};
use std::io::Read as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::super::deed::numbers;
use super::Hook;
use crate::error::{Error, Result};

/// How often it is looked whether a program has ended.
const LOOK: Duration = Duration::from_millis(10);

/// How much of a program's complaints is kept: the end of them, in bytes.
const KEPT: usize = 4096;

/// How long the end of the complaints is waited for: a process that was left behind may keep them
/// open for ever.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How a program ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// With exit status 0.
    Well,
    /// With another one, or by a signal; and the last line that it complained in.
    Badly(ExitStatus, Option<String>),
    /// It was killed, for its time was over; and why that was so.
    Late(String),
}

impl Ended {
    /// What to tell of one that did not end well.
    pub(super) fn failure(&self) -> Error {
        let hint = "run the command by hand; what it followed is done all the same";
        let what = match self {
            Self::Well => "it ended well".to_owned(),
            Self::Late(why) => format!("it was killed: {why}"),
            Self::Badly(status, complaint) => {
                let complaint = complaint.as_ref().map(|line| format!(": {line}"));
                format!("{status}{}", complaint.unwrap_or_default())
            }
        };
        Error::failed(what).hint(hint)
    }

    /// The same in numbers.
    pub(super) fn numbers(&self) -> BTreeMap<String, i64> {
        let Self::Badly(status, _) = self else { return BTreeMap::new() };
        let told = status.code().map(|code| numbers([("exit_code", code)]));
        told.or_else(|| status.signal().map(|signal| numbers([("signal", signal)])))
            .unwrap_or_default()
    }
}

/// Runs a program with these variables and without the withheld ones, until it has ended or there is a
/// reason that its time `is_over`. It reads nothing and its output goes nowhere; of what it complains of, the last line
/// is kept.
pub(super) fn run(
    hook: &Hook,
    facts: &BTreeMap<String, String>,
    withheld: &[&str],
    is_over: &dyn Fn() -> Option<String>,
) -> Result<Ended> {
    let mut command = Command::new(&hook.program);
    command
        .args(&hook.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // A group of its own, so that all that it starts can be killed with it.
        .process_group(0);
    for name in withheld {
        command.env_remove(name);
    }
    // A NUL cannot be in a variable; nothing that is known has one.
    command.envs(facts.iter().filter(|(_, value)| !value.contains('\0')));
    let mut child = command.spawn().map_err(|error| {
        Error::failed("the program cannot be run")
            .because(error)
            .on(&hook.program)
            .hint("check its path, and that it may be run")
    })?;
    let complaints = child.stderr.take().map(listen);
    let status = loop {
        let status = child.try_wait().map_err(|error| {
            Error::failed("the program cannot be waited for").because(error).on(&hook.program)
        })?;
        if let Some(status) = status {
            break status;
        }
        if let Some(why) = is_over() {
            end(&mut child);
            return Ok(Ended::Late(why));
        }
        thread::sleep(LOOK);
    };
    if status.success() {
        return Ok(Ended::Well);
    }
    let said = complaints.and_then(|said| said.recv_timeout(LAST_WORDS).ok());
    Ok(Ended::Badly(status, said.and_then(|said| last_line(&said))))
}

/// Kills a program and its whole group. Until it is waited for, its number is not given to another.
fn end(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Reads complaints to their end, so that nobody waits for room to write them; keeps the last.
fn listen(mut stream: ChildStderr) -> Receiver<Vec<u8>> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut kept: VecDeque<u8> = VecDeque::new();
        let mut piece = [0; 1024];
        while let Ok(length @ 1..) = stream.read(&mut piece) {
            kept.extend(&piece[..length]);
            kept.drain(..kept.len().saturating_sub(KEPT));
        }
        let _ = tell.send(kept.into());
    });
    told
}

/// The last line that says something, shortened.
fn last_line(said: &[u8]) -> Option<String> {
    let said = String::from_utf8_lossy(said);
    let line = said.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().filter(|letter| !letter.is_control()).take(200).collect())
}
