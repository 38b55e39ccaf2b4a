//! What the simulation promises: each fault by example, random plans against what links promise,
//! and equal runs in two processes.

mod determinism;
mod explore;
mod faults;
mod gossip;
mod invariants;
mod links;
mod nodes;
mod plans;
mod probe;
mod topology;
