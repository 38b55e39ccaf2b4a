//! Figures that an application can read.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use gatewire_core::{Ledger, SocketId};
use rustc_hash::FxHashMap;

use crate::net::link::HasLink;
use crate::server::{Inner, SocketInner};

/// What a server or a client has done so far. In each direction
/// `accepted == done + dropped + queued`.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Connections that are up.
    pub connections: usize,
    /// Rooms that have members.
    pub rooms: usize,
    /// Connections of a server that came to no session; [`Server::admission`](crate::Server::admission)
    /// tells why.
    pub handshakes_failed: u64,
    /// Handlers that panicked.
    pub handler_panics: u64,
    /// Times that the key file was to be read again and could not be: the keys stayed as they were.
    pub key_reloads_failed: u64,
    /// Events and requests that came in: `done` counts those that were handled.
    pub inbound: Ledger,
    /// Frames that were to go out: `done` counts those that the kernel has.
    pub outbound: Ledger,
}

/// The accounts of connections that have ended.
#[derive(Default)]
pub(crate) struct Totals {
    inbound: Ledger,
    outbound: Ledger,
    /// No longer in the hub, but messages received before are still being handled.
    leaving: FxHashMap<SocketId, Arc<SocketInner>>,
}

impl Inner {
    pub(crate) fn counters(&self) -> Counters {
        let hub = self.hub.read().unwrap_or_else(PoisonError::into_inner);
        let totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counters = Counters {
            connections: hub.len(),
            rooms: hub.room_count(),
            handshakes_failed: self.gate.counters().turned_away(),
            handler_panics: self.panics.load(Ordering::Relaxed),
            key_reloads_failed: self.key_reloads_failed.load(Ordering::Relaxed),
            inbound: totals.inbound,
            outbound: totals.outbound,
        };
        for socket in hub.iter().map(|(_, socket)| socket).chain(totals.leaving.values()) {
            let (inbound, outbound) = socket.link().ledgers();
            counters.inbound += inbound;
            counters.outbound += outbound;
        }
        counters
    }

    /// A socket leaves the hub (whose lock the caller holds): its account stays.
    pub(crate) fn unlist(&self, socket: &Arc<SocketInner>) {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        totals.leaving.insert(socket.id, Arc::clone(socket));
    }

    /// The account of a socket that left the hub will not change any more.
    pub(crate) fn retire(&self, socket: &Arc<SocketInner>) {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        totals.leaving.remove(&socket.id);
        if totals.leaving.is_empty() {
            // The end of all connections at once does not keep its memory.
            totals.leaving.shrink_to_fit();
        }
        let (inbound, outbound) = socket.link().ledgers();
        totals.inbound += inbound;
        totals.outbound += outbound;
    }
}
