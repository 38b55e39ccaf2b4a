//! The command line that each load program has.

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::outcome::OutcomeParams;

/// The command line of a load program: one of two roles.
#[derive(Debug, Clone, Parser)]
#[command(about = "Loads one system and measures it. See the crate gatewire-harness.")]
pub struct Cli {
    /// Which side this process is.
    #[command(subcommand)]
    pub role: Role,
}

impl Cli {
    /// Reads a command line, without the program's name in front: for tests.
    ///
    /// # Errors
    ///
    /// Says what cannot be read.
    pub fn read(line: &str) -> Result<Self, Failure> {
        Ok(Self::try_parse_from(std::iter::once("load").chain(line.split_whitespace()))?)
    }
}

/// Which side a process is.
#[derive(Debug, Clone, Subcommand)]
pub enum Role {
    /// The system under test: prints `ready ADDRESS` and runs until its stdin is closed.
    Server(Server),
    /// The load: prints one JSON line, the outcome.
    Driver(Driver),
}

/// What the server role is told.
#[derive(Debug, Clone, Args)]
pub struct Server {
    /// The node of a line that this one connects to, `host:port`.
    #[arg(long)]
    pub uplink: Option<String>,
    /// What will be asked of it.
    #[command(flatten)]
    pub params: Params,
}

/// What the driver role is told.
#[derive(Debug, Clone, Args)]
pub struct Driver {
    /// Where the server listens, `host:port`; of a line of nodes the first and the last, `host:port,host:port`.
    #[arg(long)]
    pub address: String,
    /// The processes whose CPU time and memory count as the server's.
    #[arg(long, value_delimiter = ',')]
    pub server_pids: Vec<u32>,
    /// What to do.
    #[command(flatten)]
    pub params: Params,
}

impl Driver {
    /// Where publishers connect: to the first node of a line, else to the server.
    #[must_use]
    pub fn first(&self) -> &str {
        self.address.split_once(',').map_or(&self.address, |(first, _)| first)
    }

    /// Where subscribers connect: to the last node of a line, else to the server.
    #[must_use]
    pub fn last(&self) -> &str {
        self.address.rsplit_once(',').map_or(&self.address, |(_, last)| last)
    }
}

/// The workload and its parameters. What is not given has the workload's default, see the methods.
#[derive(Debug, Clone, Args)]
pub struct Params {
    /// Which workload.
    #[arg(long)]
    pub workload: Workload,
    /// Bytes of a payload.
    #[arg(long)]
    size: Option<usize>,
    /// Requests in flight.
    #[arg(long)]
    outstanding: Option<usize>,
    /// Members of the room that are read and checked.
    #[arg(long)]
    members: Option<usize>,
    /// Members of the room that never read, beside the others.
    #[arg(long)]
    stalled: Option<usize>,
    /// Nodes in a line.
    #[arg(long)]
    nodes: Option<usize>,
    /// Idle connections.
    #[arg(long)]
    connections: Option<usize>,
    /// How long to send.
    #[arg(long)]
    seconds: Option<f64>,
    /// Bytes to send in all.
    #[arg(long)]
    bytes: Option<u64>,
    /// Publishes per second of the paced workload.
    #[arg(long)]
    rate: Option<f64>,
}

/// What is done and measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
pub enum Workload {
    /// One-way events from client to server.
    #[value(name = "w1")]
    #[serde(rename = "w1")]
    Events,
    /// Requests and their answers.
    #[value(name = "w2")]
    #[serde(rename = "w2")]
    Requests,
    /// Requests and their answers, beside a stream at full speed.
    #[value(name = "w2s")]
    #[serde(rename = "w2s")]
    RequestsBesideStream,
    /// The same beside large events.
    #[value(name = "w2e")]
    #[serde(rename = "w2e")]
    RequestsBesideEvents,
    /// Fan-out to a room, as fast as it goes.
    #[value(name = "w3")]
    #[serde(rename = "w3")]
    FanOut,
    /// Fan-out at a fixed rate: the time from publish to delivery.
    #[value(name = "w3l")]
    #[serde(rename = "w3l")]
    FanOutLatency,
    /// Fan-out with members that never read.
    #[value(name = "w3s")]
    #[serde(rename = "w3s")]
    FanOutStalled,
    /// Many bytes: in a stream, or in large events where there are no streams.
    #[value(name = "w4")]
    #[serde(rename = "w4")]
    Bulk,
    /// Many bytes in large events, also where there are streams.
    #[value(name = "w4e")]
    #[serde(rename = "w4e")]
    BulkEvents,
    /// Many idle connections.
    #[value(name = "w5")]
    #[serde(rename = "w5")]
    Idle,
    /// Events through a line of nodes: as fast as it goes, then one at a time.
    #[value(name = "w6")]
    #[serde(rename = "w6")]
    Line,
}

impl Workload {
    /// Whether it is one of the fan-outs.
    #[must_use]
    pub fn is_fan_out(self) -> bool {
        matches!(self, Self::FanOut | Self::FanOutLatency | Self::FanOutStalled)
    }

    /// Whether it has requests.
    #[must_use]
    pub fn is_requests(self) -> bool {
        matches!(self, Self::Requests | Self::RequestsBesideStream | Self::RequestsBesideEvents)
    }

    /// Whether it sends a number of bytes.
    #[must_use]
    pub fn is_bulk(self) -> bool {
        matches!(self, Self::Bulk | Self::BulkEvents)
    }
}

