//! gatewire, by its public API: what a user writes, with the default settings.
//!
//! The server runs on the multi-thread runtime that a plain `#[tokio::main]` gives, with typed
//! handlers; the bounds are gatewire's own. The drivers run on one thread, since they have one core.

mod beside;
mod bulk;
mod events;
mod fan_out;
mod idle;
mod light;
mod node;
mod requests;
mod server;
#[cfg(test)]
mod tests;

use gatewire_harness::{Driver, Failure, Outcome, Workload};

pub use server::serve;

/// The name of one-way events and of what a room hears.
const NEWS: &str = "news";
/// The request whose answer is its value.
const ASK: &str = "ask";
/// The request whose answer tells what was received of [`NEWS`].
const REPORT: &str = "report";
/// The stream whose answer tells what was received of it.
const BULK: &str = "bulk";
/// The request whose answer tells how many sockets there are.
const COUNT: &str = "count";
/// The room of the fan-outs.
const ROOM: &str = "room";
/// The id of the key with which idle connections prove themselves.
const KEY_ID: &str = "load";
/// A key that protects nothing: both ends run on one machine, for a bench.
const KEY: &[u8] = b"no secret, only as long as one is";

/// The driver role: does the workload and measures it.
///
/// # Errors
///
/// The server cannot be reached or measured, or a delivery is missing or wrong.
///
/// # Panics
///
/// Called inside of a runtime: it brings its own.
#[tokio::main(flavor = "current_thread")]
pub async fn drive(driver: &Driver) -> Result<Outcome, Failure> {
    match driver.params.workload {
        Workload::Events | Workload::BulkEvents => events::drive(driver).await,
        Workload::Bulk => bulk::drive(driver).await,
        Workload::Requests => requests::drive(driver).await,
        Workload::RequestsBesideStream | Workload::RequestsBesideEvents => {
            beside::drive(driver).await
        }
        Workload::FanOut | Workload::FanOutLatency | Workload::FanOutStalled | Workload::Line => {
            fan_out::drive(driver).await
        }
        Workload::Idle => idle::drive(driver).await,
    }
}

/// The outcome of this system, without figures yet.
fn outcome(driver: &Driver) -> Outcome {
    Outcome::new("gatewire", &driver.params)
}
