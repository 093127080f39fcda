//! What is new, as a stream of server-sent events: the database's position, snapshots taken
//! elsewhere, and work under way.
//!
//! One task per database looks, however many pages listen, and only while one does. What a page
//! makes of it is in `assets/live.js`; without that nothing here is asked for.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::stream::unfold;
use jiff::Timestamp;
use maud::{Markup, html};
use poem::http::{HeaderValue, header};
use poem::web::Data;
use poem::web::sse::{Event, SSE};
use poem::{IntoResponse, Request, Response, handler};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::console::{App, Console, Wanted, blocking, present, redirect};
use super::links::Links;
use super::{layout, list};
use crate::error::{Error, ErrorKind, Result};
use crate::snapshot::{List, Now, Snapshots};

/// How often the database's position is asked for.
const LOOK: Duration = Duration::from_secs(1);

/// After how many looks at the database the store is listed.
const LOOKS_PER_LISTING: u32 = 4;

/// How long the stream is silent at most: a page that hears nothing for longer knows that the
/// connection is gone, though nobody closed it.
const BEAT: Duration = Duration::from_secs(10);

/// How many of the newest snapshots a page is told by name.
const NAMED: usize = 64;

/// How many pages may listen.
const LISTENERS: usize = 64;

/// A moment, in microseconds, that no clock set back makes earlier: two lists of snapshots are
/// told apart by when they were asked for.
pub(crate) fn moment() -> i64 {
    static START: LazyLock<(i64, Instant)> =
        LazyLock::new(|| (Timestamp::now().as_microsecond(), Instant::now()));
    let (start, since) = *START;
    start.saturating_add(i64::try_from(since.elapsed().as_micros()).unwrap_or(i64::MAX))
}

/// What was seen last; `None` where it is not known.
#[derive(Clone, Debug, Default, PartialEq)]
struct Seen {
    now: Option<Now>,
    listing: Option<Listing>,
    /// Whether the last look failed.
    blind: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Listing {
    newest: Vec<String>,
    total: usize,
    asked_at: i64,
}

impl Listing {
    fn of(list: &List, asked_at: i64) -> Self {
        let newest = list.snapshots.iter().take(NAMED);
        Self {
            newest: newest.map(|entry| entry.snapshot().to_string()).collect(),
            total: list.snapshots.len(),
            asked_at,
        }
    }
}

/// Room for the pages that listen, whichever database they show, and the end of all their streams.
pub(crate) struct Listeners {
    places: Arc<Semaphore>,
    end: CancellationToken,
}

impl Listeners {
    /// For a server with so many connections: most of them stay free for requests.
    pub(crate) fn new(connections: usize) -> Self {
        let places = LISTENERS.min(connections / 2).max(1);
        Self { places: Arc::new(Semaphore::new(places)), end: CancellationToken::new() }
    }

