//! Sockets and tasks: how bytes get from the outbox to the kernel and from the kernel to handlers.
//!
//! * [`Link`](link::Link): what everybody who sends shares - the outbound half under a mutex, the
//!   socket, and the rule who flushes.
//! * [`Driver`](driver::Driver): the one task of a connection. It reads, runs handlers, keeps time,
//!   and writes when the kernel was full.
//! * [`batch`]: a reading task handles all that one read gave before anything is written.
//! * [`receiver`]: what is done with a frame. [`dispatch`] keeps events in order, [`routes`] finds their
//!   handlers, [`run`] runs them.
//! * [`guard`]: what is checked of a peer that may not do everything; [`decisions`]: what the application says to it.
//! * [`assembly`]: from read buffers to frames.
//! * [`transport`]: TCP alone, or TLS over it.
//! * `legacy`: how connections of older wire versions begin, and what ends them.
//! * [`handshake`]: the four frames before a session. [`credentials`]: what a dialler brings to it.

pub(crate) mod assembly;
pub(crate) mod batch;
pub(crate) mod channel;
pub(crate) mod credentials;
pub(crate) mod decisions;
pub(crate) mod dispatch;
pub(crate) mod driver;
pub(crate) mod guard;
pub(crate) mod handshake;
#[cfg(feature = "legacy")]
pub(crate) mod legacy;
pub(crate) mod link;
pub(crate) mod pipes;
mod receiver;
pub(crate) mod routes;
mod run;
pub(crate) mod side;
mod streams;
pub(crate) mod tcp;
pub(crate) mod transport;
pub(crate) mod waiter;