impl Params {
    /// Bytes of a payload, 8 at least: 128 for events, 16 for requests, 64 for fan-outs and lines, 65,536
    /// for bulk.
    #[must_use]
    pub fn size(&self) -> usize {
        let default = match self.workload {
            Workload::Events => 128,
            workload if workload.is_requests() => 16,
            Workload::Line => 64,
            workload if workload.is_fan_out() => 64,
            workload if workload.is_bulk() => 65_536,
            _ => 0,
        };
        self.size.unwrap_or(default).max(crate::Payload::SHORTEST)
    }

    /// Requests in flight, 1 at least: 1.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.outstanding.unwrap_or(1).max(1)
    }

    /// Members of the room that are read and checked, 1 at least: 100, at the end of a line 1.
    #[must_use]
    pub fn members(&self) -> usize {
        let default = if self.workload == Workload::Line { 1 } else { 100 };
        self.members.unwrap_or(default).max(1)
    }

    /// Nodes in a line, 1 at least: 1.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes.unwrap_or(1).max(1)
    }

    /// Members of the room that never read: 1 with [`Workload::FanOutStalled`], else 0.
    #[must_use]
    pub fn stalled(&self) -> usize {
        self.stalled.unwrap_or(usize::from(self.workload == Workload::FanOutStalled))
    }

    /// Idle connections, 1 at least: 10,000.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.unwrap_or(10_000).max(1)
    }

    /// How long to send, in seconds: 3 for one request at a time and for the paced fan-out, else 2.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        let long = match self.workload {
            Workload::FanOutLatency => true,
            workload => workload.is_requests() && self.outstanding() == 1,
        };
        self.seconds.unwrap_or(if long { 3.0 } else { 2.0 })
    }

    /// Bytes to send in all: 1 GiB.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.unwrap_or(1 << 30)
    }

    /// Publishes per second of the paced fan-out: 500 up to 10 members, 200 up to 100, else 20.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let default = match self.members() {
            0..=10 => 500.0,
            11..=100 => 200.0,
            _ => 20.0,
        };
        self.rate.unwrap_or(default)
    }

    /// How many publishes of a fan-out may be on their way to the slowest checked member: 1,024 up to
    /// 10 members, else 256. Through a line 16,384: 1 MiB of the default size, so that all nodes are busy
    /// and none takes the next one for a slow one.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        match self.members() {
            _ if self.workload == Workload::Line => 16_384,
            0..=10 => 1024,
            _ => 256,
        }
    }

    /// Connections that are opened at the same time: 64.
    #[must_use]
    pub fn opening(&self) -> usize {
        64
    }

    /// The parameters that this workload has, for its outcome.
    #[must_use]
    pub fn outcome(&self) -> OutcomeParams {
        let sized = self.workload != Workload::Idle;
        let fan_out = self.workload.is_fan_out();
        OutcomeParams {
            size: sized.then(|| self.size()),
            outstanding: self.workload.is_requests().then(|| self.outstanding()),
            members: fan_out.then(|| self.members()),
            stalled: (self.workload == Workload::FanOutStalled).then(|| self.stalled()),
            nodes: (self.workload == Workload::Line).then(|| self.nodes()),
            connections: (self.workload == Workload::Idle).then(|| self.connections()),
            rate: (self.workload == Workload::FanOutLatency).then(|| self.rate()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Cli {
        Cli::read(line).expect("a good command line")
    }

    #[test]
    fn a_driver_is_told_where_and_whom_to_measure() {
        let cli = parse("driver --workload w1 --address 127.0.0.1:9 --server-pids 4,5 --size 16");
        let Role::Driver(driver) = cli.role else { panic!("{cli:?} is no driver") };
        assert_eq!((driver.first(), driver.last()), ("127.0.0.1:9", "127.0.0.1:9"));
        assert_eq!(driver.server_pids, [4, 5]);
        assert_eq!(driver.params.workload, Workload::Events);
        assert_eq!(driver.params.size(), 16);
    }

    #[test]
    fn a_line_has_two_ends() {
        let cli = parse("driver --workload w6 --nodes 3 --address 127.0.0.1:8,127.0.0.1:9");
        let Role::Driver(driver) = cli.role else { panic!("{cli:?} is no driver") };
        assert_eq!((driver.first(), driver.last()), ("127.0.0.1:8", "127.0.0.1:9"));
        assert_eq!((driver.params.outcome().nodes, driver.params.members()), (Some(3), 1));
    }

    #[test]
    fn each_workload_has_defaults() {
        let params = |line: &str| match parse(line).role {
            Role::Server(server) => server.params,
            Role::Driver(driver) => driver.params,
        };
        let one = params("server --workload w2");
        assert_eq!((one.size(), one.outstanding(), one.seconds()), (16, 1, 3.0));
        let many = params("server --workload w2 --outstanding 256");
        assert_eq!((many.outstanding(), many.seconds()), (256, 2.0));
        let paced = params("server --workload w3l --members 1000");
        assert_eq!((paced.rate(), paced.in_flight(), paced.stalled()), (20.0, 256, 0));
        assert_eq!(params("server --workload w3s").stalled(), 1);
        assert_eq!(params("server --workload w4").bytes(), 1 << 30);
        assert_eq!(params("server --workload w5").connections(), 10_000);
    }

    #[test]
    fn an_outcome_names_only_the_parameters_of_its_workload() {
        let Role::Server(server) = parse("server --workload w3 --members 10").role else {
            panic!("a server was asked for")
        };
        let params = server.params.outcome();
        assert_eq!((params.size, params.members), (Some(64), Some(10)));
        assert_eq!((params.outstanding, params.stalled, params.connections), (None, None, None));
        assert_eq!(params.rate, None);
    }
}
