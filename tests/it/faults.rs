//! What goes wrong around Snapback: stores, disks, processes, other writers.

mod calls;
mod crash;
mod damage;
mod failing;
mod live;
mod process;
mod races;
mod scene;
pub(crate) mod seeded;
pub(crate) mod store;
mod system;
mod table;
