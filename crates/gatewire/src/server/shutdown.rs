//! How a server ends.

use std::future::Future;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use gatewire_codec::{CloseCode, GoAwayCode};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Inner, SocketInner};
use crate::error::DisconnectReason;

/// Whether a server accepts connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    Closed,
}

/// How a server goes away; see [`Server::drain`](super::Server::drain).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Drain {
    /// The time over which clients are closed, a slice at a time: 30 s. They are told to reconnect
    /// at a random time within it.
    pub window: Duration,
}

impl Drain {
    /// Clients are closed over this time.
    #[must_use]
    pub fn over(window: Duration) -> Self {
        Self { window }
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self::over(Duration::from_secs(30))
    }
}

/// Into how many slices a drain divides its window.
const SLICES: u32 = 30;

/// More than a connection takes to write its last frames and linger.
const CLOSE_LIMIT: Duration = Duration::from_secs(4);

impl Inner {
    pub(crate) fn is_open(&self) -> bool {
        *self.state.borrow() == State::Open
    }

    /// Runs a future as long as the server is open.
    pub(super) async fn while_open<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut state = self.state.subscribe();
        tokio::select! {
            biased;
            _ = state.wait_for(|state| *state == State::Closed) => None,
            output = future => Some(output),
        }
    }

    pub(super) fn all_sockets(&self) -> Vec<Arc<SocketInner>> {
        let hub = self.hub.read().unwrap_or_else(PoisonError::into_inner);
        hub.iter().map(|(_, socket)| Arc::clone(socket)).collect()
    }

    pub(super) async fn close(self: &Arc<Self>) {
        self.state.send_replace(State::Closed);
        self.end_neighbours();
        for socket in self.all_sockets() {
            socket.link.end(DisconnectReason::Closed, CloseCode::GoingAway, "");
        }
        self.wait_until_empty().await;
    }

    pub(super) async fn drain(self: &Arc<Self>, drain: Drain) {
        self.state.send_replace(State::Closed);
        let sockets = self.all_sockets();
        let window_ms = u32::try_from(drain.window.as_millis()).unwrap_or(u32::MAX);
        for socket in &sockets {
            let told = socket
                .link
                .command(socket, |outbound| outbound.go_away(GoAwayCode::Shutdown, window_ms, ""));
            if let Err(error) = told {
                tracing::debug!(socket = %socket.id, %error, "a client was not told of the drain");
            }
        }
        let start = Instant::now();
        let per_slice = sockets.len().div_ceil(SLICES as usize).max(1);
        for (index, slice) in (1..).zip(sockets.chunks(per_slice)) {
            sleep_until(start + drain.window * index / SLICES).await;
            for socket in slice {
                socket.link.end(DisconnectReason::Closed, CloseCode::GoingAway, "");
            }
        }
        self.close().await;
    }

    async fn wait_until_empty(&self) {
        let (mut listening, mut live) = (self.listening.subscribe(), self.live.subscribe());
        let ended = async {
            // The senders live as long as `self`.
            let _ = listening.wait_for(|listening| *listening == 0).await.is_ok();
            live.wait_for(|live| *live == 0).await.is_ok()
        };
        if timeout(CLOSE_LIMIT, ended).await.is_err() {
            tracing::debug!(live = *self.live.borrow(), "closed while handlers still run");
        }
    }
}
