//! Streams: one way to send many bytes.

mod many;
mod one_peer;
