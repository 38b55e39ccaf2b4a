//! Bytes to messages and back, for wire versions 1, 2 and 3 - and nothing else.
//!
//! The crate does no I/O, keeps no session state, needs no `std` and depends on [`bytes`] alone.
//! It is what a proxy, a sniffer or a test tool needs, and the bottom layer of the other crates.
//!
//! # The three steps
//!
//! ```text
//! TCP bytes --Framer--> frame (&[u8] / Bytes) --decode--> Message<'_> (borrows the frame)
//! Message<'_> --encode--> bytes appended to a BytesMut
//! ```
//!
//! * [`Framer`] cuts the byte stream into frames and refuses one that is longer than the limit
//!   from its four length bytes, before anything is allocated for it.
//! * [`Message`] is the one model for all versions. It borrows the frame: decoding copies and
//!   allocates nothing.
//! * Versions 1 and 2 have a field-exact layer of their own, [`legacy::Packet`], for tools that
//!   must reproduce bytes; [`legacy::Packet::to_message`] gives the meaning.
//!
//! # Invariants
//!
//! * Decoders are total: each byte string gives a message, "more bytes needed" or a typed error.
//!   No input panics, and nothing allocates more than the bytes that have arrived.
//! * `decode(encode(m)) == m`, and in version 3 also `encode(decode(b)) == b`: there is exactly one
//!   encoding of a message.
//! * An object's bytes are opaque here. Formats live in crates of their own.
//!
//! # Example
//!
//! ```
//! use bytes::BytesMut;
//! use gatewire_codec::{Framer, Message, ValueRef, v3};
//!
//! let mut wire = BytesMut::new();
//! v3::encode(&Message::Event { event: "hello", value: ValueRef::String("world") }, &mut wire)?;
//!
//! let mut framer = Framer::new(1 << 20);
//! let frame = framer.next_frame(&mut wire)?.expect("the frame is whole");
//! let message = v3::decode(&frame)?;
//! assert_eq!(message, Message::Event { event: "hello", value: ValueRef::String("world") });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]

extern crate alloc;

mod code;
mod error;
mod framer;
pub mod legacy;
mod message;
mod names;
mod read;
mod socket_address;
mod socket_id;
pub mod v3;
mod value;
mod write;

pub use code::{CloseCode, ErrorCode, GoAwayCode, NackCode, RejectCode, StreamCode};
pub use error::{DecodeError, EncodeError, Field, FrameError};
pub use framer::{Framer, LENGTH_PREFIX, Split, split_frame};
pub use message::{Message, ReceiverOutcome, Target};
pub use names::{Names, NamesIter};
pub use socket_address::{SocketAddress, SocketAddressError};
pub use socket_id::{ParseSocketIdError, SocketId};
pub use value::{FormatId, Value, ValueRef, share};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// A wire version: which layout the bytes after the length prefix have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// `fast-tcp`.
    V1 = 1,
    /// `@gatejs/cluster`.
    V2 = 2,
    /// gatewire's own.
    V3 = 3,
}

impl Version {
    /// The version byte of `frame`, if it is one of the three.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] for an empty frame, [`DecodeError::UnknownVersion`] otherwise.
    pub fn of(frame: &[u8]) -> Result<Self, DecodeError> {
        match frame.first() {
            None => Err(DecodeError::Truncated { field: Field::Version }),
            Some(1) => Ok(Self::V1),
            Some(2) => Ok(Self::V2),
            Some(3) => Ok(Self::V3),
            Some(&found) => Err(DecodeError::UnknownVersion { found }),
        }
    }
}
