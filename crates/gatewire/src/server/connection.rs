//! A socket while it is connected, and its end.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use gatewire_codec::CloseCode;

use super::gate::Live;
use super::side::ServerSide;
use super::{Inner, Socket};
use crate::error::DisconnectReason;
use crate::net::driver::{Driver, Leftover};

/// A socket's place in the hub, given up however its task ends.
pub(super) struct Registration {
    /// `None`: given up.
    socket: Option<Socket>,
}

impl Registration {
    /// Takes the socket out of the hub; its account stays open until it is retired.
    fn leave(mut self) -> Option<Socket> {
        self.withdraw()
    }

    fn withdraw(&mut self) -> Option<Socket> {
        let socket = self.socket.take()?;
        let inner = &socket.inner;
        inner.server.change_rooms(|hub| {
            if let Some(key) = inner.key() {
                hub.remove(key);
                inner.server.unlist(inner);
            }
        });
        Some(socket)
    }
}

impl Drop for Registration {
    /// The handshake broke off at its last frame, or the task ended in a way that none should.
    fn drop(&mut self) {
        if let Some(Socket { inner }) = self.withdraw() {
            inner.link.abandon();
            inner.server.retire(&inner);
        }
    }
}

/// The whole life of a session.
///
/// The task of an idle connection has room for nothing but its driver. What is needed at the end is larger, and
/// has memory of its own then.
#[expect(clippy::manual_async_fn, reason = "an `async fn` would have room for its arguments twice")]
pub(super) fn serve(
    live: Live,
    registration: Registration,
    mut driver: Driver<ServerSide>,
) -> impl Future<Output = ()> + Send {
    async move {
        let reason = driver.run().await;
        Box::pin(end(&live.server, registration, reason, driver.close())).await;
    }
}

/// A connection has ended; its handlers have not, maybe.
async fn end(
    server: &Inner,
    registration: Registration,
    reason: DisconnectReason,
    leftover: Option<Leftover<ServerSide>>,
) {
    let Some(socket) = registration.leave() else { return };
    tracing::debug!(socket = %socket.id(), %reason, "disconnected");
    socket.inner.link.end_requests().await;
    // Still a connection of the server, as far as its limit goes: its messages take memory.
    tokio::join!(tell(server, &socket, reason), finish(leftover));
    server.retire(&socket.inner);
    if let Some(own) = socket.inner.own.get() {
        // A closure that holds its own socket would keep both for ever.
        own.clear();
    }
}

/// Puts the socket into the hub, unless another has its id.
pub(super) fn register(server: &Arc<Inner>, socket: &Socket) -> Option<Registration> {
    let mut hub = server.hub.write().unwrap_or_else(PoisonError::into_inner);
    let key = hub.insert(socket.inner.id, Arc::clone(&socket.inner))?;
    let _first = socket.inner.place.set(key);
    drop(hub);
    if !server.is_open() {
        // The server was closed in between and did not see this socket.
        socket.inner.link.end(DisconnectReason::Closed, CloseCode::GoingAway, "");
    }
    server.check_key(&socket.inner);
    Some(Registration { socket: Some(socket.clone()) })
}

/// Handles what was received before the end.
async fn finish(leftover: Option<Leftover<ServerSide>>) {
    if let Some(leftover) = leftover {
        leftover.finish().await;
    }
}

/// Tells the application. Its panic ends its own future, nothing else.
async fn tell(server: &Inner, socket: &Socket, reason: DisconnectReason) {
    let Some(told) = server.lifecycle.disconnected(socket.clone(), reason) else { return };
    match tokio::spawn(told).await {
        Err(error) if error.is_panic() => {
            server.panics.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%error, "on_disconnect panicked");
        }
        // Done, or the runtime goes down.
        _ => {}
    }
}

#[cfg(test)]
mod tests;
