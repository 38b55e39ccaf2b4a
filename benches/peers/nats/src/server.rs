//! The server of all runs: nats-server as it is configured when nobody does, on a loopback port.

use gatewire_harness::{External, Failure, Server, Workload};
use peer_wire::installed;

/// Starts nats-server and lets it run until stdin is closed.
///
/// # Errors
///
/// It is not installed, or it does not start.
pub fn serve(_server: &Server) -> Result<(), Failure> {
    let mut command = installed("nats-server", "nats-server")?;
    let start = |port: u16| {
        command.args(["--addr", "127.0.0.1", "--port", &port.to_string()]);
        // Its log says each start and each error; errors reach the driver too.
        command.stderr(std::process::Stdio::null());
        command
    };
    External::start(start)?.serve()
}

/// What can be asked of NATS.
pub const WORKLOADS: &[Workload] = &[
    Workload::Events,
    Workload::Requests,
    Workload::FanOut,
    Workload::FanOutLatency,
    Workload::Bulk,
    Workload::Idle,
];
