//! What one client may take of the list of requests that wait for other nodes.

use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use gatewire_core::SocketId;
use rustc_hash::FxHashMap;

use crate::server::SocketInner;

/// How many requests to other nodes wait of each client that has any.
pub(super) type Shares = Arc<Mutex<FxHashMap<SocketId, u32>>>;

/// The place of one request to other nodes. Dropped with it, so that the next one of its client has room.
pub(crate) struct Share {
    /// `None`: a server or the router itself asks, and may take all places.
    client: Option<(Shares, SocketId)>,
}

/// The most requests of one client that may wait for other nodes: a sixteenth of all, so that a client that asks whoever
/// does not answer leaves room for the others.
const MAX_OF_CLIENT: u32 = 4096;

impl Share {
    /// One more request, of this client. `None`: as many of its requests wait as may.
    pub(super) fn take(shares: &Shares, client: Option<&Arc<SocketInner>>) -> Option<Self> {
        let Some(client) = client else { return Some(Self { client: None }) };
        {
            let mut waiting = shares.lock().unwrap_or_else(PoisonError::into_inner);
            let count = waiting.entry(client.id).or_default();
            if *count >= MAX_OF_CLIENT {
                return None;
            }
            *count += 1;
        }
        Some(Self { client: Some((Arc::clone(shares), client.id)) })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some((shares, client)) = &self.client else { return };
        let mut waiting = shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = waiting.entry(*client) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}
