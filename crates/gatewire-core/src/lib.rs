//! The life of a connection and of a server's connections, as state machines without I/O.
//!
//! * [`admission`]: who may begin a handshake, and how many may be connected.
//! * [`handshake`]: version 3's four frames, as states that are consumed: an illegal order does not
//!   compile.
//! * [`session`]: one connection after its handshake - events, requests with deadlines, heartbeat,
//!   close with a reason - and its bounded [`Outbox`](session::Outbox).
//! * [`hub`]: a server's connections and their rooms; who receives a published message.
//! * [`permissions`]: what the holder of a key may do, and how much of it.
//! * [`fanout`]: one stream that goes to many: its pace, and what becomes of each receiver.
//! * [`gather`]: one question to many: who was asked, who has ended, when it is over.
//! * [`Backoff`]: when to reconnect.
//!
//! Nothing here spawns, waits, locks, reads a clock or draws a random number: time is a [`Time`]
//! argument, entropy a byte array argument. So an embedded endpoint or a simulation drives these
//! machines without tokio, and a test repeats exactly.

pub mod admission;
mod backoff;
pub mod fanout;
pub mod gather;
pub mod handshake;
pub mod hub;
mod ledger;
pub mod permissions;
pub mod session;
mod time;

pub use backoff::Backoff;
pub use gatewire_codec as codec;
pub use gatewire_codec::SocketId;
pub use ledger::{DropReason, Ledger};
pub use time::{Time, UnixTime};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
