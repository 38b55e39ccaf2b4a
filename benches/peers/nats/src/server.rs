//! The servers of all runs: nats-server as it is configured when nobody does, on a loopback port. A line of
//! them is a chain of leaf nodes.
//!
//! A cluster of nats-server is a full mesh, so that two servers are at most one hop apart; leaf nodes are its
//! way to have a true line:
//!
//! ```text
//! A, leaf nodes may connect <-- B, a leaf node of A, to which others may connect <-- C, a leaf node of B
//! ```

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use gatewire_harness::{
    External, Failure, Server, Workload, free_port, ready_ends, wait_until_stdin_closes,
};
use peer_wire::installed;

/// Starts nats-server, or a line of them, and lets it run until stdin is closed.
///
/// # Errors
///
/// It is not installed, or it does not start.
pub fn serve(server: &Server) -> Result<(), Failure> {
    let nodes = server.params.nodes();
    if nodes == 1 {
        return start(None)?.serve();
    }
    let mut servers = Vec::new();
    let mut uplink = None;
    for number in 0..nodes {
        let leaves = free_port()?;
        let config = Config::write(number, leaves, uplink)?;
        // It is read when the server accepts connections.
        servers.push(start(Some(&config))?);
        uplink = Some(leaves);
    }
    let pids: Vec<_> = servers.iter().map(External::pid).collect();
    if let [first, .., last] = &servers[..] {
        ready_ends(&first.address().to_string(), &last.address().to_string(), &pids)?;
        wait_until_stdin_closes();
    }
    Ok(())
}

fn start(config: Option<&Config>) -> Result<External, Failure> {
    let mut command = installed("nats-server", "nats-server")?;
    External::start(|port: u16| {
        command.args(["--addr", "127.0.0.1", "--port", &port.to_string()]);
        if let Some(Config(path)) = config {
            command.arg("--config").arg(path);
        }
        // Its log says each start and each error; errors reach the driver too.
        command.stderr(Stdio::null());
        command
    })
}

/// What cannot be said in the command line: a file that is removed when this is dropped.
struct Config(PathBuf);

impl Config {
    /// For a server to which leaf nodes connect at the port `leaves`, and which is one of the server whose
    /// leaf nodes connect at `uplink`.
    fn write(number: usize, leaves: u16, uplink: Option<u16>) -> Result<Self, Failure> {
        let remotes = uplink.map(|port| format!("{{ url: \"nats-leaf://127.0.0.1:{port}\" }}"));
        let remotes = remotes.unwrap_or_default();
        let text =
            format!("leafnodes {{ listen: \"127.0.0.1:{leaves}\", remotes: [{remotes}] }}\n");
        let name = format!("load-nats-{}-{number}.conf", std::process::id());
        let config = Self(std::env::temp_dir().join(name));
        fs::write(&config.0, text)?;
        Ok(config)
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}

/// What can be asked of NATS.
pub const WORKLOADS: &[Workload] = &[
    Workload::Events,
    Workload::Requests,
    Workload::FanOut,
    Workload::FanOutLatency,
    Workload::Bulk,
    Workload::Idle,
    Workload::Line,
];
