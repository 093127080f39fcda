//! The console: snapshots in a browser, as fragments for htmx, and as JSON for programs.
//!
//! Every address is in [`routes`], a screen is a file: what it reads, its handler, its markup.
//! Nothing here knows SQL or a file of the store; every handler asks [`Snapshots`] on a thread
//! where it may block.

mod access;
mod assets;
mod cell;
mod changes;
mod compare;
mod compressed;
mod confirmation;
mod console;
mod delete;
mod dom;
mod error;
mod events;
mod export;
mod fields;
mod filter;
mod flash;
mod format;
pub(crate) mod fuzzing;
mod guard;
mod history;
mod import;
mod jobs;
mod label;
mod layout;
mod links;
mod list;
mod live;
mod login;
mod many;
mod methods;
mod metrics;
mod overview;
mod pick;
mod preview;
mod ready;
mod restore;
mod retention;
mod row;
mod schedule;
mod serve;
mod table;
mod take;
mod take_all;
mod timeline;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use console::App;
use methods::{get, post};
use poem::{Endpoint, Response, Route};

pub use access::{Access, PasswordHash, Token, TokenHash, Visitor};
pub use serve::{Farewell, Listen, serve, serve_many};

use crate::many::Databases;
use crate::snapshot::Snapshots;

/// How long a client may take to send a request's headers or a form, or be silent.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a page waits for an outcome before it is shown the progress instead: what is quicker
/// would only flicker.
const GRACE: Duration = Duration::from_millis(400);

/// How the console is served.
#[derive(Clone, Debug)]
pub struct Options {
    /// The path that the console is mounted at: empty, or such as `/admin`.
    pub mount: String,
    /// Names that the Host header may have besides those of the loopback: `name` with any port,
    /// or `name:port`.
    pub hosts: Vec<String>,
    /// The largest file that is taken in by an import, in bytes.
    pub import_limit: u64,
    /// How many connections [`serve`] answers at once; more wait to be accepted. Pages that listen
    /// to what is new hold one each: at most 64 of them, and half of these connections.
    pub connections: usize,
    /// How long a client of [`serve`] may take to send a request's headers or a form, or be silent
    /// between two requests and within an upload.
    pub patience: Duration,
    /// How long what is under way may take to end once [`serve`] is asked to stop.
    pub farewell: Duration,
    /// How long a page waits for the outcome of work before it is shown the progress instead, and how
    /// old work is before other pages tell of it.
    pub grace: Duration,
    /// Who may use the console.
    pub access: Access,
    /// How often [`serve`] reads all snapshots back in the background; `None` is never.
    pub verify_every: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mount: String::new(),
            hosts: Vec::new(),
            import_limit: 4 << 30,
            connections: 256,
            patience: PATIENCE,
            farewell: Duration::from_secs(10),
            grace: GRACE,
            access: Access::default(),
            verify_every: None,
        }
    }
}

/// The console as an endpoint, to be served on its own or nested in another poem application
/// under the path that `options.mount` names:
///
/// ```no_run
/// # fn mounted(snapshots: snapback::snapshot::Snapshots) -> poem::Route {
/// let options = snapback::web::Options { mount: "/admin".to_owned(), ..Default::default() };
/// poem::Route::new().nest("/admin", snapback::web::routes(snapshots, options))
/// # }
/// ```
#[must_use]
pub fn routes(
    snapshots: Snapshots,
    options: Options,
) -> impl Endpoint<Output = Response> + 'static {
    guard::Guarded::new(App::only(snapshots, options), database())
}

/// The console of several databases as an endpoint: each below `/d/` and its name, with an overview
/// over all of them at `/` and `/d`. It is served and nested as [`routes`] is:
///
/// ```no_run
/// # fn mounted() -> snapback::Result<poem::Route> {
/// use snapback::many::{Builder, Place};
/// use snapback::{snapshot, web};
///
/// let options = snapshot::Options::default();
/// let databases = Builder::default()
///     .database("orders".parse()?, Place::with_options("orders.db", "orders.snapback", options))?
///     .folder("tenants/*.db", |name, path| {
///         let store = format!("snapshots/{name}");
///         Place::with_options(path, &store, snapshot::Options::default())
///     })?
///     .build();
/// let options = web::Options { mount: "/admin".to_owned(), ..Default::default() };
/// let app = poem::Route::new().nest("/admin", web::many(databases, options));
/// # Ok(app)
/// # }
/// ```
#[must_use]
pub fn many(databases: Databases, options: Options) -> impl Endpoint<Output = Response> + 'static {
    several(App::overview(databases, options))
}

fn several(overview: Arc<App>) -> impl Endpoint<Output = Response> + 'static {
    let doors = many::Doors::new(overview.clone(), self::overview(), database());
    guard::Guarded::new(overview, doors)
}

/// Every address of the overview over several databases.
fn overview() -> Route {
    Route::new()
        .at("/", get(overview::show))
        .at(links::DATABASES, get(overview::show))
        .at("/pick", get(pick::show))
        .at("/take", get(take_all::form).post(take_all::take))
        // Who is there.
        .at("/login", get(login::show).post(login::log_in))
        .at("/logout", post(login::log_out))
        // How things stand.
        .at("/jobs", get(jobs::screen::list))
        .at("/jobs/:id", get(jobs::screen::show))
        .at("/jobs/:id/cancel", post(jobs::screen::cancel))
        .at("/live", get(live::events))
        .at("/healthz", get(metrics::health))
        .at("/readyz", get(ready::of_many))
        .at("/metrics", get(metrics::of_many))
        .at("/assets/:name", get(assets::file))
}

/// Every address of one database.
fn database() -> Route {
    Route::new()
        // The list, and what adds to it.
        .at("/", get(list::home))
        .at("/snapshots", get(list::show))
        .at("/snapshots/take", get(take::form).post(take::take))
        .at("/snapshots/import", get(import::form).post(import::import))
        // What would change.
        .at("/snapshots/compare", get(compare::show))
        .at("/snapshots/:id/preview", get(preview::show))
        .at("/snapshots/:id/tables/:table", get(table::show))
        .at("/snapshots/:id/events", get(events::show))
        // Back to a snapshot.
        .at("/snapshots/:id/restore", get(restore::confirm))
        .at("/snapshots/restore/:id", post(restore::apply))
        // One snapshot.
        .at("/snapshots/:id/label", post(label::label))
        .at("/snapshots/:id/delete", get(delete::confirm).post(delete::delete))
        .at("/snapshots/:id/verify", post(verify::verify))
        .at("/snapshots/:id/export", get(export::export))
        // Who is there.
        .at("/login", get(login::show).post(login::log_in))
        .at("/logout", post(login::log_out))
        // What happened, and how things stand.
        .at("/history", get(history::show))
        .at("/retention", get(retention::show))
        .at("/jobs", get(jobs::screen::list))
        .at("/jobs/:id", get(jobs::screen::show))
        .at("/jobs/:id/cancel", post(jobs::screen::cancel))
        .at("/live", get(live::events))
        .at("/live/list", get(live::refresh))
        .at("/healthz", get(metrics::health))
        .at("/readyz", get(ready::show))
        .at("/metrics", get(metrics::show))
        .at("/assets/:name", get(assets::file))
}

#[cfg(test)]
mod tests;
