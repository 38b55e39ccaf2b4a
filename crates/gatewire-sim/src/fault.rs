//! What goes wrong, and how it is put right.

use std::time::Duration;

use crate::topology::{LinkIndex, NodeIndex};

/// Something that befalls the network. One that changes nothing, such as the crash of a node that
/// is down, is passed over and not counted. One that names what the topology does not have panics
/// when it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The link is lost, and does not come back before [`Fault::Restore`].
    Cut {
        /// Which link.
        link: LinkIndex,
        /// How the ends learn of it.
        loss: Loss,
    },
    /// Takes a [`Fault::Cut`] back.
    Restore {
        /// Which link.
        link: LinkIndex,
    },
    /// The connection is lost, and made anew after the link's connect time.
    Reset {
        /// Which link.
        link: LinkIndex,
        /// How the ends learn of it.
        loss: Loss,
    },
    /// One direction lets nothing through. Nothing is lost of it, unless the connection is.
    Stall {
        /// Which link.
        link: LinkIndex,
        /// The end that hears nothing.
        deaf: NodeIndex,
    },
    /// Takes a [`Fault::Stall`] back: what has waited arrives at once, in order.
    Resume {
        /// Which link.
        link: LinkIndex,
        /// The end that hears again.
        deaf: NodeIndex,
    },
    /// The node stops, and its links are lost.
    Crash {
        /// Which node.
        node: NodeIndex,
        /// How its neighbours learn of it: a process that dies resets its connections, a machine
        /// without power is silent.
        loss: Loss,
    },
    /// The node is made anew.
    Restart {
        /// Which node.
        node: NodeIndex,
        /// What is left of it.
        memory: Memory,
        /// How far its calendar is behind, until its next restart.
        clock_back: Duration,
    },
    /// All links between these nodes and the others are lost until [`Fault::Heal`]. A second
    /// partition comes on top of the first.
    Partition {
        /// One side.
        island: Vec<NodeIndex>,
        /// How the ends learn of it.
        loss: Loss,
    },
    /// Ends all partitions. Links that were cut by themselves stay cut.
    Heal,
}

/// How the ends of a connection learn that it is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The other end resets it: known after one latency.
    Reset,
    /// Nobody says so: each end finds out after its own draw of the link's
    /// [`detect`](crate::LinkConfig::detect) time, and until then sends into the void. A connection
    /// that is made anew before that tells it, too.
    Silent,
}

/// What a restarted node has of its past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// [`Boot::previous`](crate::Boot::previous) is the node as it was.
    Kept,
    /// [`Boot::previous`](crate::Boot::previous) is `None`.
    Lost,
}

impl Fault {
    /// Whether it takes another one back.
    #[must_use]
    pub fn is_repair(&self) -> bool {
        matches!(
            self,
            Self::Restore { .. } | Self::Resume { .. } | Self::Restart { .. } | Self::Heal
        )
    }
}
