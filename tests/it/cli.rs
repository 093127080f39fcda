//! The built program: every command, its answers as text and as JSON, its errors and exit codes.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod access;
mod config;
mod console;
mod facts;
mod history;
mod log;
mod restoring;
mod served;
mod several;
mod terminal;
mod usage;
