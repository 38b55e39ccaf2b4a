//! What one client may take of the list of requests that wait for other nodes.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use crate::server::SocketInner;

/// The place of one request to other nodes. Dropped with it, so that the next one of its client has room.
pub(crate) struct Share {
    /// `None`: a server or the router itself asks, and may take all places.
    client: Option<Weak<SocketInner>>,
}

/// The most requests of one client that may wait for other nodes: a sixteenth of all, so that a client that asks whoever
/// does not answer leaves room for the others.
const MAX_OF_CLIENT: u32 = 4096;

impl Share {
    /// One more request, of this client. `None`: as many of its requests wait as may.
    pub(super) fn take(client: Option<&Arc<SocketInner>>) -> Option<Self> {
        if let Some(client) = client {
            let add = |waiting: u32| waiting.checked_add(1).filter(|more| *more <= MAX_OF_CLIENT);
            client.abroad.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok()?;
        }
        Some(Self { client: client.map(Arc::downgrade) })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(client) = self.client.as_ref().and_then(Weak::upgrade) {
            client.abroad.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
