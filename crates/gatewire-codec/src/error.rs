//! What can go wrong, and who is to blame.
//!
//! [`FrameError`]: the stream itself is broken, the connection cannot go on.
//! [`DecodeError`]: one frame is broken; the stream is still in step, the next frame can be read.
//! [`EncodeError`]: the caller asked for something that a version cannot carry; nothing was written.

use core::fmt;

/// The stream cannot be cut into frames. Not recoverable: close the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// The length prefix announces more than the limit. Known after four bytes.
    TooLarge {
        /// What the prefix says.
        length: u32,
        /// What is allowed.
        limit: u32,
    },
    /// The length prefix announces less than a version byte and a kind byte.
    TooShort {
        /// What the prefix says.
        length: u32,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { length, limit } => {
                write!(f, "frame of {length} bytes is longer than the limit of {limit} bytes")
            }
            Self::TooShort { length } => {
                write!(f, "frame of {length} bytes is shorter than a version and a kind byte")
            }
        }
    }
}

impl core::error::Error for FrameError {}

/// Which part of a frame an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// The version byte.
    Version,
    /// The kind (message type) byte.
    Kind,
    /// The fixed header of version 1 or 2.
    Header,
    /// The host list of a version 2 frame.
    Cells,
    /// The event name.
    Event,
    /// The value's bytes.
    Value,
    /// The value's length field (versions 1 and 2).
    ValueLength,
    /// An integer value.
    Integer,
    /// A decimal value.
    Decimal,
    /// A boolean value.
    Bool,
    /// A string value.
    String,
    /// An object's format id.
    Format,
    /// A request, stream or correlation id.
    Id,
    /// A list of rooms or sockets.
    Names,
    /// The flags of a publish.
    Flags,
    /// A text meant for people.
    Text,
    /// A field of a handshake frame.
    Handshake,
    /// The extensions of a handshake frame.
    Extensions,
    /// A control frame's code.
    Code,
    /// The time within which clients reconnect.
    RetryWindow,
    /// The id of a socket.
    SocketId,
    /// The bytes of a stream in one frame.
    Data,
    /// A number of bytes since the beginning of a stream.
    Offset,
    /// The number, id or name of a node.
    Node,
    /// Which life of a node.
    Incarnation,
    /// A sequence number or version.
    Sequence,
    /// How long something holds.
    Lifetime,
    /// The area of a node.
    Area,
    /// The cost of a link.
    Cost,
    /// The links of a node.
    Neighbours,
    /// A digest.
    Digest,
    /// A bucket of nodes.
    Bucket,
    /// A wish of a router.
    Request,
    /// The rooms of a node.
    Interest,
    /// The nodes that a frame is for.
    Destinations,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "version",
            Self::Kind => "kind",
            Self::Header => "header",
            Self::Cells => "cells",
            Self::Event => "event name",
            Self::Value => "value",
            Self::ValueLength => "value length",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::Bool => "bool",
            Self::String => "string",
            Self::Format => "format id",
            Self::Id => "id",
            Self::Names => "name list",
            Self::Flags => "flags",
            Self::Text => "text",
            Self::Handshake => "handshake field",
            Self::Extensions => "extensions",
            Self::Code => "code",
            Self::RetryWindow => "retry window",
            Self::SocketId => "socket id",
            Self::Data => "stream data",
            Self::Offset => "stream offset",
            Self::Node => "node",
            Self::Incarnation => "incarnation",
            Self::Sequence => "sequence number",
            Self::Lifetime => "lifetime",
            Self::Area => "area",
            Self::Cost => "cost",
            Self::Neighbours => "neighbour list",
            Self::Digest => "digest",
            Self::Bucket => "bucket",
            Self::Request => "request",
            Self::Interest => "interest",
            Self::Destinations => "destinations",
        })
    }
}

/// A frame that is whole but not a message. The peer is to blame; the stream is still in step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// A field runs past the end of the frame.
    Truncated {
        /// Which one.
        field: Field,
    },
    /// Bytes are left after the last field.
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// The version byte is none of 1, 2, 3.
    UnknownVersion {
        /// What it is.
        found: u8,
    },
    /// The version byte is known, but not the one that this connection speaks.
    WrongVersion {
        /// What it is.
        found: u8,
        /// What it should be.
        expected: u8,
    },
    /// No message has this kind.
    UnknownKind {
        /// The kind byte.
        kind: u8,
    },
    /// No value has this type.
    UnknownType {
        /// The type byte.
        tag: u8,
    },
    /// Text that is not UTF-8.
    InvalidUtf8 {
        /// Where.
        field: Field,
    },
    /// A length that the field cannot have.
    BadLength {
        /// Which field.
        field: Field,
        /// The length found.
        length: usize,
    },
    /// A field whose value is not allowed, or not the one way to write it.
    BadValue {
        /// Which field.
        field: Field,
    },
    /// The value has a type that this kind of message cannot have (a join with an integer).
    WrongType {
        /// The kind byte.
        kind: u8,
        /// The type byte found.
        tag: u8,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { field } => write!(f, "{field} runs past the end of the frame"),
            Self::TrailingBytes { count } => write!(f, "{count} bytes after the last field"),
            Self::UnknownVersion { found } => write!(f, "wire version {found} is not known"),
            Self::WrongVersion { found, expected } => {
                write!(f, "wire version {found} on a connection of version {expected}")
            }
            Self::UnknownKind { kind } => write!(f, "message kind {kind} is not known"),
            Self::UnknownType { tag } => write!(f, "value type {tag} is not known"),
            Self::InvalidUtf8 { field } => write!(f, "{field} is not UTF-8"),
            Self::BadLength { field, length } => {
                write!(f, "{field} cannot have a length of {length} bytes")
            }
            Self::BadValue { field } => write!(f, "{field} has a value that is not allowed"),
            Self::WrongType { kind, tag } => {
                write!(f, "message kind {kind} cannot carry a value of type {tag}")
            }
        }
    }
}

impl core::error::Error for DecodeError {}

/// The message cannot be written in that version. The caller is to blame; nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// Versions 1 and 2 carry integers of 48 bits. Send a decimal instead.
    IntegerOutOfRange {
        /// The integer.
        value: i64,
    },
    /// A field is longer than its length prefix can say.
    TooLong {
        /// Which one.
        field: Field,
        /// Its length in bytes.
        length: usize,
        /// The longest that fits.
        limit: usize,
    },
    /// Versions 1 and 2 write lists as `a,b|event`: a name or an event holds `,` or `|`.
    Separator {
        /// Which one.
        field: Field,
    },
    /// A room or an id is a name that each JavaScript object has, such as `constructor`. It would end the process of a
    /// Node server of version 1 or 2.
    Prototype,
    /// The version has no way to say this.
    Unsupported {
        /// The version asked for.
        version: u8,
        /// What cannot be said.
        what: &'static str,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IntegerOutOfRange { value } => {
                write!(f, "integer {value} does not fit the 48 bits of wire versions 1 and 2")
            }
            Self::TooLong { field, length, limit } => {
                write!(f, "{field} of {length} bytes is longer than {limit} bytes")
            }
            Self::Separator { field } => {
                write!(f, "{field} holds ',' or '|', which wire versions 1 and 2 cannot carry")
            }
            Self::Prototype => {
                f.write_str("a room or an id is a name that JavaScript objects have")
            }
            Self::Unsupported { version, what } => {
                write!(f, "wire version {version} cannot carry {what}")
            }
        }
    }
}

impl core::error::Error for EncodeError {}
