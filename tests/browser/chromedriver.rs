//! The one chromedriver process of the test binary.

use std::io::{BufRead, BufReader, ErrorKind};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;

const HINT: &str =
    "the browser tests need Chromium: sudo apt-get install -y chromium chromium-driver";

/// The address of chromedriver, which is started on the first call.
pub(crate) fn address() -> &'static str {
    static ADDRESS: OnceLock<Result<String, String>> = OnceLock::new();
    let address = ADDRESS.get_or_init(|| {
        let (tell, told) = channel();
        // Linux ends the child with the thread that started it: this one stays until the end.
        thread::spawn(move || run(&tell));
        told.recv().unwrap_or_else(|_| Err("chromedriver ended before it was ready".to_owned()))
    });
    match address {
        Ok(address) => address,
        Err(why) => panic!("{why}; {HINT}"),
    }
}

fn run(tell: &Sender<Result<String, String>>) {
    let mut child = match start() {
        Ok(child) => child,
        Err(why) => {
            tell.send(Err(why)).ok();
            return;
        }
    };
    let output = child.stdout.take().expect("its output was asked for");
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        if let Some(port) = port_in(&line) {
            tell.send(Ok(format!("http://127.0.0.1:{port}"))).ok();
        }
    }
    child.wait().ok();
}

/// Starts it on a port of its own choosing, so that it ends with this process, however that ends.
fn start() -> Result<Child, String> {
    let missing = |error| format!("chromedriver does not start ({error})");
    Command::new("chromedriver").arg("--version").output().map_err(missing)?;
    let tied = spawn(Command::new("setpriv").args(["--pdeathsig", "TERM", "--", "chromedriver"]));
    match tied {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            spawn(&mut Command::new("chromedriver")).map_err(missing)
        }
        started => started.map_err(missing),
    }
}

fn spawn(command: &mut Command) -> std::io::Result<Child> {
    command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
}

/// The port in chromedriver's greeting: `… was started successfully on port 40123.`
fn port_in(line: &str) -> Option<u16> {
    line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok()
}
