//! Objects as Protocol Buffers messages, through `prost`.
//!
//! [`Protobuf`] is told its types: [`Protobuf::with`] for each. A type derives [`prost::Message`]
//! and, because [`Object`](gatewire_format::Object) asks for it, serde's `Serialize` and
//! `Deserialize`; serde is not used here, but lets the same type go in another format. No `protoc`
//! is needed.
//!
//! Fields travel as numbers. A field that the receiver does not know is skipped, and one that the
//! sender left out is its default, so both sides can be updated one after the other: never give a
//! number a second meaning.
//!
//! # Limits
//!
//! * Messages 100 deep in one another; deeper ones are an error.
//! * A message has no mark of its own: bytes of another message type may be read as this one where
//!   numbers and wire types agree, and no bytes are a message of defaults.
//! * Bytes after the message are read as further fields, as the format has it: known ones override
//!   or extend, unknown ones are skipped, anything else is an error.
//!
//! # Example
//!
//! ```
//! use gatewire_format::{DecodeContext, EncodeContext, Formats, FromValue, IntoValue, Object};
//! use gatewire_protobuf::Protobuf;
//!
//! #[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize)]
//! struct Point {
//!     #[prost(sint32, tag = "1")]
//!     x: i32,
//!     #[prost(sint32, tag = "2")]
//!     y: i32,
//! }
//!
//! let formats = Formats::new(Protobuf::new().with::<Point>());
//! let mut scratch = Vec::new();
//! let point = Object(Point { x: 3, y: -4 });
//! let value = point.to_value(EncodeContext::new(&formats, "move", &mut scratch))?;
//! let Object(back) = Object::<Point>::from_value(value, &DecodeContext::new(&formats, "move"))?;
//! assert_eq!((back.x, back.y), (3, -4));
//! assert_eq!(scratch, [0x08, 6, 0x10, 7]);
//! # Ok::<(), gatewire_format::FormatError>(())
//! ```

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;

use gatewire_format::{Format, FormatError, FormatId, ObjectSlot, ObjectSource};
pub use prost;
use prost::Message;

/// Protocol Buffers, [`FormatId::PROTOBUF`], for the types that it was told about. See the
/// [crate] for its limits.
#[derive(Clone, Default)]
pub struct Protobuf {
    types: HashMap<TypeId, MessageType>,
}

impl Protobuf {
    /// Knows no type yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Also encodes and decodes `T`. Told twice is told once.
    #[must_use]
    pub fn with<T: Message + Default + 'static>(mut self) -> Self {
        let message_type = MessageType {
            name: std::any::type_name::<T>(),
            encode: encode::<T>,
            decode: decode::<T>,
        };
        self.types.insert(TypeId::of::<T>(), message_type);
        self
    }
}

/// What is known of a type: how to find it behind an object or a slot, and what to do then.
#[derive(Clone, Copy)]
struct MessageType {
    name: &'static str,
    encode: fn(ObjectSource<'_>, &mut Vec<u8>) -> Result<(), FormatError>,
    decode: fn(&[u8], &mut dyn ObjectSlot) -> Result<(), FormatError>,
}

impl Format for Protobuf {
    fn id(&self) -> FormatId {
        FormatId::PROTOBUF
    }

    fn name(&self) -> &str {
        NAME
    }

    fn encode(
        &self,
        object: ObjectSource<'_>,
        _event: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        match self.types.get(&object.as_any().type_id()) {
            Some(message_type) => (message_type.encode)(object, out),
            None => Err(unknown(object.type_name())),
        }
    }

    fn decode(
        &self,
        bytes: &[u8],
        _event: &str,
        slot: &mut dyn ObjectSlot,
    ) -> Result<(), FormatError> {
        match self.types.get(&slot.type_id()) {
            Some(message_type) => (message_type.decode)(bytes, slot),
            None => Err(unknown(slot.type_name())),
        }
    }
}

impl fmt::Debug for Protobuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.types.values().map(|known| known.name).collect();
        names.sort_unstable();
        f.debug_tuple("Protobuf").field(&names).finish()
    }
}

fn encode<T: Message + 'static>(
    object: ObjectSource<'_>,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let message = object.as_any().downcast_ref::<T>().ok_or_else(|| unknown(object.type_name()))?;
    message.encode(out).map_err(|error| FormatError::Encode {
        format: NAME.to_owned(),
        message: error.to_string(),
    })
}

fn decode<T: Message + Default + 'static>(
    bytes: &[u8],
    slot: &mut dyn ObjectSlot,
) -> Result<(), FormatError> {
    let message = T::decode(bytes).map_err(|error| FormatError::Decode {
        format: NAME.to_owned(),
        message: error.to_string(),
    })?;
    let type_name = slot.type_name();
    let target = slot.as_any_mut().downcast_mut::<Option<T>>().ok_or_else(|| unknown(type_name))?;
    *target = Some(message);
    Ok(())
}

fn unknown(type_name: &'static str) -> FormatError {
    FormatError::UnknownType { format: NAME.to_owned(), type_name }
}

const NAME: &str = "protobuf";
