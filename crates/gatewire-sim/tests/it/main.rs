//! What the simulation promises: each fault by example, random plans against models, and equal runs
//! in two processes.

mod faults;
mod links;
mod nodes;
mod probe;
