//! What a gateway refuses, and why.

use std::fmt;

use gatewire_codec::{DecodeError, EncodeError, FormatId};

use super::graph::MAX_LINKS;
use super::rooms::MAX_OWN_ROOMS;

/// A name that cannot stand in tables of version 2.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// It has no characters.
    Empty,
    /// It is longer than `limit` bytes.
    TooLong {
        /// Its bytes.
        length: usize,
        /// The most.
        limit: usize,
    },
    /// It holds a character that separates names.
    Separator {
        /// `|`, `/` or `,`.
        found: char,
    },
    /// JavaScript objects have something of this name, so the originals cannot use it as a key.
    Prototype,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the name is empty"),
            Self::TooLong { length, limit } => {
                write!(f, "the name has {length} bytes, {limit} is the most")
            }
            Self::Separator { found } => write!(f, "the name holds {found:?}"),
            Self::Prototype => f.write_str("the name is one that JavaScript objects have"),
        }
    }
}

impl std::error::Error for NameError {}

/// Why a link did not come up. Nothing has changed, and the connection is to be closed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkRefused {
    /// The peer has this gateway's own name.
    OwnName,
    /// A neighbour has this name already: another router, or the same one whose old connection is not over yet. In
    /// that case its next attempt succeeds.
    NameInUse,
    /// The peer's name is none.
    Host(NameError),
    /// The link's id is none.
    Link(NameError),
    /// A link has this id already.
    LinkInUse,
    /// The gateway has [`MAX_LINKS`].
    TooMany,
}

impl fmt::Display for LinkRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnName => f.write_str("the peer has this gateway's name"),
            Self::NameInUse => f.write_str("a neighbour of this name is linked already"),
            Self::Host(error) => write!(f, "the peer: {error}"),
            Self::Link(error) => write!(f, "the link: {error}"),
            Self::LinkInUse => f.write_str("another link has this id"),
            Self::TooMany => write!(f, "a gateway has {MAX_LINKS} links at most"),
        }
    }
}

impl std::error::Error for LinkRefused {}

/// Why a room is not told to the old hosts. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomRefused {
    /// Its name is none in version 2.
    Name(NameError),
    /// The gateway stands for [`MAX_OWN_ROOMS`].
    TooMany,
}

impl fmt::Display for RoomRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => error.fmt(f),
            Self::TooMany => write!(f, "a gateway stands for {MAX_OWN_ROOMS} rooms at most"),
        }
    }
}

impl std::error::Error for RoomRefused {}

/// Why an event was not sent to the old hosts, to none of them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum PublishError {
    /// Old hosts read JSON alone. The caller can write the object anew.
    Format(FormatId),
    /// The object says that it is JSON, and is not.
    NotJson,
    /// The event's name has more than 65,535 bytes, which the originals cannot tell their clients.
    EventTooLong {
        /// Its bytes.
        length: usize,
    },
    /// The frame could not be written.
    Encode(EncodeError),
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(format) => write!(f, "old hosts read JSON, and this object is {format}"),
            Self::NotJson => f.write_str("the object is no JSON"),
            Self::EventTooLong { length } => {
                write!(f, "the event's name has {length} bytes, 65535 is the most")
            }
            Self::Encode(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PublishError {}

/// Why a link has to be closed. It is down for the gateway.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum CloseReason {
    /// A frame that no router writes.
    Malformed(DecodeError),
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "a broken frame: {error}"),
        }
    }
}

impl std::error::Error for CloseReason {}
