//! Who may use the console: a password for people, tokens for scripts.
//!
//! Without either, everyone who reaches the console may use it, and [`serve`](super::serve)
//! listens on the loopback only. With one of them every request names its sender: a session that
//! began with the password, or a token in its `Authorization` header. What is open to all then is
//! the page to log in, the files that it is drawn with, `/healthz` and `/readyz`.

mod delay;
mod origin;
mod password;
mod secret;
mod session;
mod token;

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use poem::http::{HeaderMap, header};
use poem::{Request, Response};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use password::PasswordHash;
pub use token::{Token, TokenHash};

use crate::error::{Error, Result};
use delay::Delays;
use session::Sessions;

/// How many passwords are checked at once: each takes 19 MiB and a processor for a moment.
const CHECKS: usize = 2;

/// Who may use the console, and how they are told apart.
#[derive(Clone, Debug)]
pub struct Access {
    /// The hash of the password that opens a session; `None` lets nobody log in.
    pub password: Option<PasswordHash>,
    /// The hashes of the tokens that scripts may use.
    pub tokens: Vec<TokenHash>,
    /// Whether browsers reach the console through TLS: its cookies are then bound to that.
    pub behind_tls: bool,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// How long a session may be silent before it ends.
    pub idle: Duration,
    /// How long a session lasts at most.
    pub lifetime: Duration,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            password: None,
            tokens: Vec::new(),
            behind_tls: false,
            trusted_proxies: Vec::new(),
            idle: Duration::from_hours(2),
            lifetime: Duration::from_hours(12),
        }
    }
}

impl Access {
    /// Whether a request has to say who sends it.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        self.password.is_some() || !self.tokens.is_empty()
    }
}

/// Somebody whom the application around the console knows already.
///
/// An application that [nests](super::routes) the console puts this into the data of each request
/// that it lets through; the history then shows the name, and the console asks for nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor(pub String);

/// Who sent a request, once that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Anyone: the console asks for nothing.
    Anyone,
    /// Somebody who logged in, by the name that the history shows.
    Session(String),
    /// A script with the token of this name.
    Token(String),
    /// Somebody whom the application around the console let through.
    Visitor(String),
}

impl Who {
    /// The name in the history.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Anyone => super::console::BY,
            Self::Session(name) | Self::Token(name) | Self::Visitor(name) => name,
        }
    }
}

/// Why nobody may log in now, or why somebody may not.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Too many tries: ask again after this time.
    Wait(Duration),
    /// The password is not the one.
    Wrong,
    /// It could not be checked.
    Failed(Error),
}

/// The door: what is configured, and the sessions and failures so far.
pub(crate) struct Gate {
    access: Access,
    sessions: Mutex<Sessions>,
    delays: Mutex<Delays>,
    checks: Semaphore,
}

impl Gate {
    pub(crate) fn new(access: Access) -> Self {
        let sessions = Sessions::new(access.idle, access.lifetime);
        Self {
            access,
            sessions: Mutex::new(sessions),
            delays: Mutex::default(),
            checks: Semaphore::new(CHECKS),
        }
    }

    pub(crate) fn is_guarded(&self) -> bool {
        self.access.is_guarded()
    }

    /// Whether people can log in: otherwise only tokens are known here.
    pub(crate) fn has_password(&self) -> bool {
        self.access.password.is_some()
    }

    /// Who sent a request with these headers; `None` when it does not say, or not truly.
    pub(crate) fn who(&self, headers: &HeaderMap) -> Option<Who> {
        if !self.is_guarded() {
            return Some(Who::Anyone);
        }
        if let Some(name) = self.bearer(headers) {
            return Some(Who::Token(name.to_owned()));
        }
        let id = session::sent(headers, self.access.behind_tls)?;
        self.sessions().touch(id, Instant::now()).map(Who::Session)
    }

    /// The name of the token that a request carries, if it is one of ours.
    fn bearer(&self, headers: &HeaderMap) -> Option<&str> {
        let sent = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = sent.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let hash = token::hash_of(token.trim());
        self.access.tokens.iter().find(|known| known.is(&hash)).map(TokenHash::name)
    }

    /// The address that a request came from, as far as it is known.
    pub(crate) fn address(&self, request: &Request) -> Option<IpAddr> {
        origin::address(request, &self.access.trusted_proxies)
    }

    /// Opens a session for whoever knows the password; the answer is its id. The session that was
    /// there before ends: its id is not used again.
    ///
    /// A try counts as failed from its beginning, so that many at once do not slip through.
    pub(crate) async fn log_in(
        &self,
        headers: &HeaderMap,
        address: Option<IpAddr>,
        name: String,
        password: String,
    ) -> Result<String, Refusal> {
        let Some(hash) = self.access.password.clone() else { return Err(Refusal::Wrong) };
        self.delays().begin(address, Instant::now()).map_err(Refusal::Wait)?;
        let stopped = |_| Refusal::Failed(Error::failed("the password could not be checked"));
        let permit = self.checks.acquire().await.map_err(|_| Refusal::Wrong)?;
        let right = tokio::task::spawn_blocking(move || hash.is_of(&password)).await;
        drop(permit);
        if !right.map_err(stopped)? {
            self.delays().failed(address, Instant::now());
            return Err(Refusal::Wrong);
        }
        self.delays().succeeded(address);
        self.end(headers);
        self.sessions().open(name, Instant::now()).map_err(Refusal::Failed)
    }

    /// Has the browser keep the id of its session.
    pub(crate) fn keep(&self, id: &str, response: &mut Response) {
        session::leave(response, id, self.access.behind_tls, self.access.lifetime);
    }

    /// Ends the session of a request, and takes its cookie away.
    pub(crate) fn log_out(&self, headers: &HeaderMap, response: &mut Response) {
        self.end(headers);
        session::leave(response, "", self.access.behind_tls, Duration::ZERO);
    }

    fn end(&self, headers: &HeaderMap) {
        if let Some(id) = session::sent(headers, self.access.behind_tls) {
            self.sessions().end(id);
        }
    }

    /// What is cancelled when the session of a request ends; `None` for a request without one.
    pub(crate) fn end_of(&self, headers: &HeaderMap) -> Option<CancellationToken> {
        self.sessions().end_of(session::sent(headers, self.access.behind_tls)?)
    }

    /// Ends the sessions whose time has come.
    pub(crate) fn sweep(&self) {
        self.sessions().end_old(Instant::now());
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn delays(&self) -> MutexGuard<'_, Delays> {
        self.delays.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
