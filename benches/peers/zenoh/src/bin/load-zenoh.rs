//! Loads a zenoh router.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use peer_wire::Program;
use peer_zenoh::{WORKLOADS, drive, serve};

fn main() -> ExitCode {
    Program { peer: "zenoh", workloads: WORKLOADS, serve, drive }.main()
}
