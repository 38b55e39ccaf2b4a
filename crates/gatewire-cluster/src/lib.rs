//! The life of one router of a cluster, without I/O.
//!
//! A [`Router`] knows which nodes there are, how to reach them, and which of them have members of a
//! room. It learns that from its neighbours, over links that operators draw: any graph, a cost for
//! each link.
//!
//! * [`NodeName`], [`Boot`], [`SocketAddress`]: who a node is, and in which of its lives.
//! * [`paths`]: shortest paths over a graph, with all equal ways.
//! * [`Router`]: link states, flooding, synchronising, routes and interest, tied together.
//! * [`forward`]: the data plane. By which links a message for a set of nodes goes
//!   ([`Router::addressed`], [`split`](Router::split), [`arrive`](Router::arrive)), and which frames come too late
//!   ([`OriginOrder`](forward::OriginOrder)). It changes nothing in the router, so it takes `&self`.
//!
//! The frames that routers exchange are [`gatewire_codec::v3::control`]'s, and [`gatewire_codec::v3::routed`]'s.
//! Queues, requests and streams are the caller's: `gatewire` has them.
//!
//! Nothing here spawns, waits, locks, reads a clock or draws a random number. Time is an argument: a
//! [`Duration`](std::time::Duration) since a start that the caller chose, and it never goes back.
//! So a simulation drives a router exactly as sockets do.
//!
//! # What is not here yet
//!
//! Areas, and gateways to routers of wire version 2: their fields are in the records and are passed on,
//! nobody acts by them. The pacing that a neighbour wishes for is not regarded.

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