    /// Ends every stream: the server is about to stop.
    pub(crate) fn end(&self) {
        self.end.cancel();
    }
}

/// What the pages that show one database are told.
#[derive(Default)]
pub(crate) struct Live {
    seen: watch::Sender<Seen>,
    /// Whether somebody looks already.
    looking: Mutex<bool>,
}

impl Live {
    fn looking(&self) -> MutexGuard<'_, bool> {
        self.looking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stream of what is new.
#[handler]
pub(crate) fn events(Data(app): Data<&Arc<App>>, request: &Request) -> poem::Result<Response> {
    let listener = Listener::join(app, app.site.gate.end_of(request.headers()))?;
    let news = unfold(listener, |mut listener| async {
        let event = listener.next().await?;
        Some((event, listener))
    });
    let mut response = SSE::new(news).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The parts of the list page that what is new made old.
#[handler]
pub(crate) async fn refresh(console: Console) -> poem::Result<Response> {
    if console.wanted() != Wanted::Fragment {
        return Ok(redirect(&console.links().list()));
    }
    let listed = console.blocking(list::read).await?;
    let refreshed = || list::refreshed(console.links(), &listed, "innerMorph", None);
    Ok(console.answer(&(), "", refreshed).await?)
}

/// Offers what is new since a page was made, once there is something: it names what the page
/// knows, whatever the page is narrowed to.
pub(crate) fn news(links: &Links, listed: &list::Listed) -> Markup {
    let known = Listing::of(&listed.list, listed.asked_at);
    html! {
        a.button #news
            href=(links.list()) hx-get=(links.news()) hx-swap="none" hidden
            data-known=(known.newest.join(" ")) data-total=(known.total) data-at=(known.asked_at)
        { "No new snapshots" }
    }
}

/// One page that listens.
struct Listener {
    app: Arc<App>,
    seen: watch::Receiver<Seen>,
    jobs: watch::Receiver<()>,
    told: Seen,
    told_jobs: Option<Vec<String>>,
    waiting: VecDeque<Event>,
    beat: Interval,
    /// The end of the session that it listens in.
    logged_out: CancellationToken,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    fn join(app: &Arc<App>, logged_out: Option<CancellationToken>) -> Result<Self> {
        let live = app.live();
        let place = app.site.listeners.places.clone().try_acquire_owned().map_err(|_| {
            Error::new(ErrorKind::Busy, "as many pages listen as may")
                .on("live figures")
                .hint("close some of them")
        })?;
        let seen = live.seen.subscribe();
        let mut looking = live.looking();
        if let Some(snapshots) = app.snapshots.as_ref().filter(|_| !*looking) {
            // What was seen when somebody listened last is old.
            live.seen.send_replace(Seen::default());
            tokio::spawn(look(app.clone(), snapshots.clone()));
            *looking = true;
        }
        drop(looking);
        let mut jobs = app.jobs().changes();
        jobs.mark_changed();
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut listener = Self {
            app: app.clone(),
            seen,
            jobs,
            told: Seen::default(),
            told_jobs: None,
            waiting: VecDeque::new(),
            beat,
            logged_out: logged_out.unwrap_or_default(),
            _place: place,
        };
        listener.seen.mark_changed();
        Ok(listener)
    }

    /// The next event; `None` when the server is about to stop, or whoever listens has logged out.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            tokio::select! {
                () = self.app.site.listeners.end.cancelled() => return None,
                () = self.logged_out.cancelled() => return None,
                seen = self.seen.changed() => {
                    seen.ok()?;
                    let seen = self.seen.borrow_and_update().clone();
                    self.tell(seen);
                }
                changed = self.jobs.changed() => {
                    changed.ok()?;
                    self.jobs.mark_unchanged();
                    self.tell_jobs();
                }
                _ = self.beat.tick() => {
                    // A session that only listens is silent, and ends as one.
                    self.app.site.gate.sweep();
                    self.say("beat", &json!(null));
                }
            }
        }
    }

    /// Says what differs from what was said before.
    fn tell(&mut self, seen: Seen) {
        if seen.blind {
            if !self.told.blind {
                self.say("blind", &json!(null));
            }
        } else if let Some(now) = seen.now.as_ref()
            && (self.told.blind || self.told.now.as_ref() != Some(now))
        {
            // Text, for a position may be greater than a script's numbers.
            let position = now.position.map(|position| position.to_string());
            let place = layout::place(now, present()).into_string();
            self.say("now", &json!({"position": position, "place": place}));
        }
        if let Some(listing) = seen.listing.as_ref().filter(|_| seen.listing != self.told.listing) {
            let told = self.told.listing.as_ref();
            let facts = if told
                .is_some_and(|told| told.newest == listing.newest && told.total == listing.total)
            {
                // Nothing changed, and that is worth knowing: what was told before may be older
                // than what the page knows.
                json!({"at": listing.asked_at})
            } else {
                json!({"at": listing.asked_at, "newest": listing.newest, "total": listing.total})
            };
            self.say("list", &facts);
        }
        self.told = seen;
    }

    fn tell_jobs(&mut self) {
        let names = self.app.jobs().names();
        if self.told_jobs.as_ref() != Some(&names) {
            self.say("jobs", &json!(names));
            self.told_jobs = Some(names);
        }
    }

    fn say(&mut self, name: &str, facts: &serde_json::Value) {
        self.waiting.push_back(Event::message(facts.to_string()).event_type(name));
    }
}

/// Looks at database and store for as long as somebody listens.
async fn look(app: Arc<App>, snapshots: Snapshots) {
    let live = app.live();
    let mut looks: u32 = 0;
    let mut clock = interval(LOOK);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.site.listeners.end.cancelled() => return,
            _ = clock.tick() => {}
        }
        {
            let mut looking = live.looking();
            if live.seen.receiver_count() == 0 {
                *looking = false;
                return;
            }
        }
        let lists = looks.is_multiple_of(LOOKS_PER_LISTING);
        looks = looks.wrapping_add(1);
        let found = blocking(&snapshots, move |snapshots| {
            let asked_at = moment();
            let listing = lists.then(|| snapshots.listed()).transpose()?;
            Ok((snapshots.now()?, listing.map(|list| Listing::of(&list, asked_at))))
        });
        let found: Result<(Now, Option<Listing>)> = found.await;
        live.seen.send_if_modified(|seen| {
            let before = seen.clone();
            match found {
                Ok((now, listing)) => {
                    seen.now = Some(now);
                    seen.blind = false;
                    seen.listing = listing.or(seen.listing.take());
                }
                Err(error) => {
                    tracing::debug!(%error, "the figures could not be read");
                    seen.blind = true;
                }
            }
            *seen != before
        });
    }
}
