//! Logging in with the password, and leaving again.

use std::net::IpAddr;
use std::time::Duration;

use maud::{Markup, html};
use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{Request, Response, handler};
use serde_json::json;

use super::access::{Refusal, Who};
use super::console::{Console, Wanted, json, redirect};
use super::error::with_markup;
use super::fields::Fields;
use super::links::Links;
use crate::error::{Error, ErrorKind};

/// The longest name that is kept, in characters.
const LONGEST_NAME: usize = 64;

/// Whether an address of the console is for everyone: to log in, and to draw the page for it.
pub(crate) fn is_open(path: &str) -> bool {
    matches!(path, "/login" | "/logout" | "/healthz" | "/readyz") || path.starts_with("/assets/")
}

/// The form, alone.
#[handler]
pub(crate) async fn show(console: Console, fields: Fields) -> poem::Result<Response> {
    let links = console.links();
    let next = local(links, fields.one("next")?.unwrap_or_default());
    if !console.gate().has_password() || matches!(console.who(), Some(Who::Session(_))) {
        return Ok(redirect(&next));
    }
    let facts = json!({"post": links.login(), "fields": ["password", "name", "next"]});
    Ok(console.answer(&facts, "Log in", || form(links, &next, "")).await?)
}

/// Opens a session for whoever sends the password.
#[handler]
pub(crate) async fn log_in(
    console: Console,
    request: &Request,
    fields: Fields,
) -> poem::Result<Response> {
    let gate = console.gate();
    let address = gate.address(request);
    let password = fields.one("password")?.unwrap_or_default().to_owned();
    let typed = fields.one("name")?.unwrap_or_default();
    let name = name(typed, address);
    let next = local(console.links(), fields.one("next")?.unwrap_or_default());
    let refusal = match gate.log_in(request.headers(), address, name.clone(), password).await {
        Ok(session) => {
            let mut response = match console.wanted() {
                Wanted::Json => json(StatusCode::OK, &json!({"name": name}))?,
                _ => redirect(&next),
            };
            gate.keep(&session, &mut response);
            return Ok(response);
        }
        Err(refusal) => refusal,
    };
    let offers = form(console.links(), &next, typed);
    let (status, error, wait) = match refusal {
        Refusal::Failed(error) => return Err(error.into()),
        Refusal::Wrong => {
            tracing::warn!(?address, "a login failed");
            (StatusCode::UNAUTHORIZED, wrong(), None)
        }
        Refusal::Wait(wait) => (StatusCode::TOO_MANY_REQUESTS, too_many(wait), Some(wait)),
    };
    let mut response = with_markup(&console, status, &error, &offers).await;
    if let Some(wait) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
    }
    Ok(response)
}

/// Ends the session.
#[expect(clippy::needless_pass_by_value, reason = "what a handler extracts is its own")]
#[handler]
pub(crate) fn log_out(console: Console, request: &Request) -> poem::Result<Response> {
    let mut response = match console.wanted() {
        Wanted::Json => json(StatusCode::OK, &json!({}))?,
        _ => redirect(&console.links().login()),
    };
    console.gate().log_out(request.headers(), &mut response);
    Ok(response)
}

/// Answers a request that does not say who sends it: 401, and for a person the form.
pub(crate) async fn required(console: &Console, method: &Method, address: &str) -> Response {
    let links = console.links();
    let hint = if console.gate().has_password() {
        "log in, or send a token as Authorization: Bearer"
    } else {
        "send a token as Authorization: Bearer"
    };
    let error = Error::new(ErrorKind::Forbidden, "this console is not open to everyone").hint(hint);
    let status = StatusCode::UNAUTHORIZED;
    let mut response = match console.wanted() {
        _ if !console.gate().has_password() => {
            with_markup(console, status, &error, &html! {}).await
        }
        // What was asked for can be asked for again after the login; a form's fields are gone.
        Wanted::Page if method == Method::GET => {
            console.screen(status, "Log in", &form(links, address, "")).await
        }
        Wanted::Page => with_markup(console, status, &error, &form(links, &links.list(), "")).await,
        _ => {
            let offer = html! { p { a href=(links.login()) { "Log in" } } };
            with_markup(console, status, &error, &offer).await
        }
    };
    let scheme = HeaderValue::from_static("Bearer realm=\"Snapback\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    response
}

fn form(links: &Links, next: &str, name: &str) -> Markup {
    html! {
        form.tool #login-form method="post" action=(links.login()) {
            input type="hidden" name="next" value=(next);
            label for="login-name" { "Your name, for the history (optional)" }
            input #login-name
                type="text" name="name" value=(name) maxlength=(LONGEST_NAME) autocomplete="username";
            label for="login-password" { "Password" }
            input #login-password
                type="password" name="password" autocomplete="current-password" required autofocus;
            button.button.primary type="submit" { "Log in" }
        }
    }
}

/// The button that ends a session.
pub(crate) fn leave(links: &Links) -> Markup {
    html! {
        form #logout method="post" action=(links.logout()) {
            button type="submit" { "Log out" }
        }
    }
}

fn wrong() -> Error {
    Error::new(ErrorKind::Forbidden, "the password is wrong").on("password").hint("type it again")
}

fn too_many(wait: Duration) -> Error {
    Error::new(ErrorKind::Busy, "there were too many wrong passwords")
        .on("password")
        .hint(format!("try again in {} s", seconds(wait)))
}

/// Whole seconds, never too few.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// Who logged in, as the history tells it: the name that was typed, which nobody checks, and where
/// it was typed, unless that was here.
fn name(typed: &str, address: Option<IpAddr>) -> String {
    let shown: String =
        typed.trim().chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect();
    let name = if shown.is_empty() { super::console::BY.to_owned() } else { shown };
    match address.filter(|address| !address.is_loopback()) {
        Some(address) => format!("{name} from {address}"),
        None => name,
    }
}

/// Where to go on after the login: an address of this console, whatever a link said.
fn local(links: &Links, next: &str) -> String {
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let below = next.strip_prefix(links.mount()).is_some_and(|rest| {
        rest.starts_with('/') && !rest.starts_with("//") && !rest.starts_with("/log")
    });
    if plain && below { next.to_owned() } else { links.list() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_leads_to_an_address_of_this_console_and_nowhere_else() {
        let links = Links::new("/admin");
        let kept = "/admin/snapshots/compare?from=now&to=periodic/a";
        assert_eq!(local(&links, kept), kept);
        let strangers = [
            "",
            "https://evil.example/",
            "//evil.example",
            "/admin//evil.example",
            "/admin/\\evil.example",
            "/elsewhere",
            "/administrator",
            "/admin/logout",
            "/admin/a\r\nSet-Cookie: x=y",
        ];
        for next in strangers {
            assert_eq!(local(&links, next), "/admin/snapshots", "{next}");
        }
        assert_eq!(local(&Links::new(""), "//evil.example"), "/snapshots");
    }

    #[test]
    fn the_history_names_who_logged_in_and_from_where() {
        let at = |text: &str| Some(text.parse().expect("an address"));
        assert_eq!(name(" ann\u{0} ", at("127.0.0.1")), "ann");
        assert_eq!(name("", at("10.0.0.7")), "console from 10.0.0.7");
        assert_eq!(name("", None), "console");
        assert_eq!(name(&"x".repeat(100), None).len(), LONGEST_NAME);
    }
}
