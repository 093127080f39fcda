//! The doors of a console that serves several databases: which one a request is for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use poem::http::Uri;
use poem::http::uri::PathAndQuery;
use poem::{Endpoint, IntoResponse, Request, Response, Route};

use super::console::{App, Desk, blocking};
use super::guard;
use super::links::DATABASES;
use crate::error::{Error, Result};
use crate::many::{Databases, Name};

/// Leads each request to the overview, or to the database that its address names.
pub(crate) struct Doors {
    overview: Arc<App>,
    overview_routes: Route,
    database_routes: Route,
    desks: Mutex<HashMap<Name, Arc<Desk>>>,
}

impl Doors {
    pub(crate) fn new(overview: Arc<App>, overview_routes: Route, database_routes: Route) -> Self {
        Self { overview, overview_routes, database_routes, desks: Mutex::default() }
    }

    /// The desk of a database: it is there for longer than the database is open.
    fn desk(&self, name: &Name, most: usize) -> Arc<Desk> {
        let mut desks = self.desks();
        if desks.len() >= most && !desks.contains_key(name) {
            desks.retain(|_, desk| Arc::strong_count(desk) > 1 || desk.has_news());
        }
        desks.entry(name.clone()).or_default().clone()
    }

    fn desks(&self) -> MutexGuard<'_, HashMap<Name, Arc<Desk>>> {
        self.desks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn enter(
        &self,
        databases: &Databases,
        mut request: Request,
        name: &str,
        rest: &str,
    ) -> Result<Response> {
        let name: Name = name.parse().map_err(|error: Error| {
            Error::not_found("there is no database of this name")
                .on(error.thing())
                .hint("open the overview and choose one")
        })?;
        let wanted = name.clone();
        let snapshots = blocking(databases, move |databases| databases.open(&wanted)).await?;
        let desk = self.desk(&name, 2 * databases.open_at_once());
        let app = self.overview.beside(&name, snapshots, desk);
        let asked = request.uri().path().to_owned();
        *request.uri_mut() = below(request.uri(), rest)?;
        Ok(guard::answer(&app, request, &asked, &self.database_routes).await)
    }
}

impl Endpoint for Doors {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let path = request.uri().path().to_owned();
        match (door(&path), &self.overview.site.databases) {
            (Some((name, rest)), Some(databases)) => {
                Ok(self.enter(databases, request, name, rest).await?)
            }
            _ => self.overview_routes.call(request).await.map(IntoResponse::into_response),
        }
    }
}

/// The name and the address within the database, of an address that leads into one.
fn door(path: &str) -> Option<(&str, &str)> {
    let inside = path.strip_prefix(DATABASES)?.strip_prefix('/').filter(|name| !name.is_empty())?;
    Some(inside.find('/').map_or((inside, "/"), |end| inside.split_at(end)))
}

/// The address as the routes of one database know it.
fn below(uri: &Uri, path: &str) -> Result<Uri> {
    let asked = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let failed = || {
        Error::not_found("the address cannot be read")
            .on(path.escape_debug())
            .hint("open the overview and choose a database")
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(asked).map_err(|_| failed())?);
    Uri::from_parts(parts).map_err(|_| failed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_below_a_name_leads_into_that_database() {
        assert_eq!(door("/d/a/snapshots/x"), Some(("a", "/snapshots/x")));
        assert_eq!(door("/d/a/"), Some(("a", "/")));
        assert_eq!(door("/d/a"), Some(("a", "/")));
        for path in ["/", "/d", "/d/", "/da/snapshots", "/snapshots"] {
            assert_eq!(door(path), None, "{path}");
        }
        let uri: Uri = "/d/a/history?limit=3".parse().expect("an address");
        assert_eq!(below(&uri, "/history").expect("an address"), "/history?limit=3");
    }
}
