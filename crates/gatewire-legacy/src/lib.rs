//! Peers of wire versions 1 (`fast-tcp`) and 2 (`@gatejs/cluster`), without I/O.
//!
//! * [`handshake`]: how a connection of either version begins, as the side that listens and the side that dials, for
//!   clients and, in version 2, routers.
//! * [`downlink`]: a client's connection, on either side, as one of version 3.
//! * [`uplink`]: a router among routers of version 2.

pub mod downlink;
pub mod handshake;
pub mod uplink;
