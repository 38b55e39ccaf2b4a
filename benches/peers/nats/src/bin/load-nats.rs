//! Loads nats-server with the crate async-nats.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use peer_nats::{WORKLOADS, client, serve};
use peer_wire::Program;

fn main() -> ExitCode {
    Program { peer: "nats", workloads: WORKLOADS, serve, drive: client::drive }.main()
}
