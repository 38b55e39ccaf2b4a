//! Clusters of routers in virtual time, against the truth.
//!
//! [`Station`] makes a node of [`gatewire_sim`] out of [`gatewire_cluster::Router`], [`World`] is one
//! cluster of them, and [`Truth`] is what they should know, computed from the network itself. A
//! [`scenario`] draws a cluster and what befalls it from a seed; whenever nothing happens any more, also
//! while something is still broken, all routers are compared with the truth of their component
//! ([`invariants`]). [`scale`] measures large clusters against the figures of the design.
//!
//! Checks that never fail prove little. So there are [`Mutant`]s: routers with one rule of the protocol
//! taken away, each of which has to be caught. `cargo xtask sim --mutants` runs them.
//!
//! The same seed gives the same run. Nothing here reads a clock but the program, which counts the
//! seconds that it is given.

mod cluster;
mod events;
mod frame;
pub mod invariants;
mod ledger;
mod mutant;
mod probe;
pub mod scale;
pub mod scenario;
mod station;
mod truth;
mod world;

pub use cluster::{Cluster, Room};
pub use events::Audience;
pub use frame::{Frame, Kind};
pub use ledger::{Fate, Ledger};
pub use mutant::Mutant;
pub use station::Station;
pub use truth::Truth;
pub use world::{Passed, World};
