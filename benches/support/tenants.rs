//! An application with a database for each tenant, and a console over all of them in a process of its
//! own, so that its memory is its own.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use rusqlite::{Connection, params};
use snapback::database::{Database, EventOptions};
use snapback::many::{Builder, Place};
use snapback::snapshot::{Options, Snapshots};
use snapback::store::Store;
use snapback::web;
use tokio::net::TcpListener;

/// Tells the bench that it was started to serve the databases of a folder.
const SERVE: &str = "SNAPBACK_BENCH_TENANTS";

pub struct Tenants {
    folder: PathBuf,
    count: i64,
}

impl Tenants {
    /// Writes so many databases, and takes a snapshot of each.
    pub fn generate(folder: &Path, count: i64, rows: i64) -> Result<Self, Box<dyn Error>> {
        let tenants = Self { folder: folder.to_owned(), count };
        for number in 0..count {
            let path = tenants.path(number);
            let mut application = connect(&path)?;
            application.execute_batch(
                "CREATE TABLE event_log (id INTEGER PRIMARY KEY, event_type TEXT, payload TEXT);
                 CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT);",
            )?;
            write(&mut application, number, rows / 2)?;
            let database = Database::open(&path, &EventOptions::default())?;
            let store = Store::directory(&store_of(&path))?;
            Snapshots::open(database, store, Options::default())?.take(None, "bench")?;
        }
        Ok(tenants)
    }

    pub fn name(number: i64) -> String {
        format!("tenant-{number:04}")
    }

    fn path(&self, number: i64) -> PathBuf {
        self.folder.join(format!("{}.db", Self::name(number)))
    }

    /// What the databases take, in bytes.
    pub fn bytes(&self) -> std::io::Result<u64> {
        (0..self.count).map(|number| Ok(std::fs::metadata(self.path(number))?.len())).sum()
    }

    /// Does something while ten of the applications a second write.
    pub fn while_they_write<T>(
        &self,
        work: impl FnOnce() -> Result<T, Box<dyn Error>>,
    ) -> Result<T, Box<dyn Error>> {
        let (stop, stopped) = mpsc::channel::<()>();
        let paths: Vec<PathBuf> = (0..self.count).map(|number| self.path(number)).collect();
        let writer = std::thread::spawn(move || -> rusqlite::Result<()> {
            for path in paths.iter().cycle() {
                let pause = Duration::from_millis(100);
                if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
                write(&mut connect(path)?, 0, 1)?;
            }
            Ok(())
        });
        let done = work();
        drop(stop);
        writer.join().map_err(|_| "the writer panicked")??;
        done
    }
}

fn store_of(database: &Path) -> PathBuf {
    database.with_extension("snapback")
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}

/// Some events, each with its row.
fn write(application: &mut Connection, seed: i64, count: i64) -> rusqlite::Result<()> {
    let tx = application.transaction()?;
    for number in 0..count {
        let text = format!("{:064x}", (seed + 1) * 0x9E37_79B9 + number);
        tx.prepare_cached("INSERT INTO event_log(event_type, payload) VALUES('added', ?)")?
            .execute([&text])?;
        tx.prepare_cached("INSERT INTO items(name) VALUES(?)")?.execute(params![text])?;
    }
    tx.commit()
}

/// The console, until this is dropped.
pub struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    pub fn start(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(std::env::current_exe()?)
            .env(SERVE, folder)
            .stdout(Stdio::piped())
            .spawn()?;
        let told = process.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(told).read_line(&mut line)?;
        Ok(Self { process, address: line.trim().parse()? })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its resident memory, in megabytes.
    pub fn memory(&self) -> Result<f64, Box<dyn Error>> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")).ok_or("no memory")?;
        Ok(kilobytes.trim().parse::<f64>()? * 1024.0 / 1e6)
    }

    /// How many files it has open.
    pub fn files(&self) -> std::io::Result<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/fd", self.process.id()))?.count())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves what this process was started for, if it was; tells whether it was.
pub fn run_if_child() -> Result<bool, Box<dyn Error>> {
    let Some(folder) = std::env::var_os(SERVE) else { return Ok(false) };
    let pattern = Path::new(&folder).join("*.db").display().to_string();
    let place = |_: &_, path: &Path| {
        Place::with_options(path, &store_of(path).display().to_string(), Options::default())
    };
    let databases = Builder::default().folder(&pattern, place)?.build();
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?);
        let forever = std::future::pending();
        web::serve_many(databases, listener, web::Options::default(), forever).await?;
        Ok(true)
    })
}
