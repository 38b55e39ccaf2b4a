//! Streams: one way to send many bytes.

mod one_peer;
