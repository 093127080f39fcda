//! Requests over connections that stay open, from a process of its own: one request at a time on
//! each connection, until there were enough or the time is over.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Tells the bench that it was started to send requests.
const LOAD: &str = "SNAPBACK_BENCH_LOAD";

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// What Chromium sends when somebody opens a page.
pub const BROWSER: &str = "Connection: keep-alive\r\n\
    Upgrade-Insecure-Requests: 1\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
    Sec-Fetch-Site: none\r\n\
    Sec-Fetch-Mode: navigate\r\n\
    Sec-Fetch-User: ?1\r\n\
    Sec-Fetch-Dest: document\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-US,en;q=0.9\r\n";

/// What is asked for, how often, and for how long.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Load {
    pub address: SocketAddr,
    pub path: String,
    /// The headers besides Host, each line with its end.
    pub headers: String,
    pub connections: usize,
    /// The most requests, on all connections together.
    pub requests: u64,
    pub seconds: f64,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Served {
    /// Answers per second, on all connections together.
    pub per_second: f64,
    /// Bytes of one answer as it was sent, its headers among them.
    pub bytes: u64,
    /// How long an answer took, in milliseconds: half of them at most, and 99 of 100 at most.
    pub median_ms: f64,
    pub slow_ms: f64,
}

impl Load {
    /// Sends the requests from a child of this process.
    pub fn run(&self) -> Result<Served, Box<dyn Error>> {
        let output = Command::new(std::env::current_exe()?)
            .env(LOAD, serde_json::to_string(self)?)
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Asks once, on this thread: the answer's headers and its body.
    pub fn once(&self) -> Result<(String, Vec<u8>), Box<dyn Error>> {
        let mut connection = Connection::open(self)?;
        connection.ask()?;
        Ok((connection.head, connection.body))
    }
}

/// Sends the requests that this process was started for, if it was; tells whether it was.
pub fn run_if_child() -> Result<bool, Box<dyn Error>> {
    let Ok(load) = std::env::var(LOAD) else { return Ok(false) };
    println!("{}", serde_json::to_string(&send(&serde_json::from_str(&load)?)?)?);
    Ok(true)
}

fn send(load: &Load) -> Result<Served, Box<dyn Error>> {
    let mut connections =
        (0..load.connections).map(|_| Connection::open(load)).collect::<Result<Vec<_>, _>>()?;
    // What is counted begins with warm connections.
    for connection in &mut connections {
        connection.ask()?;
    }
    let (left, begin) = (AtomicU64::new(load.requests), Instant::now());
    let until = begin + Duration::from_secs_f64(load.seconds);
    let mut times: Vec<f64> = Vec::new();
    let mut bytes = 0;
    std::thread::scope(|scope| -> Result<(), String> {
        let left = &left;
        let ask = |mut connection: Connection| {
            scope.spawn(move || connection.ask_until(left, until).map(|times| (times, connection)))
        };
        let senders: Vec<_> = connections.into_iter().map(ask).collect();
        for sender in senders {
            let (took, connection) = sender.join().map_err(|_| "a sender panicked")??;
            times.extend(took);
            bytes = (connection.head.len() + connection.body.len()) as u64;
        }
        Ok(())
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or(f64::NAN);
    let answers = f64::from(u32::try_from(times.len())?);
    Ok(Served { per_second: answers / seconds, bytes, median_ms: at(50), slow_ms: at(99) })
}

struct Connection {
    stream: BufReader<TcpStream>,
    request: String,
    head: String,
    body: Vec<u8>,
}

impl Connection {
    fn open(load: &Load) -> Result<Self, Box<dyn Error>> {
        let stream = TcpStream::connect(load.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let Load { address, path, headers, .. } = load;
        Ok(Self {
            stream: BufReader::with_capacity(64 << 10, stream),
            request: format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n"),
            head: String::new(),
            body: Vec::new(),
        })
    }

    /// Asks again and again; milliseconds of each answer.
    fn ask_until(&mut self, left: &AtomicU64, until: Instant) -> Result<Vec<f64>, String> {
        let mut times = Vec::new();
        let take = |left: u64| left.checked_sub(1);
        while Instant::now() < until
            && left.try_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
        {
            let begin = Instant::now();
            self.ask().map_err(|error| error.to_string())?;
            times.push(begin.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(times)
    }

    /// Asks once and reads the answer whole. Anything but 200 is an error.
    fn ask(&mut self) -> Result<(), Box<dyn Error>> {
        self.stream.get_mut().write_all(self.request.as_bytes())?;
        self.head.clear();
        self.body.clear();
        while !self.head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut self.head)? == 0 {
                return Err("the connection was closed".into());
            }
        }
        if !self.head.starts_with("HTTP/1.1 200") {
            return Err(self.head.clone().into());
        }
        let chunked = header(&self.head, "transfer-encoding").is_some();
        match header(&self.head, "content-length") {
            Some(length) if !chunked => self.read(length.parse()?),
            _ => self.read_chunks(),
        }
    }

    fn read_chunks(&mut self) -> Result<(), Box<dyn Error>> {
        let mut line = String::new();
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let length = usize::from_str_radix(line.trim(), 16)?;
            self.read(length)?;
            line.clear();
            self.stream.read_line(&mut line)?;
            if length == 0 {
                return Ok(());
            }
        }
    }

    fn read(&mut self, length: usize) -> Result<(), Box<dyn Error>> {
        let begin = self.body.len();
        self.body.resize(begin + length, 0);
        Ok(self.stream.read_exact(&mut self.body[begin..])?)
    }
}

/// The value of a header in the head of an answer.
pub fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
