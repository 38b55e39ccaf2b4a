//! Loads a zenoh router with requests that are an event there and an event back.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use gatewire_harness::Workload;
use peer_wire::Program;
use peer_zenoh::{drive_ping, serve};

fn main() -> ExitCode {
    let workloads = &[Workload::Requests];
    Program { peer: "zenoh-ping", workloads, serve, drive: drive_ping }.main()
}
