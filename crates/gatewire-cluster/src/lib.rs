//! The life of one router of a cluster, without I/O: its control plane.
//!
//! A [`Router`] knows which nodes there are, how to reach them, and which of them have members of a
//! room. It learns that from its neighbours, over links that operators draw: any graph, a cost for
//! each link.
//!
//! * [`NodeName`], [`Boot`], [`SocketAddress`]: who a node is, and in which of its lives.
//! * [`paths`]: shortest paths over a graph, with all equal ways.
//! * [`Router`]: link states, flooding, synchronising, routes and interest, tied together.
//!
//! The frames that routers exchange are [`gatewire_codec::v3::control`]'s.
//!
//! Nothing here spawns, waits, locks, reads a clock or draws a random number. Time is an argument: a
//! [`Duration`](std::time::Duration) since a start that the caller chose, and it never goes back.
//! So a simulation drives a router exactly as sockets do.
//!
//! # What is not here yet
//!
//! The data plane: forwarding of messages by splitting a set of destinations, messages to one socket,
//! streams and answers across nodes. Areas, and gateways to routers of wire version 2: their
//! fields are in the records and are passed on, nobody acts by them. Costs that change while a link
//! is up: take it down and up again. The pacing that a neighbour wishes for is not regarded.

mod error;
pub mod forward;
mod identity;
mod interest;
mod link_set;
mod link_state;
mod numbers;
pub mod paths;
mod random;
mod router;
mod routes;
mod rules;
mod throttle;

pub use error::{LinkError, LinkUpError, TooManyRooms};
pub use gatewire_codec::SocketAddress;
pub use gatewire_codec::v3::control::{Incarnation, NodeId};
pub use identity::{Boot, NameError, NodeName};
pub use interest::{MAX_ROOMS, RoomKey};
pub use link_set::{LinkId, LinkSet};
pub use router::{Config, Event, Output, PRIORITY, Router, State, Statistics};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
