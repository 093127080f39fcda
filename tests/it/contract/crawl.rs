//! Reads every page that a console's own pages lead to.

use std::collections::BTreeMap;

use crate::client::{Answer, Client};

/// The attributes that hold addresses.
const ADDRESSES: [&str; 8] =
    ["href", "src", "action", "hx-get", "hx-post", "data-stream", "data-jobs", "content"];

/// Every address in a page, as a browser would read it.
pub(crate) fn addresses(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for attribute in ADDRESSES {
        for (at, start) in page.match_indices(&format!(" {attribute}=\"")) {
            let value = page[at + start.len()..].split('"').next().expect("a value");
            // Of the contents of meta elements only the mount path is an address.
            if attribute != "content" || value.starts_with('/') {
                found.push(value.replace("&amp;", "&"));
            }
        }
    }
    found
}

/// Where a form is sent is not read.
fn is_read(address: &str) -> bool {
    let path = address.split('?').next().unwrap_or_default();
    let about_one = path.ends_with("/label") || path.ends_with("/verify");
    let unstated = path.ends_with("/preview") || path.ends_with("/delete");
    let sent = about_one || path.contains("/restore/") || (unstated && path == address);
    // The one is sent with marks by a form, the other never ends.
    !sent && !address.ends_with("/compare") && !address.ends_with("/live")
}

/// Reads everything that is reached from `start`: the answers by address.
pub(crate) fn crawl(client: &Client, start: &str) -> BTreeMap<String, Answer> {
    let mut answers = BTreeMap::new();
    let mut waiting = vec![start.to_owned()];
    while let Some(address) = waiting.pop() {
        let address = address.split('#').next().unwrap_or_default().to_owned();
        if address.is_empty() || answers.contains_key(&address) || !is_read(&address) {
            continue;
        }
        let answer = client.get(&address);
        if answer.header("Content-Type").starts_with("text/html") {
            waiting.extend(addresses(&answer.text()));
        }
        answers.insert(address, answer);
    }
    answers
}
