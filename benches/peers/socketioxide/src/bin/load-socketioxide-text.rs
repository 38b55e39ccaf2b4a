//! Loads a socketioxide server with text events.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use peer_socketioxide::{WORKLOADS, drive_text, serve};
use peer_wire::Program;

fn main() -> ExitCode {
    Program { peer: "socketioxide-text", workloads: WORKLOADS, serve, drive: drive_text }.main()
}
