//! What goes wrong around Snapback: stores, disks, processes, other writers.

mod crash;
mod failing;
mod process;
mod races;
mod scene;
mod seeded;
mod store;
