//! The built program as a child that can be stopped, woken and killed.

use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::app::App;

/// The program at work on an application's database and store.
pub(crate) struct Process {
    child: Option<Child>,
}

impl Process {
    /// Starts `snapback COMMAND --db … --store …`.
    pub(crate) fn start(app: &App, arguments: &[&str]) -> Self {
        let child = command(app, arguments).spawn().expect("the program starts");
        Self { child: Some(child) }
    }

    /// Holds the process where it is.
    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub(crate) fn wake(&self) {
        self.signal(Signal::CONT);
    }

    /// Ends it at once, and says whether it was still at work.
    pub(crate) fn kill(mut self) -> bool {
        let mut child = self.child.take().expect("a child");
        child.kill().expect("a signal");
        child.wait().expect("an end").code().is_none()
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(mut self) -> Output {
        let child = self.child.take().expect("a child");
        child.wait_with_output().expect("an end")
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("a child");
        kill_process(Pid::from_child(child), signal).expect("a signal");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// `snapback COMMAND --db … --store …`, not started yet.
pub(crate) fn command(app: &App, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snapback"));
    under(&mut command, app, arguments);
    command
}

/// Adds the arguments and what every child needs.
pub(crate) fn under(command: &mut Command, app: &App, arguments: &[&str]) {
    command
        .args(arguments)
        .arg("--db")
        .arg(app.db_path())
        .arg("--store")
        .arg(app.store_dir())
        .env_remove("SNAPBACK_KEEP_LAST")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
}
