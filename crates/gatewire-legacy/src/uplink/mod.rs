//! A router among routers of version 2: what it knows of their cluster, what it tells them, and how messages travel.
//!
//! A [`Gateway`] is one host of the old cluster. It stands there for all that is behind it: its rooms are rooms of
//! that one host. It begins where the [handshake](crate::handshake) ends, and has no clock, no socket and no queue of
//! messages.
//!
//! # What travels
//!
//! ```text
//! UL_NEW_LINK, UL_DEL_LINK      one direction of a link is there, is gone          CELL_ADD: flooded
//! UL_JOIN_ROOM, UL_LEAVE_ROOM   how many members a room has on a host              CELL_ADD: flooded
//! DATA_TO_ROOM, _TO_SOCKET,     an event for the hosts that the frame names        CELL_SUB: routed
//! DATA_BROADCAST
//! ```
//!
//! **Flooding.** A frame of discovery carries the hosts that have seen it. Who receives it adds itself and sends it to
//! the neighbours that are not in that set. The originals do so with each copy, so one join in a full mesh of six costs
//! 325 frames. A gateway does so only when the frame told it something new, which costs 25.
//!
//! **No versions.** The wire has no sequence numbers, so a late copy of an old fact looks like news. Three rules keep
//! tables right. A link that is gone is remembered as gone: its id is never used again, so a late `UL_NEW_LINK` is
//! refused. Counts are absolute. And what a neighbour says of its own rooms is believed from itself alone: its
//! link keeps the order. Counts of hosts farther away are believed as they come, as the originals do. What others say of a
//! neighbour is kept until its link has ended, and counts then if another way leads there: that link may have been dead for a while.
//!
//! **Contradiction.** A gateway knows its own links best. Who tells of one that is none, or of a link of its own to the gateway beside
//! the one that is up, is told that it is gone; one that others take for gone is told again, a few times at most.
//!
//! **Routing.** A frame with a message names the hosts that it is still for. Each router splits that set by the next
//! link of the cheapest way (costs of both ends may differ), and takes its own name out. A gateway passes a frame on only to where it
//! gets nearer: the way that is left has to be shorter than the whole way of the neighbour that sent it, by the links that
//! this gateway knows. So a frame never goes back, and does not circulate while tables differ.
//!
//! # What is refused
//!
//! Whatever is no fact is ignored and counted ([`Counters`]), since it may come from a router far away and
//! through neighbours that are sound. A frame that cannot be decoded ends its link. Nothing is passed on that
//! would harm an original: no empty data, no cost that is not above zero, no name that a JavaScript object has by itself.

mod cells;
mod counters;
mod delivery;
mod discovery;
mod error;
mod fact;
mod gateway;
mod graph;
mod name;
mod number;
mod packet;
mod paths;
mod payload;
mod publish;
mod rooms;

pub use counters::Counters;
pub use delivery::{Audience, Delivery};
pub use error::{CloseReason, LinkRefused, NameError, PublishError, RoomRefused};
pub use gateway::{Gateway, LinkNumber, LinkUp, Output};
pub use graph::{Cost, MAX_LINK_ENTRIES, MAX_LINKS};
pub use name::{MAX_HOST_NAME, MAX_LINK_NAME, MAX_ROOM_NAME};
pub use publish::{Publication, Published};
pub use rooms::{MAX_ENTRIES, MAX_HOSTS, MAX_OWN_ROOMS, MAX_ROOMS_PER_HOST};
