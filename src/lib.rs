//! Snapback sees, takes, previews and restores snapshots of a live event-sourced SQLite database.
//!
//! An application appends facts to an event log and derives tables (projections) from it, all in
//! one SQLite file. Snapback takes consistent copies of both while the application goes on writing,
//! shows row by row what going back to one of them would change, and goes back in one transaction
//! that can be undone.
//!
//! # As a library
//!
//! The console is a set of poem routes over a [`Snapshots`](snapshot::Snapshots), to be nested under
//! any path of another application; every link respects that path.
//!
//! ```
//! use poem::Route;
//! use snapback::database::{Database, EventOptions};
//! use snapback::snapshot::{Options, Snapshots};
//! use snapback::store::Store;
//! use snapback::web;
//!
//! # fn main() -> snapback::Result<()> {
//! # let folder = tempfile::tempdir().expect("a folder");
//! # let path = folder.path().join("app.db");
//! # rusqlite::Connection::open(&path)
//! #     .and_then(|app| app.execute_batch("CREATE TABLE event_log(id INTEGER PRIMARY KEY)"))
//! #     .expect("a database");
//! let database = Database::open(&path, &EventOptions::default())?;
//! let store = Store::directory(&path.with_extension("snapback"))?;
//! let snapshots = Snapshots::open(database, store, Options::default())?;
//!
//! // In process …
//! let taken = snapshots.take(Some("before the import"), "me")?;
//! assert!(snapshots.preview(&taken.snapshot())?.changed_tables().next().is_none());
//!
//! // … and as a console under /admin.
//! let options = web::Options { mount: "/admin".to_owned(), ..web::Options::default() };
//! let app = Route::new().nest("/admin", web::routes(snapshots, options));
//! # let _ = app;
//! # Ok(())
//! # }
//! ```
//!
//! An application with a pool of its own hands it over with
//! [`Database::on_pool`](database::Database::on_pool); one with a login of its own names who is there
//! with [`web::Visitor`]. `examples/ledger.rs` does both. Every call blocks the thread that makes it:
//! an asynchronous application makes them on a thread for such work.
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
