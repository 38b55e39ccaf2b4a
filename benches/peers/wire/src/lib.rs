//! Light drivers for the load programs of the peers: just enough of a client for each wire to load its
//! server as hard as one core can, with each delivery checked.
//!
//! [`Wire`] says what a peer's bytes look like; [`one_way`], [`requests`], [`fan_out`], [`line`] and [`idle`] are
//! the workloads over any wire; [`Program`] is the `main` of a load program.

#![forbid(unsafe_code)]

pub mod body;
pub mod fan_out;
pub mod idle;
pub mod line;
pub mod one_way;
pub mod requests;

mod connection;
mod installed;
mod program;
mod slowest;
mod wire;

pub use body::Body;
pub use connection::{Connection, Opening, Scratch, Sender};
pub use installed::installed;
pub use program::{Program, in_time, on_one_thread};
pub use slowest::Slowest;
pub use wire::{Item, Request, RequestWire, RespondWire, Role, Wire};
