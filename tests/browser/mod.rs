//! The console in a real Chromium: keys, focus, reading by machines, and work without JavaScript.
//!
//! One chromedriver serves the whole test binary; every test has a session and a user directory
//! of its own. A test waits for what it expects to see, never for a time. When a test fails, the
//! last picture of its window is in `target/screenshots`.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod accessibility;
mod chromedriver;
mod confirmation;
mod console;
mod databases;
mod filter;
mod focus;
mod gate;
mod help;
mod history;
mod jobs;
mod keys;
mod keys_off;
mod live;
mod login;
mod long_list;
mod look;
mod page;
mod regions;
mod retention;
mod rows;
mod slow;
mod timeline;
mod vendored;
pub(crate) mod weight;
mod without_javascript;

pub(crate) use console::Console;
pub(crate) use page::Browser;
