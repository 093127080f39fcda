//! The stack of the system that Snapback re-creates, listing snapshots as that one did.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

/// Events in each snapshot, and rows of each of its tables.
const EVENTS: i64 = 20;
const ROWS: i64 = 10;
/// How long it may take to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server of that stack, until this is dropped.
pub struct Origin {
    server: Child,
    address: SocketAddr,
}

impl Origin {
    /// Writes so many snapshots, installs the stack where it is not there yet, and serves them.
    pub fn start(folder: &Path, files: i64, processes: u16) -> Result<Self, Box<dyn Error>> {
        let python = install()?;
        let data = folder.join("origin");
        write_snapshots(&data.join("periodic"), files)?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let server = Command::new(python)
            .args(["-m", "uvicorn", "app:app", "--no-access-log", "--log-level", "warning"])
            .args(["--port", &port.to_string(), "--workers", &processes.to_string()])
            .arg("--app-dir")
            .arg(source())
            .env("SNAPSHOTS", &data)
            .stdout(Stdio::null())
            .spawn()?;
        let origin = Self { server, address };
        let begin = Instant::now();
        while TcpStream::connect(address).is_err() {
            if begin.elapsed() > PATIENCE {
                return Err("its server did not start".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(origin)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/origin")
}

/// The interpreter of an environment that has the stack; it is made and filled once.
fn install() -> Result<PathBuf, Box<dyn Error>> {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("origin-stack");
    let python = environment.join("bin/python");
    let has_it = |python: &Path| {
        let asked = Command::new(python).args(["-c", "import fastapi, jinja2, uvicorn"]).output();
        asked.is_ok_and(|asked| asked.status.success())
    };
    if has_it(&python) {
        return Ok(python);
    }
    eprintln!("installing FastAPI, Jinja2 and uvicorn …");
    run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    let list = source().join("requirements.txt");
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--requirement"])
        .arg(list))?;
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let output = command.output().map_err(|error| format!("python3 cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("python3 could not install it: {}", said.lines().last().unwrap_or_default()).into())
}

/// Snapshots as that system wrote them: each a whole one in a file. Small ones, in its favour.
fn write_snapshots(folder: &Path, files: i64) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    for file in 0..files {
        let last = (file + 1) * EVENTS;
        let events: Vec<_> = (last - EVENTS + 1..=last)
            .map(|id| {
                json!({"id": id, "created_at": "2026-11-22T20:04:46Z", "event_type": "posted",
                       "payload": format!("{{\"body\":\"message {id}\"}}")})
            })
            .collect();
        let rows: Vec<_> = (0..ROWS)
            .map(|id| json!({"id": id, "author": "user", "body": format!("message {id}")}))
            .collect();
        let snapshot = json!({"last_event_id": last, "event_log": events, "messages": rows});
        let (hour, minute, second) = (file / 3600 % 24, file / 60 % 60, file % 60);
        let name = format!("20261122T{hour:02}{minute:02}{second:02}Z.json");
        std::fs::write(folder.join(name), snapshot.to_string())?;
    }
    Ok(())
}
