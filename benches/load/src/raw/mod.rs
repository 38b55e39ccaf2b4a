//! The raw limit: what plain TCP with the least of an event library does on the same work.
//!
//! Frames are a length and an op; an event has a name, looked up in a hash map of boxed handlers. All
//! frames of a read are handled before anything is written; a room's events are encoded once. There
//! is nothing else: no acknowledgement of what is not asked for, no heartbeat, no handshake, no
//! counters. Handlers check the same as those of [`facade`](crate::facade).

mod driver;
mod peer;
mod server;
#[cfg(test)]
mod tests;
pub(crate) mod wire;

#[cfg(test)]
pub(crate) use driver::RawWire;
pub use driver::drive;
pub use server::serve;

/// The name of one-way events and of what a room hears.
const NEWS: &[u8] = b"news";
/// The request whose reply is its payload.
const ASK: &[u8] = b"ask";
/// The request whose reply tells what was received of [`NEWS`].
const REPORT: &[u8] = b"report";
/// The request whose reply tells how many connections there are.
const COUNT: &[u8] = b"count";
/// The room of the fan-outs.
const ROOM: &[u8] = b"room";
