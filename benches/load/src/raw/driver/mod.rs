//! The drivers: one task, large writes, each reply and each delivery checked.

mod events;
mod fan_out;
mod idle;
pub(super) mod line;
mod requests;

use gatewire_harness::{Driver, Failure, Outcome, Workload};

#[cfg(test)]
pub(crate) use fan_out::RawWire;

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
        Workload::Events | Workload::Bulk | Workload::BulkEvents => events::drive(driver).await,
        Workload::Requests => requests::drive(driver).await,
        Workload::FanOut | Workload::FanOutLatency | Workload::FanOutStalled | Workload::Line => {
            fan_out::drive(driver).await
        }
        Workload::Idle => idle::drive(driver).await,
        Workload::RequestsBesideStream | Workload::RequestsBesideEvents => {
            Err(Failure::new("plain TCP has nothing that overtakes bytes"))
        }
    }
}

/// The outcome of this system, without figures yet.
fn outcome(driver: &Driver) -> Outcome {
    Outcome::new("raw", &driver.params)
}
