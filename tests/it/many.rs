//! Several databases in one console: their addresses, their bounds, their troubles.

mod addresses;
mod bounds;
mod closing;
mod overview;
mod schedule;
mod take_all;
pub(crate) mod tenants;
mod verify;
