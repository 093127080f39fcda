//! A small event-sourced application on poem, with the console nested below `/admin`.
//!
//! Deposits and withdrawals are facts in `event_log`; `accounts` is what they come to. The
//! application has a pool of its own and asks its administrators for their names itself; Snapback
//! borrows the one and believes the other.
//!
//! ```sh
//! LEDGER_ADMIN=ada:secret cargo run --example ledger -- ledger.db
//! curl -d 'account=rent&amount=250' http://127.0.0.1:3000/entries
//! curl http://127.0.0.1:3000/accounts          # … and in a browser: http://127.0.0.1:3000/admin
//! ```

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use poem::http::StatusCode;
use poem::listener::TcpListener;
use poem::middleware::AddData;
use poem::web::headers::authorization::Basic;
use poem::web::headers::{Authorization, HeaderMapExt as _};
use poem::web::{Data, Form, Json};
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response, Route, Server, get, post};
use r2d2::{ManageConnection, Pool};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use snapback::database::{Database, EventOptions};
use snapback::snapshot::{Options, Snapshots};
use snapback::store::Store;
use snapback::web;

/// The log, and what is derived from it.
const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS event_log (
        id INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, payload TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS accounts (
        name TEXT PRIMARY KEY, balance INTEGER NOT NULL, entries INTEGER NOT NULL
    ) STRICT;";

/// Opens connections for the application's pool.
pub(crate) struct Manager(PathBuf);

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = rusqlite::Error;

    fn connect(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open(&self.0)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        Ok(connection)
    }

    fn is_valid(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        connection.execute_batch("SELECT 1")
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        !connection.is_autocommit()
    }
}

/// Money that came, or went where the amount is below zero.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Entry {
    account: String,
    amount: i64,
}

/// What the entries of an account come to.
#[derive(Debug, Serialize)]
pub(crate) struct Account {
    name: String,
    balance: i64,
    entries: i64,
}

/// Appends the fact and brings the projection up to date, in one transaction.
fn record(connection: &mut Connection, entry: &Entry) -> anyhow::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute(
        "INSERT INTO event_log (type, payload) VALUES ('entry', ?1)",
        [serde_json::to_string(entry)?],
    )?;
    transaction.execute(
        "INSERT INTO accounts VALUES (?1, ?2, 1) ON CONFLICT (name) DO UPDATE
         SET balance = balance + excluded.balance, entries = entries + 1",
        (&entry.account, entry.amount),
    )?;
    Ok(transaction.commit()?)
}

fn read_accounts(connection: &Connection) -> anyhow::Result<Vec<Account>> {
    let mut select = connection.prepare("SELECT * FROM accounts ORDER BY name")?;
    let rows = select.query_map([], |row| {
        Ok(Account { name: row.get(0)?, balance: row.get(1)?, entries: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// SQLite blocks, so it gets a thread where that is allowed.
async fn blocking<T: Send + 'static>(
    pool: &Pool<Manager>,
    work: impl FnOnce(&mut Connection) -> anyhow::Result<T> + Send + 'static,
) -> poem::Result<T> {
    let pool = pool.clone();
    let work = tokio::task::spawn_blocking(move || work(&mut *pool.get()?));
    work.await.map_err(anyhow::Error::from).flatten().map_err(|error| {
        poem::Error::from_string(error.to_string(), StatusCode::INTERNAL_SERVER_ERROR)
    })
}

#[poem::handler]
async fn enter(pool: Data<&Pool<Manager>>, Form(entry): Form<Entry>) -> poem::Result<StatusCode> {
    blocking(&pool, move |connection| record(connection, &entry)).await?;
    Ok(StatusCode::CREATED)
}

#[poem::handler]
async fn accounts(pool: Data<&Pool<Manager>>) -> poem::Result<Json<Vec<Account>>> {
    Ok(Json(blocking(&pool, |connection| read_accounts(connection)).await?))
}

/// The application's own login: whoever passes is named to the console, and so in its history.
async fn let_in<E: Endpoint>(
    console: E,
    mut request: Request,
    admin: (String, String),
) -> poem::Result<Response> {
    let told = request.headers().typed_get::<Authorization<Basic>>();
    match told {
        Some(told) if told.username() == admin.0 && told.password() == admin.1 => {
            request.set_data(web::Visitor(admin.0));
            console.call(request).await.map(IntoResponse::into_response)
        }
        _ => Ok(Response::builder()
            .status(StatusCode::UNAUTHORIZED)
            .header("WWW-Authenticate", "Basic realm=\"ledger\"")
            .finish()),
    }
}

/// The whole application over the database at `path`; `admin` is the name and the password that
/// open its `/admin`.
///
/// # Errors
///
/// The database, or the store beside it, cannot be opened.
pub(crate) fn application(
    path: &Path,
    admin: (String, String),
) -> anyhow::Result<impl Endpoint<Output = Response> + use<>> {
    let pool = Pool::new(Manager(path.to_owned()))?;
    pool.get()?.execute_batch(SCHEMA)?;

    let database = Database::on_pool(pool.clone(), &EventOptions::default())?;
    let store = Store::directory(&path.with_extension("snapback"))?;
    let snapshots = Snapshots::open(database, store, Options::default())?;
    // In process, too: a snapshot of how the application was before it started.
    snapshots.take(Some("before the start"), "ledger")?;

    let options = web::Options { mount: "/admin".to_owned(), ..web::Options::default() };
    let console = web::routes(snapshots, options)
        .around(move |console, request| let_in(console, request, admin.clone()));
    Ok(Route::new()
        .at("/entries", post(enter))
        .at("/accounts", get(accounts))
        .nest("/admin", console)
        .with(AddData::new(pool))
        .map_to_response())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let path = std::env::args_os().nth(1).context("name a database: ledger.db")?;
    let admin = std::env::var("LEDGER_ADMIN").context("set LEDGER_ADMIN to NAME:PASSWORD")?;
    let (name, password) = admin.split_once(':').context("write LEDGER_ADMIN as NAME:PASSWORD")?;
    let application = application(Path::new(&path), (name.to_owned(), password.to_owned()))?;
    println!("http://127.0.0.1:3000/accounts, http://127.0.0.1:3000/admin");
    Server::new(TcpListener::bind("127.0.0.1:3000")).run(application).await?;
    Ok(())
}
