//! How things stand, for machines: liveness, and numbers in Prometheus' text format.

mod exposition;
mod requests;
mod standing;

use poem::{Response, handler};

use super::console::{Console, present};
use super::overview;
use crate::many::{Condition, Databases, Status};
use crate::snapshot::Kind;
use exposition::Exposition;
pub(crate) use requests::{Requests, Sort};
use standing::Standing;

/// Says that the process answers; it asks neither database nor store.
#[handler]
pub(crate) fn health() -> Response {
    Response::builder().content_type("text/plain; charset=utf-8").body("ok\n")
}

#[handler]
pub(crate) async fn show(console: Console) -> poem::Result<Response> {
    let standing = console
        .blocking(|snapshots| {
            let (list, now) = (snapshots.list()?, snapshots.now()?);
            Ok(Standing {
                database: None,
                kinds: Some(Kind::ALL.map(|kind| list.numbers(kind))),
                stored_bytes: Some(snapshots.stored_bytes()?),
                database_bytes: Some(now.bytes),
                position: now.position,
                leads: now.leads,
                verify: snapshots.last_verify(),
                tally: snapshots.tally(),
            })
        })
        .await?;
    let mut text = Exposition::default();
    build(&mut text);
    standing::write(&mut text, &[standing], present().as_second());
    requests(&mut text, console.requests());
    Ok(answer(text))
}

/// The numbers of many databases: what is known of each without opening it.
#[handler]
pub(crate) async fn of_many(console: Console) -> poem::Result<Response> {
    let databases = console.databases()?;
    let statuses = overview::look(databases).await;
    let mut text = Exposition::default();
    build(&mut text);
    many(&mut text, &statuses, databases.open_now());
    let each: Vec<_> = statuses.iter().filter_map(|status| of_one(databases, status)).collect();
    standing::write(&mut text, &each, present().as_second());
    requests(&mut text, console.requests());
    Ok(answer(text))
}

/// What is known of one of many.
fn of_one<'s>(databases: &Databases, status: &'s Status) -> Option<Standing<'s>> {
    let deeds = databases.deeds(status.name.as_ref()?);
    let figures = status.figures.as_ref();
    Some(Standing {
        database: Some(&status.title),
        kinds: figures.map(|figures| figures.kinds.clone()),
        // The store would have to be listed.
        stored_bytes: None,
        database_bytes: figures.map(|figures| figures.database_bytes),
        position: figures.and_then(|figures| figures.position),
        leads: figures.and_then(|figures| figures.leads),
        verify: deeds.as_ref().and_then(|deeds| deeds.last_verify),
        tally: deeds.map(|deeds| deeds.tally).unwrap_or_default(),
    })
}

fn answer(text: Exposition) -> Response {
    Response::builder()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(text.into_text())
}

fn many(text: &mut Exposition, statuses: &[Status], open: usize) {
    text.gauge("snapback_databases", "Databases, by what is known of them.");
    let conditions =
        [("ready", Condition::Ready), ("failed", Condition::Failed), ("unread", Condition::Unread)];
    for (name, condition) in conditions {
        let count = statuses.iter().filter(|status| status.condition == condition).count();
        text.sample("snapback_databases", &[("state", name)], count);
    }
    text.gauge("snapback_databases_open", "Databases that are open now.");
    text.sample("snapback_databases_open", &[], open);
}

fn build(text: &mut Exposition) {
    text.gauge("snapback_build_info", "Which program this is, and the SQLite in it.");
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("sqlite", rusqlite::version())];
    text.sample("snapback_build_info", &labels, 1);
}

fn requests(text: &mut Exposition, requests: &Requests) {
    let name = "snapback_http_request_duration_seconds";
    text.durations(name, "Time until an answer began, by route, method and class of status.");
    for (sort, histogram) in requests.read() {
        let labels = [("route", &*sort.route), ("method", sort.method), ("status", sort.status)];
        text.histogram(name, &labels, &histogram);
    }
}
