//! What a router tells its application of the cluster.

use tokio::sync::broadcast;

use crate::error::DisconnectReason;

/// What has happened in the cluster, as a router sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouterEvent {
    /// A link to a neighbour carries messages.
    LinkUp {
        /// The neighbour.
        node: String,
    },
    /// A link to a neighbour is gone.
    LinkDown {
        /// The neighbour.
        node: String,
        /// Why.
        reason: DisconnectReason,
    },
    /// A link could not be made; it is tried again.
    LinkFailed {
        /// Where it should have led.
        address: String,
        /// Why it did not.
        error: String,
    },
    /// A node can be reached now.
    NodeUp {
        /// Its name.
        node: String,
    },
    /// A node cannot be reached any more, or was started anew; then `NodeUp` follows.
    NodeDown {
        /// Its name.
        node: String,
    },
    /// A node has members of a room that is [watched](crate::Router::watch_room).
    RoomRegistered {
        /// The room.
        room: String,
        /// The node, which may be the router's own.
        node: String,
        /// How many nodes have members now.
        nodes: usize,
    },
    /// A node has no members of a watched room any more, or cannot be reached.
    RoomUnregistered {
        /// The room.
        room: String,
        /// The node.
        node: String,
        /// How many nodes have members now.
        nodes: usize,
    },
    /// A link to a router of wire version 2 is up.
    V2LinkUp {
        /// Its host name.
        host: String,
    },
    /// A link to a router of wire version 2 is gone.
    V2LinkDown {
        /// Its host name.
        host: String,
        /// Why.
        reason: String,
    },
    /// Something concerned hosts of wire version 2, which do not get it: their wire cannot say it.
    V2Missed {
        /// The event, if it is known.
        event: String,
        /// Why.
        error: String,
    },
    /// Another live node has this router's name, and stays. This router takes part no more: its links are closed,
    /// and its servers stand alone.
    NameTaken,
}

/// The events of a router, from the moment on at which they were subscribed to.
#[derive(Debug)]
pub struct RouterEvents {
    pub(super) receiver: broadcast::Receiver<RouterEvent>,
}

/// How many events wait for a subscriber. Who is farther behind is told how many it has missed.
pub(super) const WAITING: usize = 1024;

/// A subscriber has missed events: 1,024 wait at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissedEvents(pub u64);

impl std::fmt::Display for MissedEvents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} events of the router were missed", self.0)
    }
}

impl std::error::Error for MissedEvents {}

impl RouterEvents {
    /// Waits for the next event. `None`: the router is closed, and all its events were given.
    ///
    /// # Errors
    ///
    /// [`MissedEvents`]; the next call gives the oldest that is left.
    ///
    /// # Cancel safety
    ///
    /// Safe: dropped, no event is lost.
    pub async fn next(&mut self) -> Result<Option<RouterEvent>, MissedEvents> {
        match self.receiver.recv().await {
            Ok(event) => Ok(Some(event)),
            Err(broadcast::error::RecvError::Closed) => Ok(None),
            Err(broadcast::error::RecvError::Lagged(missed)) => Err(MissedEvents(missed)),
        }
    }
}
