//! NATS as a peer: `load-nats` drives nats-server with the crate async-nats where the client's own speed
//! matters to a user (events, requests, bulk, lines), `load-nats-raw` with a light client of the same protocol,
//! which is the best case for the server. Members of a room and idle connections are light in both.

#![forbid(unsafe_code)]

pub mod client;
pub mod light;

mod line;
mod server;
mod wire;

pub use server::{WORKLOADS, serve};
pub use wire::Nats;
