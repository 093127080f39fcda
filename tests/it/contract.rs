//! What the console promises over HTTP, screen by screen: the same address as a whole page, as the
//! fragment for htmx and as JSON; the statuses; the words of every error.

mod compare;
mod damaged;
mod delete;
mod errors;
mod forms;
mod ids;
mod kinds;
mod label;
mod list;
mod pages;
mod preview;
mod redact;
mod restore;
mod restore_order;
mod restore_plan;
mod rows;
mod scene;
mod take;
mod verify;
