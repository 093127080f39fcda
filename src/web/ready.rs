//! Whether the console can do its work: what a load balancer or a supervisor asks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use poem::http::{HeaderValue, StatusCode, header};
use poem::{Response, handler};
use serde_json::json;
use tokio::sync::Mutex;

use super::console::{Console, Wanted, blocking, json};
use super::overview;
use crate::error::{Error, ErrorKind, Report, Result};
use crate::many::{Condition, Status};
use crate::snapshot::Snapshots;

/// How long an answer holds: whoever asks more often does not make the store busier.
const HOLDS: Duration = Duration::from_secs(1);

/// How long database and store have for their answers.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was found last.
type Found = (Instant, Arc<Result<()>>);

/// Looks whether database and store answer, for one who asks at a time.
#[derive(Default)]
pub(crate) struct Readiness(Mutex<Option<Found>>);

impl Readiness {
    async fn look(&self, snapshots: &Snapshots) -> Arc<Result<()>> {
        let mut last = self.0.lock().await;
        if let Some((at, found)) = last.as_ref()
            && at.elapsed() < HOLDS
        {
            return Arc::clone(found);
        }
        let looked = tokio::time::timeout(PATIENCE, blocking(snapshots, Snapshots::ready)).await;
        let found = Arc::new(looked.unwrap_or_else(|_| {
            let what = "database and store do not answer in time";
            Err(Error::new(ErrorKind::Busy, what).hint("look at their disk and network"))
        }));
        *last = Some((Instant::now(), Arc::clone(&found)));
        found
    }
}

/// `ok`, or 503 with the reason: of one database.
#[handler]
pub(crate) async fn show(console: Console) -> poem::Result<Response> {
    let found = console.readiness().look(console.snapshots()?).await;
    Ok(answer(&console, found.as_ref()))
}

/// The same of many: one that cannot be opened is told by the overview, and keeps nobody from the
/// others; when none can be, something else is wrong.
#[handler]
pub(crate) async fn of_many(console: Console) -> poem::Result<Response> {
    let statuses = overview::look(console.databases()?).await;
    let failed = |status: &&Status| status.condition == Condition::Failed;
    let found = match statuses.iter().find(failed) {
        Some(first) if statuses.iter().all(|status| failed(&status)) => {
            Err(Error::failed("no database can be opened")
                .because(first.reason.clone().unwrap_or_default())
                .on(&first.path)
                .hint(first.hint.clone().unwrap_or_default()))
        }
        _ => Ok(()),
    };
    Ok(answer(&console, &found))
}

fn answer(console: &Console, found: &Result<()>) -> Response {
    let Err(error) = found else {
        return told(console, StatusCode::OK, "ok\n".to_owned(), &json!({"ready": true}));
    };
    tracing::warn!(%error, "not ready");
    let status = StatusCode::SERVICE_UNAVAILABLE;
    // A stranger is not told where the database is.
    let mut response = if console.who().is_some() {
        let hint = error.next_step();
        told(console, status, format!("not ready: {error}\n{hint}\n"), &Report { error })
    } else {
        let error = Error::new(error.kind(), "database or store do not answer")
            .hint("log in to be told the reason, or look into the log");
        let said = format!("not ready: {}\n{}\n", error.what(), error.next_step());
        told(console, status, said, &Report { error: &error })
    };
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    response
}

/// For machines: JSON, or plain text to everybody else.
fn told(
    console: &Console,
    status: StatusCode,
    text: String,
    facts: &impl serde::Serialize,
) -> Response {
    if console.wanted() == Wanted::Json
        && let Ok(response) = json(status, facts)
    {
        return response;
    }
    Response::builder().status(status).content_type("text/plain; charset=utf-8").body(text)
}
