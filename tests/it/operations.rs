//! What whoever runs the console relies on: the history, metrics, readiness, and what an address
//! answers.

mod history;
mod many;
mod metrics;
pub(crate) mod prometheus;
mod ready;
mod surface;
