//! What can go wrong, and who is to blame.

use std::fmt;

use gatewire_codec::DecodeError;
use gatewire_codec::v3::control::{NodeId, NodeNumber};

use crate::interest::MAX_ROOMS;
use crate::link_set::LinkId;

/// A neighbour broke the protocol. Nothing of the frame was taken, and the link is of no use any
/// more: close the connection and tell the router with [`link_down`](crate::Router::link_down). The
/// router itself is unharmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkError {
    /// The frame is none that a router may send.
    Decode(DecodeError),
    /// The first frame of a link is not `ADJ_HELLO`.
    HelloExpected,
    /// A second `ADJ_HELLO`.
    HelloTwice,
    /// The neighbour understands none of the versions that this router does.
    NoCommonVersion,
    /// A number that was not defined.
    UnknownNumber {
        /// Which one.
        number: NodeNumber,
    },
    /// A definition that is not that of the next number.
    NumberOutOfOrder {
        /// Which one.
        number: NodeNumber,
    },
    /// More nodes were numbered than a link can number.
    TooManyNumbers,
    /// A node's id does not follow from its name: another cluster, or another name with this id.
    WrongId {
        /// The id that came with the name.
        id: NodeId,
    },
    /// The parts of a snapshot do not follow each other.
    SnapshotOutOfOrder,
    /// A node has more rooms than a node may have.
    TooManyRooms,
    /// A bucket's summary names a node of another bucket.
    WrongBucket,
    /// One frame asks twice for the same, or tells twice of one node: each may be answered with a million rooms.
    NamedTwice,
    /// No such link is up. Here the caller is to blame.
    UnknownLink {
        /// The link.
        link: LinkId,
    },
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => write!(f, "a frame of the neighbour is broken: {error}"),
            Self::HelloExpected => f.write_str("the first frame of the neighbour is no hello"),
            Self::HelloTwice => f.write_str("the neighbour said hello twice"),
            Self::NoCommonVersion => f.write_str("no version in common with the neighbour"),
            Self::UnknownNumber { number } => write!(f, "node number {number} is not defined"),
            Self::NumberOutOfOrder { number } => {
                write!(f, "node number {number} is not the next one")
            }
            Self::TooManyNumbers => f.write_str("the link has no node numbers left"),
            Self::WrongId { id } => {
                write!(
                    f,
                    "the id {:016x} does not follow from the node's name: it is of another cluster",
                    id.to_bits()
                )
            }
            Self::NamedTwice => f.write_str("a frame of the neighbour names a node twice"),
            Self::SnapshotOutOfOrder => f.write_str("the parts of a snapshot are out of order"),
            Self::TooManyRooms => write!(f, "a node has more than {MAX_ROOMS} rooms"),
            Self::WrongBucket => f.write_str("a summary names a node of another bucket"),
            Self::UnknownLink { link } => write!(f, "no link {} is up", link.0),
        }
    }
}

impl std::error::Error for LinkError {}

impl From<DecodeError> for LinkError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

/// A link cannot come up. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkUpError {
    /// A link with this number is up.
    InUse {
        /// The number.
        link: LinkId,
    },
    /// The neighbour has this router's own name.
    OwnName,
    /// The router has left the cluster, or its name was taken.
    Stopped,
}

impl fmt::Display for LinkUpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse { link } => write!(f, "link {} is up already", link.0),
            Self::OwnName => f.write_str("the neighbour has this router's own name"),
            Self::Stopped => f.write_str("this router is in no cluster any more"),
        }
    }
}

impl std::error::Error for LinkUpError {}

/// The router has members in as many rooms as it may have, [`MAX_ROOMS`]; nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyRooms;

impl fmt::Display for TooManyRooms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a node has members in {MAX_ROOMS} rooms at most")
    }
}

impl std::error::Error for TooManyRooms {}
