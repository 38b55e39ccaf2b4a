//! What an idle connection may cost.

use super::serve;
use crate::server::SocketInner;

fn future_size<A, B, C, F>(_: fn(A, B, C) -> F) -> usize {
    size_of::<F>()
}

/// Both are there once per connection, for as long as it lasts. A buffer or the states of a handshake
/// in one of them, or a driver that is stored twice, is easily written and seen by nobody: with
/// 100,000 connections each 10 bytes are a megabyte. Raise the bound for what is worth that.
#[test]
fn the_state_of_a_connection_stays_small() {
    let task = future_size(serve);
    let socket = size_of::<SocketInner>();
    assert!(task + socket <= 1424, "the task takes {task} bytes, the socket {socket}");
}
