//! Loads redis-server: its publish/subscribe, through a light client of its protocol. Redis has no
//! requests from client to client.

#![forbid(unsafe_code)]

mod wire;

use std::process::ExitCode;

use gatewire_harness::{Driver, External, Failure, Outcome, Server, Workload};
use peer_wire::{Program, fan_out, idle, installed, on_one_thread, one_way};

use crate::wire::Redis;

fn main() -> ExitCode {
    Program { peer: "redis", workloads: WORKLOADS, serve, drive }.main()
}

/// Redis without persistence, and without a limit on what waits for a subscriber.
fn serve(_server: &Server) -> Result<(), Failure> {
    let mut command = installed("redis-server", "redis-server")?;
    let start = |port: u16| {
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
        command.args(["--save", "", "--appendonly", "no", "--daemonize", "no"]);
        command.args(["--client-output-buffer-limit", "pubsub", "0", "0", "0"]);
        command.args(["--maxclients", "20000"]);
        command
    };
    External::start(start)?.serve()
}

fn drive(driver: &Driver, outcome: Outcome) -> Result<Outcome, Failure> {
    on_one_thread(driver, async {
        Ok(match driver.params.workload {
            Workload::FanOut | Workload::FanOutLatency => {
                fan_out::run(&Redis, driver).await?.fill(outcome)
            }
            Workload::Idle => idle::run(&Redis, driver).await?.fill(outcome),
            _ => outcome.with_measured(&one_way::through_broker(&Redis, driver).await?),
        })
    })
}

const WORKLOADS: &[Workload] =
    &[Workload::Events, Workload::FanOut, Workload::FanOutLatency, Workload::Bulk, Workload::Idle];
