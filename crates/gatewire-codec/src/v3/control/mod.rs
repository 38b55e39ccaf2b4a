//! What two routers of a cluster tell each other about the cluster: kinds 48 to 56, and 58.
//!
//! These frames stand beside [`Message`](crate::Message), not in it: an endpoint never sees one. They
//! are sent only on a connection whose two ends are routers.
//!
//! Nodes are written as numbers. Each side of a connection numbers the nodes that it speaks of, from
//! 0 up, and defines each number ([`Control::NodeDef`]) before it uses it. What the numbers mean is
//! not known here; whoever receives the frames keeps the table.
//!
//! Invariants: [`decode`] is total, and `encode(decode(b)) == b`. A list takes at most
//! [`MAX_GROWTH`] times the bytes that it has on the wire.

mod decode;
mod encode;

pub use decode::decode;
pub use encode::encode;

use alloc::vec::Vec;

/// The most bytes of memory that a decoded list takes for each of its bytes on the wire.
pub const MAX_GROWTH: usize = 12;
/// The longest name of a node, in bytes.
pub const MAX_NODE_NAME: usize = u8::MAX as usize;
/// The most neighbours in one record: links are numbered by a byte.
pub const MAX_NEIGHBOURS: usize = 256;

/// Whether a frame of this kind is one of these.
#[must_use]
pub fn is_control(kind: u8) -> bool {
    (super::kind::ADJ_HELLO..=super::kind::PURGE).contains(&kind) || kind == super::kind::COST
}

/// A number for a node, on one connection and in one direction.
pub type NodeNumber = u32;

/// How old a node's life is: ordered by its counter, then by its boot nonce.
///
/// ```text
/// | counter u32 (high) | boot nonce u32 (low) |
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Incarnation(u64);

impl Incarnation {
    /// The incarnation with this counter and this nonce.
    #[must_use]
    pub const fn new(counter: u32, nonce: u32) -> Self {
        Self((counter as u64) << 32 | nonce as u64)
    }

    /// As it stands on the wire.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// As it stands on the wire.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The high half: it grows with each boot.
    #[must_use]
    pub const fn counter(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The low half: drawn at random at boot.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
    pub const fn nonce(self) -> u32 {
        self.0 as u32
    }
}

/// Names a node: the first eight bytes of a hash over the cluster's and its own name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u64);

impl NodeId {
    /// The id with this value.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The id's value.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }
}

/// One control frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control<'a> {
    /// `ADJ_HELLO`: the first frame of each side.
    Hello(Hello),
    /// `NODE_DEF`: from here on `number` means this node.
    NodeDef {
        /// The next number that is free, beginning with 0.
        number: NodeNumber,
        /// Which node.
        id: NodeId,
        /// Its name, 1 to [`MAX_NODE_NAME`] bytes.
        name: &'a str,
    },
    /// LSA: what a node says of its own links.
    LinkState(LinkState),
    /// BUCKETS: the digests of the buckets that are not empty, ascending.
    Buckets(Vec<(u8, u64)>),
    /// SUMMARY: what the sender has in one bucket.
    Summary {
        /// The lowest byte of the ids of its nodes.
        bucket: u8,
        /// One entry for each node of the bucket.
        entries: Vec<SummaryEntry>,
    },
    /// REQ: what the sender wants to have.
    Request(Vec<RequestItem>),
    /// `INT_DELTA`: how a node's set of rooms changed.
    InterestDelta(InterestDelta),
    /// `INT_SNAP`: a node's set of rooms, or a part of it.
    InterestSnapshot(InterestSnapshot),
    /// PURGE: a node has left for good. It takes the place of its record.
    Purge(Purge),
    /// COST: what this very link costs from now on, as the sender sees it. Never 0.
    Cost(u16),
}

/// The first frame of each side of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// The area of the sender; 0 while there is only one.
    pub area: u16,
    /// What the link costs, as the sender sees it. Never 0.
    pub cost: u16,
    /// The oldest version of these frames that the sender understands.
    pub oldest_version: u8,
    /// The newest.
    pub newest_version: u8,
    /// The digest of all that the sender knows.
    pub digest: u64,
    /// The least milliseconds between two batches of changes that the sender wants; 0 for no wish.
    pub pacing_ms: u16,
}

/// What a node says of its own links, as of one point of its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkState {
    /// Who.
    pub node: NodeNumber,
    /// In which life.
    pub incarnation: Incarnation,
    /// Which of its records in that life.
    pub sequence: u64,
    /// What else it says of itself.
    pub flags: NodeFlags,
    /// For how long the record holds from now on, in seconds.
    pub lifetime_s: u32,
    /// Its area.
    pub area: u16,
    /// Its links that are up, [`MAX_NEIGHBOURS`] at most.
    pub neighbours: Vec<Neighbour>,
}

/// One link in a [`LinkState`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbour {
    /// The node at the other end.
    pub node: NodeNumber,
    /// The number of the link, unique within the record.
    pub link: u8,
    /// What it costs. Never 0.
    pub cost: u16,
}

/// Flags of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NodeFlags {
    /// The node asks not to be used as a way to others (bit 0).
    pub overload: bool,
    /// The node joins areas (bit 1).
    pub area_border: bool,
    /// The node speaks for routers of wire version 2 (bit 2).
    pub v2_gateway: bool,
}

/// What the sender of a [`Control::Summary`] has of one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SummaryEntry {
    /// Who.
    pub node: NodeNumber,
    /// Of its record; zero, with sequence 0, when the sender has none.
    pub incarnation: Incarnation,
    /// Of its record.
    pub sequence: u64,
    /// Of its interest; zero, with version 0, when the sender has none.
    pub interest_incarnation: Incarnation,
    /// Of its interest.
    pub interest_version: u64,
}

/// One wish in a [`Control::Request`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestItem {
    /// The node's record, or its purge (what 1).
    Record {
        /// Whose.
        node: NodeNumber,
    },
    /// The node's interest, when it is newer than this (what 2).
    Interest {
        /// Whose.
        node: NodeNumber,
        /// What the asker has.
        incarnation: Incarnation,
        /// What the asker has.
        version: u64,
    },
}

/// How a node's set of rooms changed between two versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterestDelta {
    /// Whose.
    pub node: NodeNumber,
    /// In which life.
    pub incarnation: Incarnation,
    /// The version to which it applies.
    pub from: u64,
    /// The version that it makes, above `from`.
    pub to: u64,
    /// What changed, each room once.
    pub changes: Vec<InterestChange>,
}

/// A room that has got its first member at a node, or lost its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterestChange {
    /// Whether the room was joined (1) or left (0).
    pub joined: bool,
    /// The keyed hash of its name.
    pub room: u64,
}

/// A part of a node's set of rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterestSnapshot {
    /// Whose.
    pub node: NodeNumber,
    /// In which life.
    pub incarnation: Incarnation,
    /// The version of the whole set.
    pub version: u64,
    /// Whether this is the last part. The next part is the next frame of this kind.
    pub last: bool,
    /// Keyed hashes in ascending order, above those of the parts before.
    pub rooms: Vec<u64>,
}

/// A node has left for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purge {
    /// Who.
    pub node: NodeNumber,
    /// In which life.
    pub incarnation: Incarnation,
    /// Above that of its last record.
    pub sequence: u64,
    /// For how long this must be remembered from now on, in seconds.
    pub lifetime_s: u32,
}
