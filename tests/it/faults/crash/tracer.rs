//! The program under a tracer that counts its steps: the calls that change a file or make a change
//! durable, whichever thread makes them. It can be killed right before one of them, or one of them
//! can fail.
//!
//! Counting per thread, as `strace` does, would pass over a step whenever another thread has
//! already made a call of the same number.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt as _;
use std::process::Command;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::super::process::under;
use crate::app::App;

/// A call that changes a file, and which one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) call: &'static str,
    pub(super) file: String,
}

/// What befalls one of the steps.
#[derive(Clone, Copy)]
pub(super) enum Blow {
    /// The program is killed before it.
    Kill,
    /// It is not made, and the program is told that the disk failed.
    Fail,
}

/// How a run ended.
pub(super) struct Run {
    /// The exit status; `None` when it was killed.
    pub(super) code: Option<i32>,
    pub(super) stderr: String,
    /// The steps that were made, and the one that something befell.
    pub(super) steps: Vec<Step>,
}

/// The name of a call that changes a file, and the argument that has its path, or else the open
/// file in the first one.
fn changing(number: i64) -> Option<(&'static str, Option<usize>)> {
    Some(match number {
        libc::SYS_write => ("write", None),
        libc::SYS_pwrite64 => ("pwrite", None),
        libc::SYS_ftruncate => ("truncate", None),
        libc::SYS_fsync => ("sync", None),
        libc::SYS_fdatasync => ("sync data", None),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_rename => ("rename", Some(0)),
        libc::SYS_renameat | libc::SYS_renameat2 => ("rename", Some(1)),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_link => ("link", Some(1)),
        libc::SYS_linkat => ("link", Some(3)),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_unlink => ("unlink", Some(0)),
        libc::SYS_unlinkat => ("unlink", Some(1)),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_mkdir => ("make", Some(0)),
        libc::SYS_mkdirat => ("make", Some(1)),
        _ => return None,
    })
}

/// Runs the program; its `number`th step is befallen by the blow, the first being 0.
#[expect(clippy::zombie_processes, reason = "whoever follows it waits for its end")]
pub(super) fn struck(app: &App, number: usize, blow: Blow, arguments: &[&str]) -> Run {
    // It waits for the tracer before it becomes the program.
    let mut shell = Command::new("sh");
    shell.args(["-c", "kill -STOP $$; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_snapback")]);
    under(&mut shell, app, arguments);
    let mut child = shell.spawn().expect("a shell");
    let process = Pid::from_raw(i32::try_from(child.id()).expect("a process"));
    let stopped = waitpid(process, Some(WaitPidFlag::WUNTRACED)).expect("a child");
    assert_eq!(stopped, WaitStatus::Stopped(process, Signal::SIGSTOP));
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(process, options).expect("these tests need to trace their children");
    kill(process, Signal::SIGCONT).expect("a signal");
    let (code, steps) = follow(process, number, blow);
    let mut stderr = String::new();
    let said = child.stderr.as_mut().expect("its errors").read_to_string(&mut stderr);
    said.expect("text");
    Run { code, stderr, steps }
}

/// Lets all threads go on from call to call until the process has ended.
fn follow(process: Pid, number: usize, blow: Blow) -> (Option<i32>, Vec<Step>) {
    let mut steps = Vec::new();
    // The threads that are in a call, or about to be.
    let mut within = HashSet::new();
    let mut failing = None;
    loop {
        // Only the children of this thread: other tests have theirs.
        let any = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        let (thread, signal) = match waitpid(None, Some(any)) {
            Ok(WaitStatus::Exited(ended, code)) if ended == process => return (Some(code), steps),
            Ok(WaitStatus::Signaled(ended, ..)) if ended == process => return (None, steps),
            Ok(WaitStatus::PtraceSyscall(thread)) => {
                if within.insert(thread) {
                    let made = steps.len();
                    steps
                        .extend(step(process, thread).filter(|step| !is_one_of_many(step, &steps)));
                    if made == number && steps.len() > number {
                        match blow {
                            Blow::Kill => {
                                kill(process, Signal::SIGKILL).expect("a signal");
                                continue;
                            }
                            Blow::Fail => {
                                leave_out(thread);
                                failing = Some(thread);
                            }
                        }
                    }
                } else {
                    within.remove(&thread);
                    if failing == Some(thread) {
                        answer(thread, Errno::EIO);
                        failing = None;
                    }
                }
                (thread, None)
            }
            Ok(WaitStatus::PtraceEvent(thread, ..)) => (thread, None),
            Ok(WaitStatus::Stopped(thread, signal)) => (thread, Some(signal)),
            Ok(_) | Err(Errno::EINTR) => continue,
            Err(error) => panic!("the program cannot be followed: {error}"),
        };
        match ptrace::syscall(thread, signal) {
            // Killed meanwhile: that is what is told next.
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => panic!("the program cannot go on: {error}"),
        }
    }
}

/// Whether the same was done twice right before: page after page of one file is two steps.
fn is_one_of_many(step: &Step, before: &[Step]) -> bool {
    before.len() >= 2 && before[before.len() - 2..].iter().all(|one| one == step)
}

/// Makes a thread that is about to make a call make none.
#[cfg(target_arch = "x86_64")]
fn leave_out(thread: Pid) {
    let mut registers = ptrace::getregs(thread).expect("a thread that stands still");
    registers.orig_rax = u64::MAX;
    ptrace::setregs(thread, registers).expect("a thread that stands still");
}

/// Tells a thread that comes out of a call that it failed.
#[cfg(target_arch = "x86_64")]
fn answer(thread: Pid, error: Errno) {
    let mut registers = ptrace::getregs(thread).expect("a thread that stands still");
    registers.rax = i64::from(-(error as i32)).cast_unsigned();
    ptrace::setregs(thread, registers).expect("a thread that stands still");
}

#[cfg(not(target_arch = "x86_64"))]
fn leave_out(_: Pid) {
    panic!("where a call has its number is known of x86-64 only");
}

#[cfg(not(target_arch = "x86_64"))]
fn answer(_: Pid, _: Errno) {}

/// The step that a thread is about to make; `None` when the call changes no file that stays.
fn step(process: Pid, thread: Pid) -> Option<Step> {
    let call = std::fs::read_to_string(format!("/proc/{process}/task/{thread}/syscall")).ok()?;
    let mut words = call.split_whitespace();
    let (call, path) = changing(words.next()?.parse().ok()?)?;
    let arguments: Vec<u64> =
        words.map_while(|word| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok()).collect();
    let file = if let Some(place) = path {
        text(process, *arguments.get(place)?)?
    } else {
        let open = format!("/proc/{process}/fd/{}", arguments.first()?);
        std::fs::read_link(open).ok()?.to_string_lossy().into_owned()
    };
    // Pipes, and files without a name, are gone with the process; what is in the index of a WAL is
    // made anew by the next one.
    let stays = file.starts_with('/') && !file.ends_with(" (deleted)") && !file.ends_with("-shm");
    stays.then_some(Step { call, file })
}

/// A text in the memory of a process that stands still.
fn text(process: Pid, address: u64) -> Option<String> {
    let mut bytes = [0; 4096];
    let read =
        File::open(format!("/proc/{process}/mem")).ok()?.read_at(&mut bytes, address).ok()?;
    let end = bytes[..read].iter().position(|byte| *byte == 0)?;
    Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
}
