//! Peers of versions 1 and 2, frame by frame.

mod downlink;
mod handshake;
mod rejects;
mod uplink;
