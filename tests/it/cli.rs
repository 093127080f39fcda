//! The built program: every command, its answers as text and as JSON, its errors and exit codes.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod access;
mod config;
mod console;
mod facts;
mod history;
mod hooks;
mod leader;
mod log;
mod restoring;
mod served;
mod several;
mod shell;
mod shutdown;
mod terminal;
mod usage;
mod webhook;
