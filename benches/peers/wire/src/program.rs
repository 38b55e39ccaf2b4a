//! The `main` of each peer's load program, and the runtime of its light drivers.

use std::process::ExitCode;
use std::time::Duration;

use gatewire_harness::{Cli, Driver, Failure, Outcome, Role, Server, Workload, run};
use tokio::task::LocalSet;

use crate::body::{MAX_SIZE, MIN_SIZE, STAMPED_SIZE};

/// One peer's load program.
#[derive(Debug)]
pub struct Program {
    /// The name of the peer in its outcomes.
    pub peer: &'static str,
    /// What the peer can be asked to do.
    pub workloads: &'static [Workload],
    /// The role of the server: until stdin is closed.
    pub serve: fn(&Server) -> Result<(), Failure>,
    /// The role of the driver: fills in the outcome.
    pub drive: fn(&Driver, Outcome) -> Result<Outcome, Failure>,
}

impl Program {
    /// Reads the command line and plays the role. A workload that the peer does not have ends the program
    /// with status 2 and `not supported: ...` on stderr.
    #[must_use]
    pub fn main(&self) -> ExitCode {
        let mut refused = false;
        let code = run(|cli: Cli| {
            let params = match &cli.role {
                Role::Server(server) => &server.params,
                Role::Driver(driver) => &driver.params,
            };
            let workload = params.workload;
            if !self.workloads.contains(&workload) {
                refused = true;
                let sentence = format!("not supported: {} of {}", name(workload), self.peer);
                return Err(Failure::new(sentence));
            }
            let stamped = matches!(workload, Workload::FanOutLatency | Workload::Line);
            let smallest = if stamped { STAMPED_SIZE } else { MIN_SIZE };
            if !(smallest..=MAX_SIZE).contains(&params.size()) {
                let sentence = format!("a payload has {smallest} to {MAX_SIZE} bytes here");
                return Err(Failure::new(sentence));
            }
            match &cli.role {
                Role::Server(server) => (self.serve)(server),
                Role::Driver(driver) => {
                    let outcome = Outcome::new(self.peer, &driver.params);
                    (self.drive)(driver, outcome)?.print()
                }
            }
        });
        if refused { ExitCode::from(NOT_SUPPORTED) } else { code }
    }
}

/// Runs a light driver: on one thread, with a [`LocalSet`] for its connections.
///
/// # Errors
///
/// Those of `driving`; or it has not ended in a minute more than it was meant to take.
pub fn on_one_thread<T>(
    driver: &Driver,
    driving: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, in_time(driver, driving))
}

/// Ends with a failure when `driving` has not ended in a minute more than it was meant to take.
///
/// # Errors
///
/// Those of `driving`, and that one.
pub async fn in_time<T>(
    driver: &Driver,
    driving: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let patience = Duration::from_secs_f64(driver.params.seconds() * 5.0) + PATIENCE;
    match tokio::time::timeout(patience, driving).await {
        Ok(ended) => ended,
        Err(_) => Err(Failure::new(format!("not all deliveries came within {patience:?}"))),
    }
}

fn name(workload: Workload) -> &'static str {
    match workload {
        Workload::Events => "w1",
        Workload::Requests => "w2",
        Workload::RequestsBesideStream => "w2s",
        Workload::RequestsBesideEvents => "w2e",
        Workload::FanOut => "w3",
        Workload::FanOutLatency => "w3l",
        Workload::FanOutStalled => "w3s",
        Workload::Bulk => "w4",
        Workload::BulkEvents => "w4e",
        Workload::Idle => "w5",
        Workload::Line => "w6",
    }
}

/// The exit status for a workload that the peer does not have.
const NOT_SUPPORTED: u8 = 2;

/// Beside the time that a run is meant to take.
const PATIENCE: Duration = Duration::from_secs(60);
