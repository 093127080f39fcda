//! How many bytes a browser fetches, compressed as they are served.

use std::fs::File;
use std::time::{Duration, SystemTime};

use poem::http::Method;

use crate::app::{App, named};
use crate::client::Client;

/// An application with that many snapshots, taken over months: their ids, times, positions, notes.
pub(crate) fn app_with_snapshots(count: u64) -> App {
    let app = App::new().with_events(12).keep_last(0);
    let newest = SystemTime::now() - Duration::from_hours(1);
    for place in 0..count {
        let age = Duration::from_secs(place * 5_400 + place * place * 31 % 4_000);
        let (kind, position) = if place % 7 == 3 { ("rewind", 11) } else { ("periodic", 10) };
        let snapshot =
            named(&format!("{kind}/old-{:05}-{:04x}", count - place, place * 40_503 % 65_536));
        let event = format!("{{\"id\":{position},\"event_type\":\"message_sent\",\"n\":{place}}}");
        app.drop_in(
            &snapshot,
            format!("{{\"last_event_id\":{position},\"event_log\":[{event}],\"bots\":[]}}"),
        );
        let file = File::options().write(true).open(app.manifest(&snapshot)).expect("the file");
        file.set_modified(newest - age).expect("its time is set");
    }
    app
}

fn compressed(client: &Client, path: &str) -> (usize, String) {
    let answer = client.call(Method::GET, path).header("Accept-Encoding", "gzip").send();
    assert_eq!(answer.status, 200, "{path}");
    assert_eq!(answer.header("Content-Encoding"), "gzip", "{path}");
    (answer.body.len(), client.get(path).text())
}

/// The page and everything that it loads.
fn with_assets(client: &Client) -> usize {
    let (mut bytes, page) = compressed(client, "/snapshots");
    for attribute in ["src=\"", "href=\""] {
        for (at, _) in page.match_indices(attribute) {
            let link = page[at + attribute.len()..].split('"').next().unwrap_or_default();
            if link.starts_with("/assets/") {
                bytes += client
                    .call(Method::GET, link)
                    .header("Accept-Encoding", "gzip")
                    .send()
                    .body
                    .len();
            }
        }
    }
    bytes
}

#[test]
fn twenty_snapshots_with_all_assets_weigh_less_than_45_kilobytes() {
    let app = app_with_snapshots(20);
    let client = app.client();
    let bytes = with_assets(&client);
    assert!(bytes < 45_000, "{bytes} bytes");
}

#[test]
fn the_first_answer_about_two_thousand_snapshots_weighs_less_than_60_kilobytes() {
    let app = app_with_snapshots(2_000);
    let client = app.client();
    let (bytes, page) = compressed(&client, "/snapshots");
    assert!(bytes < 60_000, "{bytes} bytes");
    let count = page.split("id=\"shown\"").nth(1).unwrap_or_default();
    assert!(count.contains("2\u{202f}000 snapshots"), "all of them are counted: {count:.200}");
    assert!(page.contains("class=\"more-row\""), "the others are a scroll away");
}

#[test]
fn every_row_of_a_long_list_is_reached_once_from_part_to_part() {
    let app = app_with_snapshots(230);
    let client = app.client();
    let mut path = "/snapshots".to_owned();
    let mut seen = Vec::new();
    loop {
        let part = client.call(Method::GET, &path).by_htmx().send().text();
        let ids = part.split("data-id=\"").skip(1);
        seen.extend(ids.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        let Some((_, rest)) = part.split_once("class=\"more\" href=\"") else { break };
        path = rest.split('"').next().unwrap_or_default().replace("&amp;", "&");
    }
    assert_eq!(seen.len(), 230);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 230, "none twice");
}
