//! What every request passes: is it meant for this host, did it come from this site, who sent it;
//! and the headers that every answer carries.

use std::sync::Arc;
use std::time::Instant;

use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use poem::{Endpoint, IntoResponse, PathPattern, Request, Response};

use super::access::{Visitor, Who};
use super::console::{App, Console};
use super::metrics::Sort;
use super::{error, login};
use crate::error::{Error, ErrorKind, Result};

/// Nothing but what this server sends itself, and nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// What an answer can depend on.
const VARY: &str = "Accept, HX-Request, HX-History-Restore-Request, Accept-Encoding";

/// Stands for the route of a request that reached none.
const NO_ROUTE: &str = "none";

/// The routes behind their guard.
pub(crate) struct Guarded<E> {
    app: Arc<App>,
    routes: E,
}

impl<E> Guarded<E> {
    pub(crate) fn new(app: Arc<App>, routes: E) -> Self {
        Self { app, routes }
    }
}

impl<E: Endpoint> Endpoint for Guarded<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let began = Instant::now();
        let method = request.method().clone();
        let response = self.answer(request).await;
        let pattern = response.data::<PathPattern>().map_or(NO_ROUTE, |pattern| &pattern.0);
        let route = pattern.strip_prefix(self.app.links.mount()).unwrap_or(pattern);
        let (status, took) = (response.status(), began.elapsed());
        // Nothing of the query: it may hold what rows hold.
        tracing::info!(
            %method,
            route,
            status = status.as_u16(),
            ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "request"
        );
        self.app.site.requests.add(Sort::new(route, &method, status), took);
        Ok(response)
    }
}

impl<E: Endpoint> Guarded<E> {
    async fn answer(&self, mut request: Request) -> Response {
        let path = request.uri().path().to_owned();
        let gzip = accepts_gzip(request.headers());
        let checked = check(&request, &self.app);
        if let Ok(Some(who)) = &checked {
            request.set_data(who.clone());
        }
        let console = Console::new(self.app.clone(), &request);
        let mut response = match checked {
            Err(refused) => error::answer(&console, refused.into(), &path).await,
            Ok(None) if !login::is_open(&path) => {
                let asked = request.uri().path_and_query().map_or("", |asked| asked.as_str());
                let address = console.links().shared(asked);
                login::required(&console, request.method(), &address).await
            }
            Ok(_) => answer(&self.app, request, &path, &self.routes).await,
        };
        add_headers(response.headers_mut());
        if gzip && is_worth_compressing(&response) {
            response = self.compressed(&console, response, &path).await;
        }
        response
    }

    /// The same answer, its text compressed.
    async fn compressed(&self, console: &Console, mut response: Response, path: &str) -> Response {
        let body = match response.take_body().into_bytes().await {
            // As to a HEAD.
            Ok(text) if text.is_empty() => Ok(text),
            Ok(text) => {
                let coding = HeaderValue::from_static("gzip");
                response.headers_mut().insert(header::CONTENT_ENCODING, coding);
                self.app.site.compressed.of(text).await
            }
            Err(error) => Err(Error::failed("the answer could not be read").because(error)),
        };
        match body {
            Ok(body) => response.set_body(body),
            Err(failure) => {
                response = error::answer(console, failure.into(), path).await;
                add_headers(response.headers_mut());
            }
        }
        response
    }
}

/// Has a place's routes answer a request for `path`; their errors are told in the place too.
pub(crate) async fn answer(
    app: &Arc<App>,
    mut request: Request,
    path: &str,
    routes: &impl Endpoint,
) -> Response {
    request.set_data(app.clone());
    let console = Console::new(app.clone(), &request);
    match routes.call(request).await {
        Ok(response) => response.into_response(),
        Err(failure) => {
            let pattern = failure.data::<PathPattern>().cloned();
            let mut response = error::answer(&console, failure, path).await;
            if let Some(pattern) = pattern {
                response.set_data(pattern);
            }
            response
        }
    }
}

