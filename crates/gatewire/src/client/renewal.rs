//! A new connection instead of one that still works: to authenticate anew.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use gatewire_core::Backoff;
use tokio::time::sleep;

use super::{Client, ClientInner};
use crate::entropy::random_u64;

/// How long [`Client::reconnect`] waits at most for what was begun.
const RECONNECT_LIMIT: Duration = Duration::from_secs(10);

impl Client {
    /// Leaves the connection in order and makes another, with the [key](Self::set_key) of the moment. Returns at
    /// once; [`on_connect`](Self::on_connect) tells when it is done.
    ///
    /// First streams end, requests are answered and what is queued is written, 10 s at most; new requests fail as
    /// not sent meanwhile, for 5 s at most. Events wait for the new connection, rooms are joined again, as after a
    /// connection that was lost. But the session is another one, with another id, and what the server sends at
    /// the moment of the change may be lost.
    ///
    /// Does nothing without a connection, or if the client was built not to reconnect.
    pub fn reconnect(&self) {
        let inner = &self.inner;
        if inner.backoff.is_some() {
            inner.link.leave(inner.link.session(), RECONNECT_LIMIT, inner.offline);
        }
    }
}

impl ClientInner {
    /// The server has asked for it, and will close the connection after `window`. It is left at a random time in
    /// the first half, so that the clients of a key do not come all at once, and so that the second half is there
    /// for what was begun to end.
    pub(super) fn authenticate_within(self: &Arc<Self>, window: Duration) {
        if self.backoff.is_none() {
            // The server ends it. Until then it may be of use.
            return;
        }
        let session = self.link.session();
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).replace(session);
        if asked == Some(session) {
            return;
        }
        // What is on its way when the server closes is lost, so the last tenth is left to it.
        let last = window * 9 / 10;
        let delay = Backoff::FullJitter { first: last / 2, longest: last / 2 };
        let delay = delay.delay(0, random_u64());
        let client = Arc::clone(self);
        tokio::spawn(async move {
            if client.unless_closing(sleep(delay)).await.is_some() {
                client.link.leave(session, last - delay, client.offline);
            }
        });
    }
}
