//! Peers that do not read as fast as others write, and producers that wait for them.

mod policies;
mod producers;
pub(crate) mod reader;
mod runs;
mod stall;
