//! The program while it serves.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use super::terminal::Terminal;

/// A console that was started, and is killed should the test give up.
pub(super) struct Console {
    process: Child,
    out: BufReader<ChildStdout>,
    /// Everything it said up to its address.
    pub(super) said: String,
    /// Where it listens: `127.0.0.1:PORT`.
    pub(super) address: String,
}

impl Console {
    pub(super) fn start(terminal: &Terminal, arguments: &[&str]) -> Self {
        Self::start_as(terminal.program().args(arguments))
    }

    /// Starts a program that serves, on a free port.
    pub(super) fn start_as(program: &mut Command) -> Self {
        let mut process = program
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut out = BufReader::new(process.stdout.take().expect("its output"));
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            assert_ne!(out.read_line(&mut line).expect("a line"), 0, "it ended: {said}");
            said.push_str(&line);
            if let Some(rest) = line.trim_end().strip_prefix("http://") {
                break rest.split('/').next().unwrap_or_default().to_owned();
            }
        };
        Self { process, out, said, address }
    }

    pub(super) fn get(&self, path: &str) -> String {
        self.get_as(&self.address, path)
    }

    /// Asks under a name of the host.
    pub(super) fn get_as(&self, host: &str, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
    }

    /// Sends a form, and gives the whole answer.
    pub(super) fn post(&self, path: &str, form: &str) -> String {
        self.ask(&format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            self.address,
            form.len()
        ))
    }

    /// The facts of a page.
    pub(super) fn facts(&self, path: &str) -> serde_json::Value {
        let answer = self.ask(&format!(
            "GET {path} HTTP/1.0\r\nHost: {}\r\nAccept: application/json\r\n\r\n",
            self.address
        ));
        let body = answer.split_once("\r\n\r\n").expect("a body").1;
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Asks it to stop.
    pub(super) fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Waits until it has ended; its last words are given too.
    pub(super) fn wait(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("its last words");
        (self.process.wait().expect("an end"), rest)
    }

    /// Asks it to stop and waits until it has.
    pub(super) fn stop(self, signal: &str) -> ExitStatus {
        self.signal(signal);
        self.wait().0
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
