//! Loads a socketioxide server with binary events.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use peer_socketioxide::{WORKLOADS, drive_binary, serve};
use peer_wire::Program;

fn main() -> ExitCode {
    Program { peer: "socketioxide", workloads: WORKLOADS, serve, drive: drive_binary }.main()
}
