//! Several databases in one console: their addresses, their bounds, their troubles.

mod addresses;
mod bounds;
mod tenants;
