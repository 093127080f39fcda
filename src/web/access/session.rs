//! Sessions: who logged in, until they leave or time ends it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use poem::Response;
use poem::http::{HeaderMap, HeaderValue, header};
use tokio_util::sync::CancellationToken;

use super::secret;
use crate::error::Result;

/// Sessions beyond this many end the one that was silent longest.
const MOST: usize = 1000;

const PLAIN: &str = "snapback-session";
/// A browser takes this name only through TLS, for this host and for no path alone.
const BOUND: &str = "__Host-snapback-session";

fn cookie(tls: bool) -> &'static str {
    if tls { BOUND } else { PLAIN }
}

/// The sessions that are open. Ids are kept as their hashes: looking one up takes a time that
/// tells nothing about the ids that there are.
pub(super) struct Sessions {
    idle: Duration,
    lifetime: Duration,
    open: HashMap<[u8; 32], Session>,
}

struct Session {
    name: String,
    began: Instant,
    used: Instant,
    /// Cancelled when the session ends.
    end: CancellationToken,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

impl Sessions {
    pub(super) fn new(idle: Duration, lifetime: Duration) -> Self {
        Self { idle, lifetime, open: HashMap::new() }
    }

    /// Opens a session for `name`; the answer is its id.
    pub(super) fn open(&mut self, name: String, now: Instant) -> Result<String> {
        self.end_old(now);
        if self.open.len() >= MOST
            && let Some(silent) = self.open.iter().min_by_key(|(_, session)| session.used)
        {
            let key = *silent.0;
            self.open.remove(&key);
        }
        let id = secret::fresh()?;
        let end = CancellationToken::new();
        self.open.insert(key(&id), Session { name, began: now, used: now, end });
        Ok(id)
    }

    /// The name that belongs to a session, which was just used; `None` when it has ended.
    pub(super) fn touch(&mut self, id: &str, now: Instant) -> Option<String> {
        self.end_old(now);
        let session = self.open.get_mut(&key(id))?;
        session.used = now;
        Some(session.name.clone())
    }

    /// Ends a session.
    pub(super) fn end(&mut self, id: &str) {
        self.open.remove(&key(id));
    }

    /// What is cancelled when a session ends, whatever ends it.
    pub(super) fn end_of(&self, id: &str) -> Option<CancellationToken> {
        Some(self.open.get(&key(id))?.end.clone())
    }

    /// Ends the sessions that were silent for too long, or lasted too long.
    pub(super) fn end_old(&mut self, now: Instant) {
        let (idle, lifetime) = (self.idle, self.lifetime);
        self.open.retain(|_, session| {
            now.saturating_duration_since(session.used) < idle
                && now.saturating_duration_since(session.began) < lifetime
        });
    }
}

fn key(id: &str) -> [u8; 32] {
    *blake3::hash(id.as_bytes()).as_bytes()
}

/// The session id that a request carries.
pub(super) fn sent(headers: &HeaderMap, tls: bool) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == cookie(tls))
        .map(|(_, id)| id)
}

/// Leaves a session's cookie in an answer; one that lasts no time is taken away.
pub(super) fn leave(response: &mut Response, id: &str, tls: bool, lifetime: Duration) {
    let text = format!(
        "{}={id}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}",
        cookie(tls),
        lifetime.as_secs(),
        if tls { "; Secure" } else { "" }
    );
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn sessions() -> (Sessions, Instant) {
        (Sessions::new(10 * MINUTE, 60 * MINUTE), Instant::now())
    }

    #[test]
    fn a_silent_session_ends_and_a_used_one_goes_on() {
        let (mut sessions, start) = sessions();
        let id = sessions.open("ann".into(), start).expect("a session");
        assert_eq!(sessions.touch(&id, start + 9 * MINUTE).as_deref(), Some("ann"));
        assert_eq!(sessions.touch(&id, start + 18 * MINUTE).as_deref(), Some("ann"));
        assert_eq!(sessions.touch(&id, start + 28 * MINUTE), None);
        assert_eq!(sessions.touch(&id, start + 28 * MINUTE), None, "and stays ended");
    }

    #[test]
    fn no_session_outlives_its_time_however_busy() {
        let (mut sessions, start) = sessions();
        let id = sessions.open("ann".into(), start).expect("a session");
        for minute in 1..60 {
            assert!(sessions.touch(&id, start + minute * MINUTE).is_some(), "{minute}");
        }
        assert_eq!(sessions.touch(&id, start + 60 * MINUTE), None);
    }

    #[test]
    fn there_is_room_for_a_new_session_and_the_silent_one_pays() {
        let (mut sessions, start) = sessions();
        let first = sessions.open("first".into(), start).expect("a session");
        let mut last = String::new();
        for _ in 0..MOST {
            last = sessions.open("more".into(), start + MINUTE).expect("a session");
        }
        assert_eq!(sessions.open.len(), MOST);
        assert_eq!(sessions.touch(&first, start + MINUTE), None);
        assert!(sessions.touch(&last, start + MINUTE).is_some());
    }

    #[test]
    fn behind_tls_the_cookie_is_bound_to_it() {
        let mut response = Response::default();
        leave(&mut response, "x", true, MINUTE);
        leave(&mut response, "x", false, MINUTE);
        let mut cookies = response.headers().get_all(header::SET_COOKIE).iter();
        assert_eq!(
            cookies.next().expect("a cookie"),
            "__Host-snapback-session=x; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(
            cookies.next().expect("a cookie"),
            "snapback-session=x; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"
        );
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b; snapback-session=x"));
        assert_eq!((sent(&headers, false), sent(&headers, true)), (Some("x"), None));
    }
}
