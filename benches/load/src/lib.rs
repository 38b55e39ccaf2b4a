//! The load programs `load-raw` and `load-gatewire`, as a library so that tests can start the parts.
//!
//! Both do the same work and check the same: [`raw`] on plain TCP, [`facade`] by gatewire's public
//! API. What the two share is here: the accounts of handlers, the reading of many frames, the members of
//! a room and the opening of many connections.
//!
//! ```sh
//! load-raw server --workload w1          # prints: ready 127.0.0.1:PORT
//! load-raw driver --workload w1 --address 127.0.0.1:PORT --server-pids PID --size 128
//! ```

mod crowd;
pub mod facade;
mod frames;
mod idle;
pub mod raw;
mod stalled;
mod tally;
