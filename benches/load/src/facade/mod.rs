//! gatewire, by its public API: what a user writes, with the default settings.
//!
//! The server runs on the multi-thread runtime that a plain `#[tokio::main]` gives, with typed
//! handlers; the bounds are gatewire's own. The drivers run on one thread, since they have one core.

mod events;
mod requests;
mod server;

use gatewire_harness::{Driver, Failure, Outcome, Workload};

pub use server::serve;

/// The name of one-way events and of what a room hears.
const NEWS: &str = "news";
/// The request whose answer is its value.
const ASK: &str = "ask";
/// The request whose answer tells what was received of [`NEWS`].
const REPORT: &str = "report";

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
        Workload::Events | Workload::Bulk => events::drive(driver).await,
        Workload::Requests => requests::drive(driver).await,
        other => Err(Failure::new(format!("{other:?} is not built yet"))),
    }
}

/// The outcome of this system, without figures yet.
fn outcome(driver: &Driver) -> Outcome {
    Outcome::new("gatewire", &driver.params)
}
