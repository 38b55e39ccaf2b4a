//! Loads libzmq. Events and requests have libzmq on both ends; the members of a room, their publisher, the ends of
//! a line and idle connections are light clients of its protocol.

#![forbid(unsafe_code)]

mod client;
mod control;
mod node;
mod server;
mod wire;

use std::process::ExitCode;

use gatewire_harness::{Driver, Failure, Outcome, Workload};
use peer_wire::{Program, fan_out, idle, line, on_one_thread};

use crate::control::{Control, Endpoints};
use crate::wire::Zmtp;

fn main() -> ExitCode {
    Program { peer: "zmq", workloads: WORKLOADS, serve: server::serve, drive }.main()
}

fn drive(driver: &Driver, outcome: Outcome) -> Result<Outcome, Failure> {
    if driver.params.workload == Workload::Line {
        let (inward, outward) = (driver.first().to_owned(), driver.last().to_owned());
        let wire = Zmtp { endpoints: Endpoints { inward, outward } };
        let through = on_one_thread(driver, line::run(&wire, driver))?;
        return Ok(through.fill(outcome));
    }
    let control = Control::connect(&driver.address)?;
    let endpoints = control.endpoints()?;
    match driver.params.workload {
        Workload::Events | Workload::Bulk => {
            let measured = client::one_way(&control, &endpoints, driver)?;
            Ok(outcome.with_measured(&measured))
        }
        Workload::Requests => client::requests(&endpoints, driver, outcome),
        workload => {
            let wire = Zmtp { endpoints };
            on_one_thread(driver, async {
                Ok(match workload {
                    Workload::Idle => idle::run(&wire, driver).await?.fill(outcome),
                    _ => fan_out::run(&wire, driver).await?.fill(outcome),
                })
            })
        }
    }
}

const WORKLOADS: &[Workload] = &[
    Workload::Events,
    Workload::Requests,
    Workload::FanOut,
    Workload::FanOutLatency,
    Workload::Bulk,
    Workload::Idle,
    Workload::Line,
];
