//! A deterministic simulation of networks, for state machines without I/O.
//!
//! Write a [`Node`]; join nodes by a [`Topology`]; let [`Fault`]s befall them, by hand or as a
//! [`Plan`] that is drawn from a seed; say what must hold when the [`Simulation`] is quiet and at
//! points in time; and [`explore`] many seeds. One that fails is printed and repeats exactly.
//!
//! ```
//! use gatewire_sim::{Boot, Config, Context, LinkIndex, Node, NodeIndex, Simulation, Topology};
//! use std::time::Duration;
//!
//! /// Knows how many messages it got, and passes each on until it has gone far enough.
//! struct Relay {
//!     heard: u32,
//! }
//!
//! impl Node for Relay {
//!     type Message = Vec<u8>;
//!
//!     fn handle_message(
//!         &mut self,
//!         link: LinkIndex,
//!         mut message: Vec<u8>,
//!         cx: &mut Context<'_, Vec<u8>>,
//!     ) {
//!         self.heard += 1;
//!         let onward = cx.links().find(|other| *other != link);
//!         if let (Some(onward), Some(_)) = (onward, message.pop()) {
//!             cx.send(onward, message);
//!         }
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<gatewire_sim::Violation>> {
//! let topology = Topology::ring(3);
//! let make = |_: Boot<Relay>| Relay { heard: 0 };
//! let mut simulation = Simulation::new(1, &topology, Config::default(), make);
//! simulation.run_until_quiet(Duration::from_secs(5))?;
//!
//! simulation.call(NodeIndex(0), "begin", |_, cx| {
//!     let first = cx.links().next().expect("all links are up when it is quiet");
//!     cx.send(first, vec![0; 5]);
//! });
//! simulation.run_until_quiet(Duration::from_secs(5))?;
//! let heard: u32 = simulation.view().nodes().map(|(_, relay)| relay.heard).sum();
//! assert_eq!((heard, simulation.report().total().bytes), (6, 5 + 4 + 3 + 2 + 1));
//! # Ok(())
//! # }
//! ```
//!
//! A machine with the methods of quinn or of this project (`handle_*`, `poll_output`,
//! `poll_timeout`) becomes a [`Node`] in a few lines: hand the input on, [`Context::send`] each
//! output, and pass `poll_timeout` to [`Context::wake_at`].
//!
//! What is simulated and what is promised stands in the README of the crate, with a worked example
//! of a protocol whose bug is found by a seed. Nothing here reads a clock, waits, spawns, or draws
//! a number that does not come from the seed.

mod accounts;
mod clock;
mod explore;
mod fault;
mod link;
mod network;
mod node;
mod plan;
mod queue;
mod report;
mod rng;
mod simulation;
mod topology;
mod trace;
mod view;
mod violation;

pub use clock::Time;
pub use explore::{Failure, MOST_FAILURES, Summary, explore, seeds};
pub use fault::{Fault, Loss, Memory};
pub use link::LinkConfig;
pub use node::{Boot, Context, Message, Node, Sent};
pub use plan::{Plan, PlanConfig, Weights};
pub use report::{Report, Tally};
pub use rng::Rng;
pub use simulation::{Config, Setup, Simulation};
pub use topology::{LinkIndex, NodeIndex, Topology};
pub use trace::TraceConfig;
pub use view::View;
pub use violation::Violation;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
