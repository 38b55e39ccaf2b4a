//! zenoh as a peer: a router, and clients of the crate on the other side. There is no light client here: the
//! driver of rooms and idle connections is itself costly, so compare the server's CPU time and not the rate.
//!
//! `load-zenoh` asks by queries, zenoh's requests; `load-zenoh-ping` by an event there and one back.

#![forbid(unsafe_code)]

mod events;
mod fan_out;
mod idle;
mod line;
mod open;
mod requests;
mod server;

use gatewire_harness::{Driver, Failure, Outcome, Workload};

pub use crate::requests::drive_ping;
pub use crate::server::serve;

/// What can be asked of zenoh.
pub const WORKLOADS: &[Workload] = &[
    Workload::Events,
    Workload::Requests,
    Workload::FanOut,
    Workload::FanOutLatency,
    Workload::Bulk,
    Workload::Idle,
    Workload::Line,
];

/// Runs the workload and fills in its outcome.
///
/// # Errors
///
/// When a session ends, or a delivery is not what was sent.
pub fn drive(driver: &Driver, outcome: Outcome) -> Result<Outcome, Failure> {
    match driver.params.workload {
        Workload::Events | Workload::Bulk => events::drive(driver, outcome),
        Workload::Requests => requests::drive_queries(driver, outcome),
        Workload::Line => line::drive(driver, outcome),
        workload if workload.is_fan_out() => fan_out::drive(driver, outcome),
        _ => idle::drive(driver, outcome),
    }
}
