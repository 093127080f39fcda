//! What the console promises over HTTP, screen by screen: the same address as a whole page, as the
//! fragment for htmx and as JSON; the statuses; the words of every error.

mod compare;
pub(crate) mod crawl;
mod damaged;
mod delete;
mod errors;
mod export;
mod forms;
mod headers;
mod history;
mod hostile;
mod ids;
mod import;
mod kinds;
mod label;
mod list;
mod machines;
mod mount;
mod pages;
mod preview;
mod reading;
mod redact;
mod restore;
mod restore_order;
mod restore_plan;
mod restore_scope;
mod retention;
mod rows;
mod scene;
mod sites;
mod take;
mod verify;
mod without_javascript;
