//! One binary with every integration test: an application and its console, on real files.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod app;
#[path = "../browser/mod.rs"]
mod browser;
mod bucket;
mod cli;
mod client;
mod connections;
mod contract;
mod corpus;
mod damage;
mod drift;
mod embedded;
mod events;
mod exports;
mod faults;
mod foreign;
mod fresh;
mod harness;
mod held;
mod jobs;
mod libraries;
mod live;
mod login;
mod many;
mod meddling;
mod operations;
mod previews;
mod properties;
mod proxy;
mod redaction;
mod repair;
mod restore;
mod retention;
mod schedule;
mod shapes;
mod stores;
mod take;
mod writer;
