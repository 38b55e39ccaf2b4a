//! Sessions recorded between the real Node packages, replayed with gatewire in the place of one of them.
//!
//! The other side's frames are sent as they were recorded, byte for byte, but for what cannot be the same: ids of sockets,
//! seeds and their proofs. What gatewire sends is compared with what the Node package sent, byte for byte too, but for
//! the same, and for where a stream is cut into chunks. Each further difference is one that is meant, and is named in
//! the test.

mod app;
mod client;
mod frames;
mod recorded;
mod server;
