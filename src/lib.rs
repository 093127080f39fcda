//! Snapback sees, takes, previews and restores snapshots of a live event-sourced SQLite database.
//!
//! An application appends facts to an event log and derives tables (projections) from it, all in
//! one SQLite file. Snapback takes consistent copies of both while the application goes on writing,
//! shows row by row what going back to one of them would change, and goes back in one transaction
//! that can be undone.
//!
//! # As a library
//!
//! An application joins its database and a store, and takes, compares and restores in process:
//!
//! ```
//! use snapback::database::{Database, EventOptions};
//! use snapback::snapshot::{Options, RestoreRequest, Scope, Snapshots};
//! use snapback::store::Store;
//!
//! # fn main() -> snapback::Result<()> {
//! # let folder = tempfile::tempdir().expect("a folder");
//! # let path = folder.path().join("app.db");
//! # let app = rusqlite::Connection::open(&path).expect("a database");
//! # app.execute_batch(
//! #     "CREATE TABLE event_log(id INTEGER PRIMARY KEY); CREATE TABLE notes(body TEXT)"
//! # ).expect("tables");
//! let database = Database::open(&path, &EventOptions::default())?;
//! let store = Store::directory(&path.with_extension("snapback"))?;
//! let snapshots = Snapshots::open(database, store, Options::default())?;
//!
//! let before = snapshots.take(Some("before the import"), "me")?.snapshot();
//! # app.execute_batch("INSERT INTO event_log VALUES (1); INSERT INTO notes VALUES ('new')").expect("rows");
//! // … the application goes on …
//! let preview = snapshots.preview(&before)?;
//! assert_eq!((preview.event_delta, preview.differing_rows()), (Some(1), 1));
//!
//! // Exactly what was looked at, the event log too; refused if the database has moved on since.
//! let request = RestoreRequest {
//!     scope: Scope::Rewind,
//!     plan: preview.plan,
//!     ..RestoreRequest::new(before, "me")
//! };
//! let restored = snapshots.restore(&request)?;
//! assert_eq!(restored.events_removed, 1);
//!
//! // And back again: a copy of the state before was made first.
//! let undo = RestoreRequest { scope: Scope::Rewind, ..RestoreRequest::new(restored.rewind, "me") };
//! assert_eq!(snapshots.restore(&undo)?.events_added, 1);
//! # Ok(())
//! # }
//! ```
//!
//! Every call blocks the thread that makes it: an asynchronous application makes them on a thread
//! for such work.
//!
//! The console is a set of poem routes over the same [`Snapshots`](snapshot::Snapshots), nested under
//! any path of another application, which every link respects. An application with a pool of its own
//! lends it; one with a login of its own says who is there with [`web::Visitor`], and the console asks
//! for nothing more:
//!
//! ```
//! use poem::http::StatusCode;
//! use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response, Route};
//! use snapback::database::{Database, EventOptions};
//! use snapback::snapshot::{Options, Snapshots};
//! use snapback::store::Store;
//! use snapback::web;
//!
//! /// The application's own login, in short: whoever passes is named in the history.
//! async fn let_in<E: Endpoint>(console: E, mut request: Request) -> poem::Result<Response> {
//!     match request.header("X-Signed-In").map(str::to_owned) {
//!         Some(name) => {
//!             request.set_data(web::Visitor(name));
//!             console.call(request).await.map(IntoResponse::into_response)
//!         }
//!         None => Err(poem::Error::from_status(StatusCode::UNAUTHORIZED)),
//!     }
//! }
//!
//! # struct Manager(std::path::PathBuf);
//! # impl r2d2::ManageConnection for Manager {
//! #     type Connection = rusqlite::Connection;
//! #     type Error = rusqlite::Error;
//! #     fn connect(&self) -> rusqlite::Result<rusqlite::Connection> {
//! #         rusqlite::Connection::open(&self.0)
//! #     }
//! #     fn is_valid(&self, _: &mut rusqlite::Connection) -> rusqlite::Result<()> { Ok(()) }
//! #     fn has_broken(&self, _: &mut rusqlite::Connection) -> bool { false }
//! # }
//! # fn main() -> snapback::Result<()> {
//! # let folder = tempfile::tempdir().expect("a folder");
//! # let path = folder.path().join("app.db");
//! # rusqlite::Connection::open(&path)
//! #     .and_then(|app| app.execute_batch("CREATE TABLE event_log(id INTEGER PRIMARY KEY)"))
//! #     .expect("a database");
//! # let pool = r2d2::Pool::new(Manager(path.clone())).expect("a pool");
//! let database = Database::on_pool(pool.clone(), &EventOptions::default())?;
//! let store = Store::directory(&path.with_extension("snapback"))?;
//! let snapshots = Snapshots::open(database, store, Options::default())?;
//!
//! let options = web::Options { mount: "/ops/db".to_owned(), ..web::Options::default() };
//! let console = web::routes(snapshots, options).around(let_in);
//! let application = Route::new().nest("/ops/db", console);
//! # let client = poem::test::TestClient::new(application);
//! # let ask = |name: Option<&str>| {
//! #     let request = client.get("/ops/db/snapshots").header("Host", "localhost");
//! #     name.into_iter().fold(request, |request, name| request.header("X-Signed-In", name)).send()
//! # };
//! # tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
//! #     ask(None).await.assert_status(StatusCode::UNAUTHORIZED);
//! #     let page = ask(Some("ada")).await;
//! #     page.assert_status_is_ok();
//! #     let text = page.0.into_body().into_string().await.expect("a page");
//! #     assert!(text.contains("href=\"/ops/db/history\""), "{text}");
//! # });
//! # Ok(())
//! # }
//! ```
//!
//! `examples/ledger.rs` is a whole application that does so. What is public is what this page leads
//! to; until 1.0 a change of that, or of the oldest Rust that builds it, changes the minor version.
//!
//! # The way of the data
//!
//! ```text
//! request -> web -> snapshot -> database + store -> back to web as markup or JSON
//! command -> cli -> snapshot -> the same
//! ```
//!
//! | module | what it knows |
//! | --- | --- |
//! | [`database`] | SQLite: connections, schema, event log, rows in and out |
//! | [`store`] | bytes under keys, in a directory or an object store |
//! | [`snapshot`] | take, diff, apply, and what is made of them |
//! | [`many`] | several databases by name, opened when they are wanted |
//! | [`web`] | HTTP and HTML, over [`snapshot`] |
//! | [`error`] | one error: what, on which thing, what to do |

pub mod database;
pub mod error;
#[doc(hidden)]
pub mod fuzzing;
mod histogram;
pub mod many;
mod memo;
pub mod snapshot;
pub mod store;
pub mod web;

pub use error::{Error, ErrorKind, Report, Result};
