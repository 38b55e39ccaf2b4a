//! All workloads with the light client.

use gatewire_harness::{Driver, Failure, Outcome, Workload};
use peer_wire::{fan_out, idle, line, on_one_thread, one_way, requests};

use crate::wire::Nats;

/// Runs the workload and fills in its outcome.
///
/// # Errors
///
/// When a connection ends, or a delivery is not what was sent.
pub fn drive(driver: &Driver, outcome: Outcome) -> Result<Outcome, Failure> {
    on_one_thread(driver, async {
        Ok(match driver.params.workload {
            Workload::Events | Workload::Bulk => {
                outcome.with_measured(&one_way::through_broker(&Nats, driver).await?)
            }
            Workload::Requests => requests::through_broker(&Nats, driver).await?.fill(outcome),
            Workload::Line => line::run(&Nats, driver).await?.fill(outcome),
            workload if workload.is_fan_out() => fan_out::run(&Nats, driver).await?.fill(outcome),
            _ => idle::run(&Nats, driver).await?.fill(outcome),
        })
    })
}
