//! socketioxide as a peer: a server of socket.io on axum, and a light client over websocket.
//!
//! An event with a binary value is two websocket frames, one with text is one frame: `load-socketioxide`
//! sends what is compared with binary values elsewhere, `load-socketioxide-text` what costs least.

#![forbid(unsafe_code)]

mod frame;
mod server;
mod wire;

use gatewire_harness::{Driver, Failure, Outcome, Workload};
use peer_wire::{fan_out, idle, on_one_thread, one_way, requests};

pub use crate::server::serve;
use crate::wire::{SocketIo, Value};

/// What can be asked of socketioxide.
pub const WORKLOADS: &[Workload] = &[
    Workload::Events,
    Workload::Requests,
    Workload::FanOut,
    Workload::FanOutLatency,
    Workload::Bulk,
    Workload::Idle,
];

/// Runs the workload with binary values and fills in its outcome.
///
/// # Errors
///
/// When a connection ends, or a delivery is not what was sent.
pub fn drive_binary(driver: &Driver, outcome: Outcome) -> Result<Outcome, Failure> {
    drive(Value::Binary, driver, outcome)
}

/// Runs the workload with text values and fills in its outcome.
///
/// # Errors
///
/// As [`drive_binary`]; and when the size is below 16 bytes, in which no number fits as text.
pub fn drive_text(driver: &Driver, outcome: Outcome) -> Result<Outcome, Failure> {
    if driver.params.workload != Workload::Idle && driver.params.size() < SHORTEST_TEXT {
        return Err(Failure::new(format!("text values have {SHORTEST_TEXT} bytes at least")));
    }
    drive(Value::Text, driver, outcome)
}

fn drive(value: Value, driver: &Driver, outcome: Outcome) -> Result<Outcome, Failure> {
    let wire = SocketIo { value, to_room: driver.params.workload.is_fan_out() };
    on_one_thread(driver, async {
        Ok(match driver.params.workload {
            Workload::Events | Workload::Bulk => {
                outcome.with_measured(&one_way::to_server(&wire, driver).await?)
            }
            Workload::Requests => requests::to_server(&wire, driver).await?.fill(outcome),
            workload if workload.is_fan_out() => fan_out::run(&wire, driver).await?.fill(outcome),
            _ => idle::run(&wire, driver).await?.fill(outcome),
        })
    })
}

/// A sequence number in hexadecimal.
const SHORTEST_TEXT: usize = 16;
