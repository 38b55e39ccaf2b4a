//! Loads nats-server with a light client of its protocol.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use peer_nats::{WORKLOADS, light, serve};
use peer_wire::Program;

fn main() -> ExitCode {
    Program { peer: "nats-raw", workloads: WORKLOADS, serve, drive: light::drive }.main()
}
