//! Peers that break the rules, and connections that break. Each costs the one who does it, nobody
//! else.

pub(crate) mod bystander;
mod cuts;
mod floods;
mod frames;
mod handshake;
mod messages;
mod pieces;
