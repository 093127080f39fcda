//! Failures, posted to an address as JSON.
//!
//! A thread of its own posts them, so nothing waits for the network; it tries a few times, and then
//! says in the log that it could not.

use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use reqwest::{Client, Url, redirect};
use snapback::snapshot::{Alarm, Failure};
use snapback::{Error, Result};

/// How many failures may wait to be posted; beyond that the rest are only in the history.
const WAITING: usize = 64;

/// How long one try may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long is waited before each further try.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// The thread that posts. Dropping it waits until what was told is posted, or given up.
struct Poster {
    told: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

/// An alarm that posts to `address`.
pub(super) fn alarm(address: &Url) -> Result<Alarm> {
    let poster = Poster::start(address.clone())?;
    Ok(Alarm::new(move |failure| poster.tell(failure)))
}

/// Reads an address of a webhook.
pub(super) fn parse_address(text: &str) -> Result<Url, String> {
    // What was given may hold a secret: it is not repeated.
    text.parse()
        .ok()
        .filter(|address: &Url| matches!(address.scheme(), "http" | "https") && address.has_host())
        .ok_or_else(|| "state an address such as https://example.org/hook".to_owned())
}

impl Poster {
    fn start(address: Url) -> Result<Self> {
        // It may have been chosen already, as it is for stores.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| {
            Error::failed("the webhook cannot be set up")
                .because(source)
                .hint("try again without it")
        };
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("snapback/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| failed(error.into()))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| failed(error.into()))?;
        let (told, failures) = mpsc::sync_channel(WAITING);
        let work = move || post_all(&failures, &runtime, &client, &address);
        let thread = thread::Builder::new().name("webhook".to_owned()).spawn(work);
        Ok(Self { told: Some(told), thread: Some(thread.map_err(|error| failed(error.into()))?) })
    }

    fn tell(&self, failure: &Failure) {
        let (Some(told), Ok(body)) = (&self.told, serde_json::to_vec(failure)) else { return };
        if told.try_send(body).is_err() {
            tracing::error!("too many failures wait for the webhook: one is not posted");
        }
    }
}

impl Drop for Poster {
    fn drop(&mut self) {
        drop(self.told.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn post_all(
    failures: &Receiver<Vec<u8>>,
    runtime: &tokio::runtime::Runtime,
    client: &Client,
    address: &Url,
) {
    while let Ok(body) = failures.recv() {
        let mut pauses = PAUSES.into_iter();
        while let Err(reason) = runtime.block_on(post(client, address, body.clone())) {
            let Some(pause) = pauses.next() else {
                // What waits would not be heard either, and the program may be about to end.
                let more = failures.try_iter().count();
                tracing::error!(reason, more, "failures could not be posted to the webhook");
                break;
            };
            tracing::warn!(reason, "the webhook is tried again");
            thread::sleep(pause);
        }
    }
}

async fn post(client: &Client, address: &Url, body: Vec<u8>) -> Result<(), String> {
    let request =
        client.post(address.clone()).header("Content-Type", "application/json").body(body);
    // The address may hold a secret.
    let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
    let status = answer.status();
    if status.is_success() { Ok(()) } else { Err(format!("it answered {status}")) }
}
