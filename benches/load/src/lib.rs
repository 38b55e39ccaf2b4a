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
//!
//! A third, `load-room-stream`, compares gatewire with itself: see [`room_stream`]. And `load-fast-tcp` serves the load program of
//! the Node package, in the place of its own server: see [`fast_tcp`].

pub mod channels;
mod crowd;
pub mod facade;
pub mod fast_tcp;
mod frames;
mod idle;
pub mod raw;
pub mod room_stream;
mod stalled;
mod tally;

use gatewire_harness::{Params, Window};

/// Whether requests are to go on, after so many answers. With one in flight 50,000 are wanted, so that
/// 50 of them lie above p99.9, but not for more than five times the time.
fn is_short(params: &Params, window: &Window, answered: u64) -> bool {
    const WANTED: u64 = 50_000;

    let seconds = window.seconds();
    let few = params.outstanding() == 1 && answered < WANTED;
    seconds < params.seconds() || (few && seconds < 5.0 * params.seconds())
}
