//! One binary with every integration test: an application and its console, on real files.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod app;
#[path = "../browser/mod.rs"]
mod browser;
mod cli;
mod client;
mod damage;
mod events;
mod exports;
mod foreign;
mod contract;
mod faults;
mod harness;
mod libraries;
mod meddling;
mod previews;
mod properties;
mod restore;
mod retention;
mod shapes;
mod take;
mod writer;
