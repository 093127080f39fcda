//! The frame of every page: head, navigation, the regions that announce, the bar of keys.

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

use super::access::Who;
use super::assets;
use super::format::{bytes, moment, number};
use super::links::Links;
use super::login;
use crate::many::Name;
use crate::snapshot::Now;

/// htmx as a strict policy needs it: no style of its own, and what keys.js keeps on an element
/// survives a morph.
const HTMX: &str = r#"{"includeIndicatorCSS":false,"defaultTimeout":600000,"morphIgnore":["data-htmx-powered","aria-expanded"]}"#;

/// A whole page around its content, with the work under way above it.
pub(crate) fn page(
    links: &Links,
    who: Option<&Who>,
    title: &str,
    now: Option<(&Now, Timestamp)>,
    jobs: &Markup,
    content: &Markup,
) -> Markup {
    let listed = title == "Snapshots";
    let retention = title == "Retention";
    let history = title == "History";
    let overview_shown = title == "Databases";
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="htmx-config" content=(HTMX);
                meta name="snapback-mount" content=(links.mount());
                title {
                    (title)
                    @if let Some(name) = links.database() { " · " (name) }
                    @else if let Some((now, _)) = now { " · " (now.name) }
                    " · Snapback"
                }
                link rel="icon" type="image/svg+xml" href=(links.shared(assets::ICON.path()));
                link rel="stylesheet" href=(links.shared(assets::STYLE.path()));
                script src=(links.shared(assets::HTMX.path())) defer {}
                script src=(links.shared(assets::KEYS.path())) defer {}
                script src=(links.shared(assets::LIVE.path())) defer {}
                @if links.database().is_some() {
                    script src=(links.shared(assets::PICK.path())) defer {}
                }
            }
            body {
                a.skip href="#main" { "Skip to content" }
                header.top {
                    a.brand href=(links.overview().unwrap_or_else(|| links.list())) { "Snapback" }
                    nav aria-label="Main" {
                        @if let Some(overview) = links.overview() {
                            a #databases href=(overview) aria-current=[overview_shown.then_some("page")] { "Databases" }
                        }
                        @if !links.is_overview() {
                            a href=(links.list()) aria-current=[listed.then_some("page")] { "Snapshots" }
                            a href=(links.retention()) aria-current=[retention.then_some("page")] { "Retention" }
                            a href=(links.history()) aria-current=[history.then_some("page")] { "History" }
                        }
                    }
                    p #where {
                        @if let Some(name) = links.database() { (here(links, name)) " · " }
                        span #place { @if let Some((now, at)) = now { (place(now, at)) } }
                        // Whoever is not known hears no news.
                        @if who.is_some() {
                            span #live data-stream=(links.live()) data-jobs=(links.jobs()) {}
                        }
                    }
                    @if let Some(Who::Session(_)) = who { (login::leave(links)) }
                }
                main #main tabindex="-1" {
                    section #jobs aria-label="Under way" { (jobs) }
                    (content)
                }
                footer #keys-bar {}
                div #status role="status" {}
                div #alert role="alert" {}
                dialog #help aria-label="Keys" {}
                @if links.database().is_some() { dialog #picker aria-labelledby="picker-title" {} }
            }
        }
    }
}

/// Which of several databases the page is about, and the way to another one.
fn here(links: &Links, name: &Name) -> Markup {
    html! {
        a #here href=[links.overview()] data-pick=(links.pick()) title="Choose another database" {
            (name) " ▾"
        }
    }
}

/// The live database at a moment, in a line: `chat.db · event 48 213 · 61 MB`.
pub(crate) fn place(now: &Now, at: Timestamp) -> Markup {
    html! {
        span title=(now.path) { bdi { (now.name) } }
        @if let Some(position) = now.position { " · event " (number(position)) }
        " · " (bytes(now.bytes))
        (next_take(now, at))
    }
}

/// When a snapshot is taken by itself: by the clock, by events, or by whichever comes first.
fn next_take(now: &Now, present: Timestamp) -> Markup {
    html! {
        @if now.is_scheduled() { " · next snapshot " }
        @if let Some(next) = now.next_take {
            @if next > present { (moment(next, present)) } @else { "once anything changes" }
        }
        @if now.next_take.is_some() && now.next_take_position.is_some() { " or " }
        @if let Some(position) = now.next_take_position { "at event " (number(position)) }
        @if now.is_scheduled() && now.leads == Some(false) { ", by another console" }
    }
}

/// Content for another place of the page, beside the one that htmx asked for.
///
/// An element of its own, so that rows of a table survive the parser too.
pub(crate) fn partial(target: &str, swap: &str, content: &Markup) -> Markup {
    html! { hx-partial hx-target=(target) hx-swap=(swap) { (content) } }
}
