//! An error as a page, a fragment or JSON: the same words, with a status and a way out.

use maud::{Markup, html};
use poem::Response;
use poem::error::{
    MethodNotAllowedError, NotFoundError, ParseFormError, ParseMultipartError, ParsePathError,
    ReadBodyError, ResponseError,
};
use poem::http::{HeaderValue, StatusCode, header};

use super::console::{Console, Wanted, html_with, json};
use super::methods::Allowed;
use crate::error::{Error, ErrorKind, Report};

/// The HTTP status of a sort of failure.
fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Damaged => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::PlanMoved | ErrorKind::Conflict | ErrorKind::Cancelled => StatusCode::CONFLICT,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::Busy => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Failed => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl ResponseError for Error {
    fn status(&self) -> StatusCode {
        status_of(self.kind())
    }
}

/// Answers a failed request in the form that it asked for.
pub(crate) async fn answer(console: &Console, failure: poem::Error, path: &str) -> Response {
    // An id that cannot even be decoded names no snapshot.
    let undecodable = failure.is::<ParsePathError>();
    let status = if undecodable { StatusCode::NOT_FOUND } else { failure.status() };
    let allowed = failure.data::<Allowed>().cloned();
    let error = failure
        .downcast::<Error>()
        .unwrap_or_else(|other| in_our_words(&other, path, way_back(console)));
    if status.is_server_error() {
        tracing::error!(%status, error = %error, "a request failed");
    }
    let mut response = with_markup(console, status, &error, &html! {}).await;
    if let Some(Ok(allowed)) = allowed.map(|Allowed(methods)| HeaderValue::from_str(&methods)) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

/// Answers an error, with markup below it that offers what can be done about it.
pub(crate) async fn with_markup(
    console: &Console,
    status: StatusCode,
    error: &Error,
    offers: &Markup,
) -> Response {
    let mut response = match console.wanted() {
        Wanted::Json => json(status, &Report { error }).unwrap_or_else(|_| status.into()),
        Wanted::Fragment => html_with(status, block(error, offers)),
        Wanted::Page => {
            let title = status.canonical_reason().unwrap_or("Error");
            let content = html! {
                (block(error, offers))
                p { a href=(console.links().list()) { "Back to the " (back(console)) } }
            };
            console.screen(status, title, &content).await
        }
    };
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}

fn back(console: &Console) -> &'static str {
    if console.links().is_overview() { "databases" } else { "snapshots" }
}

fn way_back(console: &Console) -> &'static str {
    if console.links().is_overview() { "open the overview" } else { "open the list of snapshots" }
}

/// Answers an error whose status follows from its kind, with markup that offers a way out.
pub(crate) async fn offering(console: &Console, error: &Error, offers: &Markup) -> Response {
    with_markup(console, status_of(error.kind()), error, offers).await
}

/// The error in words, for a page.
pub(crate) fn block(error: &Error, offers: &Markup) -> Markup {
    let hint = sentence(error.next_step());
    html! {
        div.error data-alert=(announcement(error)) {
            h2 { (sentence(&error.what())) }
            @if !error.thing().is_empty() { p.thing { code { bdi { (error.thing()) } } } }
            @if !error.detail_lines().is_empty() {
                ul.details { @for line in error.detail_lines() { li { (line) } } }
            }
            @if !hint.is_empty() { p.hint { (hint) } }
            (offers)
        }
    }
}

/// The error in one breath, to be spoken.
fn announcement(error: &Error) -> String {
    let what = match error.thing() {
        "" => error.what(),
        thing => format!("{}: {thing}", error.what()),
    };
    format!("{} {}", sentence(&what), sentence(error.next_step())).trim_end().to_owned()
}

/// A clause as a sentence: a capital first, a full stop last.
pub(crate) fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let Some(first) = letters.next() else { return String::new() };
    let stop = if clause.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{}{}{stop}", first.to_uppercase(), letters.as_str())
}

/// What poem found wrong before a handler was reached, said as the rest of the crate says it.
fn in_our_words(error: &poem::Error, path: &str, way_back: &str) -> Error {
    let shown: String = path.chars().take(200).collect();
    if error.is::<NotFoundError>() {
        Error::not_found("there is no page at this address").on(shown).hint(way_back)
    } else if error.is::<MethodNotAllowedError>() {
        Error::invalid("this address does not answer this method")
            .on(shown)
            .hint("read with GET, change with POST")
    } else if error.is::<ParsePathError>() {
        Error::not_found("the address cannot be read")
            .on(shown)
            .hint("escape what is not ASCII as UTF-8 with percent signs")
    } else if let Some(failure) = error.downcast_ref::<ReadBodyError>() {
        match failure {
            ReadBodyError::PayloadTooLarge => {
                Error::new(ErrorKind::TooLarge, "the form is larger than 64 KiB")
                    .on(shown)
                    .hint("send a shorter note, or fewer fields")
            }
            _ => Error::invalid("the form did not arrive whole").on(shown).hint("send it again"),
        }
    } else if error.is::<ParseFormError>() {
        Error::invalid("the form is not of the type that is read here")
            .on("Content-Type")
            .hint("send application/x-www-form-urlencoded")
    } else if let Some(failure) = error.downcast_ref::<ParseMultipartError>() {
        let hint = "send the file as multipart/form-data in a field named file";
        match failure {
            ParseMultipartError::InvalidContentType(_)
            | ParseMultipartError::ContentTypeRequired => {
                Error::invalid("an import is not of the type that is read here")
                    .on("Content-Type")
                    .hint(hint)
            }
            other => {
                Error::invalid(format!("the upload cannot be read ({other})")).on(shown).hint(hint)
            }
        }
    } else if error.status().is_server_error() {
        Error::failed("the request failed").on(shown).hint("look into the log, then try again")
    } else {
        Error::invalid(format!("the request cannot be read ({error})")).on(shown).hint(way_back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_in_json_with_its_three_sentences() {
        let error = Error::conflict("the schemas differ")
            .on("periodic/a")
            .hint("state accept_schema=1")
            .details(vec!["table t: no column x".to_owned()]);
        let told = serde_json::to_value(Report { error: &error }).expect("JSON");
        let expected = serde_json::json!({"error": {
            "what": "the schemas differ",
            "thing": "periodic/a",
            "hint": "state accept_schema=1",
            "details": ["table t: no column x"],
        }});
        assert_eq!(told, expected);
    }

    #[test]
    fn hostile_text_in_an_error_is_escaped() {
        let error = Error::not_found("gone").on("<script>alert(1)</script>");
        let markup = block(&error, &html! {}).into_string();
        assert!(!markup.contains("<script"), "{markup}");
    }

    #[test]
    fn a_clause_becomes_a_sentence() {
        assert_eq!(sentence("try again"), "Try again.");
        assert_eq!(sentence("élan!"), "Élan!");
        assert_eq!(sentence(""), "");
    }
}
