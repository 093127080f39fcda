//! What goes wrong around Snapback: stores, disks, processes, other writers.

mod failing;
mod races;
mod scene;
mod store;