/// Refuses what comes for another host or from another site; the answer is who sent it, where that
/// is known.
fn check(request: &Request, app: &App) -> Result<Option<Who>> {
    let host = host_of(request)?;
    check_host(&host, &app.site.options.hosts)?;
    let who = match request.data::<Visitor>() {
        Some(Visitor(name)) => Some(Who::Visitor(name.clone())),
        None => app.site.gate.who(request.headers()),
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    // A page of another site cannot know a token, so one who sends it is no such page.
    if !reads && !matches!(who, Some(Who::Token(_))) {
        check_site(request.headers(), &host)?;
    }
    if reads && request.uri().path().ends_with("/export") {
        check_download(request.headers())?;
    }
    Ok(who)
}

/// An export is long work and leaves a line in the history: no page of another site may make a
/// browser ask for one, as an image that it shows would. Other programs say nothing of a site.
fn check_download(headers: &HeaderMap) -> Result<()> {
    match headers.get("Sec-Fetch-Site").map(HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(Error::new(
            ErrorKind::Forbidden,
            "the download is asked for by a page of another site",
        )
        .on("Sec-Fetch-Site")
        .hint("open the snapshot's preview and export it there")),
    }
}

/// The one host that the request names: in its Host header, or in its address under HTTP/2.
fn host_of(request: &Request) -> Result<String> {
    let mut named = request.headers().get_all(header::HOST).iter();
    let host = match (named.next(), named.next()) {
        (Some(host), None) => host.to_str().ok().map(str::to_owned),
        (None, None) => request.uri().authority().map(ToString::to_string),
        _ => None,
    };
    host.map(|host| host.to_ascii_lowercase()).ok_or_else(|| {
        Error::new(ErrorKind::Forbidden, "the request does not say for which host it is")
            .on("Host")
            .hint("send one Host header, such as localhost")
    })
}

/// A page of another site that had its name point here would show its own name as the host.
fn check_host(host: &str, allowed: &[String]) -> Result<()> {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let known = matches!(name, "localhost" | "127.0.0.1" | "[::1]")
        || allowed
            .iter()
            .any(|own| own.eq_ignore_ascii_case(name) || own.eq_ignore_ascii_case(host));
    if known {
        return Ok(());
    }
    let shown: String = host.chars().take(200).collect();
    Err(Error::new(ErrorKind::Forbidden, "this host is not one that Snapback answers for")
        .on(shown.escape_debug())
        .hint("use localhost, or start Snapback with --host and this name"))
}

/// A request that changes something must come from a page of this server.
fn check_site(headers: &HeaderMap, host: &str) -> Result<()> {
    let refused = |what: &str, thing: &str| {
        Error::new(ErrorKind::Forbidden, what).on(thing).hint(format!(
            "send the form from Snapback's own page, or a header Origin: http://{host}"
        ))
    };
    if let Some(site) = headers.get("Sec-Fetch-Site") {
        return match site.as_bytes() {
            b"same-origin" | b"none" => Ok(()),
            _ => Err(refused("the request comes from a page of another site", "Sec-Fetch-Site")),
        };
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Err(refused("the request does not say from which page it comes", "Origin"));
    };
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    match authority {
        Some(("http" | "https", from)) if from.eq_ignore_ascii_case(host) => Ok(()),
        _ => Err(refused("the request comes from a page of another site", "Origin")),
    }
}

fn add_headers(headers: &mut HeaderMap) {
    let mut set = |name: HeaderName, value| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CACHE_CONTROL, "no-store");
    set(header::VARY, VARY);
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter();
    accepted.filter_map(|value| value.to_str().ok()).flat_map(|line| line.split(',')).any(
        |coding| {
            let mut parts = coding.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
            let refused = parts
                .filter_map(|part| part.strip_prefix("q="))
                .any(|quality| quality.parse::<f32>().is_ok_and(|quality| quality == 0.0));
            named && !refused
        },
    )
}

/// Text of the pages; not downloads, which are long and streamed, and not what has no body.
fn is_worth_compressing(response: &Response) -> bool {
    let headers = response.headers();
    let text = response.content_type().is_some_and(|sent| {
        ["text/html", "text/css", "text/javascript", "application/json"]
            .iter()
            .any(|kind| sent.starts_with(kind))
    });
    text && !response.status().is_redirection()
        && !headers.contains_key(header::CONTENT_DISPOSITION)
        && !headers.contains_key(header::CONTENT_ENCODING)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(headers: &[(&'static str, &str)]) -> Result<()> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a header value"));
        }
        check_site(&map, "localhost:7878")
    }

    #[test]
    fn only_known_hosts_are_answered() {
        let own = ["snap.example".to_owned(), "other.example:8080".to_owned()];
        for host in ["localhost", "localhost:1", "127.0.0.1:7878", "[::1]:7878", "[::1]"] {
            assert!(check_host(host, &own).is_ok(), "{host}");
        }
        for host in ["snap.example", "snap.example:80", "other.example:8080"] {
            assert!(check_host(host, &own).is_ok(), "{host}");
        }
        let strangers = [
            "",
            "evil.example",
            "localhost.evil.example",
            "other.example",
            "127.0.0.1.nip.io:7878",
        ];
        for host in strangers {
            assert!(check_host(host, &own).is_err(), "{host}");
        }
    }

    #[test]
    fn a_change_must_come_from_this_site() {
        assert!(site(&[("sec-fetch-site", "same-origin")]).is_ok());
        assert!(site(&[("sec-fetch-site", "none")]).is_ok());
        for other in ["cross-site", "same-site", ""] {
            let headers = [("sec-fetch-site", other), ("origin", "http://localhost:7878")];
            assert!(site(&headers).is_err(), "{other}");
        }
        assert!(site(&[("origin", "http://localhost:7878")]).is_ok());
        for other in ["null", "http://localhost", "http://localhost:7879", "http://evil.example"] {
            assert!(site(&[("origin", other)]).is_err(), "{other}");
        }
    }

    #[test]
    fn no_page_of_another_site_can_start_an_export() {
        let download = |site: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("sec-fetch-site", HeaderValue::from_static(site));
            check_download(&headers)
        };
        assert!(check_download(&HeaderMap::new()).is_ok());
        assert!(download("same-origin").is_ok() && download("none").is_ok());
        assert!(download("cross-site").is_err() && download("same-site").is_err());
    }

    #[test]
    fn a_change_of_unknown_origin_is_refused_with_the_way_out() {
        let error = site(&[]).expect_err("no origin");
        assert_eq!(error.kind(), ErrorKind::Forbidden);
        assert!(error.next_step().contains("Origin: http://localhost:7878"));
    }
}
