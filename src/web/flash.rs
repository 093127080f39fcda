//! The one word that a redirect leaves for the page it leads to: which action was done.
//!
//! It says nothing else: what came of the action is read from the history, so no text that a
//! request carries is ever shown. It is a cookie and not part of the address, so that the
//! redirect after a form leads to the list itself.

use poem::Response;
use poem::http::{HeaderMap, HeaderValue, header};

use super::links::Links;
use crate::snapshot::Action;

const NAME: &str = "snapback-done";

/// The word that stands for an action.
fn word(action: Action) -> &'static str {
    action.done()
}

/// What the page before left, as it was sent.
pub(crate) fn read(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == NAME)
        .map(|(_, value)| value.to_owned())
}

/// Whether what was left names this action.
pub(crate) fn names(left: &str, action: Action) -> bool {
    left == word(action)
}

/// Leaves an action for the next page.
pub(crate) fn leave(response: &mut Response, links: &Links, action: Action) {
    set(response, links, word(action), "30");
}

/// Takes away what was left, once it was shown.
pub(crate) fn clear(response: &mut Response, links: &Links) {
    set(response, links, "", "0");
}

fn set(response: &mut Response, links: &Links, value: &str, seconds: &str) {
    let path = links.to("/");
    let text = format!("{NAME}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict");
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_redirect_leaves_is_read_by_the_next_page() {
        let mut response = Response::default();
        leave(&mut response, &Links::new("/admin"), Action::Restore);
        let cookie = response.header(header::SET_COOKIE).expect("a cookie").to_owned();
        assert!(cookie.contains("Path=/admin/;"), "{cookie}");
        let mut headers = HeaderMap::new();
        let pair = cookie.split(';').next().expect("a pair");
        headers.insert(header::COOKIE, format!("other=1; {pair}").parse().expect("a value"));
        assert!(names(&read(&headers).expect("a word"), Action::Restore));
    }
}
