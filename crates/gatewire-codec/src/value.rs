//! Values: what an event carries. The same seven types in all wire versions.

use alloc::string::String;
use bytes::Bytes;

use crate::Field;
use crate::error::{DecodeError, EncodeError};

/// Names the encoding of an object's bytes. Travels in version 3; versions 1 and 2 carry none.
///
/// `1..=63` are assigned by gatewire, `64..=255` are for users, `0` means "not told" (an object
/// that arrived over version 1 or 2: the endpoint's default format applies).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FormatId(pub u8);

impl FormatId {
    /// No id on the wire (versions 1 and 2).
    pub const UNSPECIFIED: Self = Self(0);
    /// JSON text.
    pub const JSON: Self = Self(1);
    /// `MessagePack`.
    pub const MSGPACK: Self = Self(2);
    /// Protocol Buffers.
    pub const PROTOBUF: Self = Self(3);
    /// Avro single datum, schema agreed elsewhere.
    pub const AVRO: Self = Self(4);
    /// The first id that is free for a user's own format.
    pub const FIRST_USER: Self = Self(64);
}

impl core::fmt::Display for FormatId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Self::UNSPECIFIED => f.write_str("unspecified (0)"),
            Self::JSON => f.write_str("json (1)"),
            Self::MSGPACK => f.write_str("msgpack (2)"),
            Self::PROTOBUF => f.write_str("protobuf (3)"),
            Self::AVRO => f.write_str("avro (4)"),
            Self(id) => write!(f, "format {id}"),
        }
    }
}

/// Type codes, the same in all three versions (`DT_*` in the Node packages).
pub(crate) mod tag {
    pub(crate) const STRING: u8 = 1;
    pub(crate) const BINARY: u8 = 2;
    pub(crate) const INTEGER: u8 = 3;
    pub(crate) const DECIMAL: u8 = 4;
    pub(crate) const OBJECT: u8 = 5;
    pub(crate) const BOOLEAN: u8 = 6;
    pub(crate) const EMPTY: u8 = 7;
}

/// A value that borrows the frame it was decoded from, or the memory it is encoded from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    /// Nothing.
    Empty,
    /// A boolean.
    Bool(bool),
    /// A signed integer. Versions 1 and 2 carry 48 bits; out of range is an error there.
    Integer(i64),
    /// An IEEE 754 double.
    Decimal(f64),
    /// UTF-8 text.
    String(&'a str),
    /// Raw bytes.
    Binary(&'a [u8]),
    /// A structured value in some format. The codec never looks inside.
    Object {
        /// How the bytes are to be read.
        format: FormatId,
        /// The encoded object.
        bytes: &'a [u8],
    },
}

impl ValueRef<'_> {
    /// The standard name of the type, for messages to people.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Bool(_) => "bool",
            Self::Integer(_) => "integer",
            Self::Decimal(_) => "decimal",
            Self::String(_) => "string",
            Self::Binary(_) => "binary",
            Self::Object { .. } => "object",
        }
    }

    /// Copies the value out of the frame.
    #[must_use]
    pub fn to_value(&self) -> Value {
        self.to_value_with(Bytes::copy_from_slice)
    }

    /// Takes the value out of `frame` without copying binary and object bytes: they share the
    /// frame's memory, and keep all of it alive. Bytes that are not part of `frame` are copied.
    #[must_use]
    pub fn to_value_in(&self, frame: &Bytes) -> Value {
        self.to_value_with(|slice| share(frame, slice))
    }

    fn to_value_with(self, bytes_of: impl Fn(&[u8]) -> Bytes) -> Value {
        match self {
            Self::Empty => Value::Empty,
            Self::Bool(value) => Value::Bool(value),
            Self::Integer(value) => Value::Integer(value),
            Self::Decimal(value) => Value::Decimal(value),
            Self::String(value) => Value::String(String::from(value)),
            Self::Binary(bytes) => Value::Binary(bytes_of(bytes)),
            Self::Object { format, bytes } => Value::Object { format, bytes: bytes_of(bytes) },
        }
    }
}

/// `slice` as a part of `frame` without copying, or as a copy when it lies elsewhere.
///
/// What is shared keeps the whole of `frame` alive.
#[must_use]
pub fn share(frame: &Bytes, slice: &[u8]) -> Bytes {
    let start = (slice.as_ptr() as usize).wrapping_sub(frame.as_ptr() as usize);
    if start.checked_add(slice.len()).is_some_and(|end| end <= frame.len()) {
        frame.slice(start..start + slice.len())
    } else {
        Bytes::copy_from_slice(slice)
    }
}

/// A value that owns its memory.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Nothing.
    #[default]
    Empty,
    /// A boolean.
    Bool(bool),
    /// A signed integer.
    Integer(i64),
    /// An IEEE 754 double.
    Decimal(f64),
    /// UTF-8 text.
    String(String),
    /// Raw bytes.
    Binary(Bytes),
    /// A structured value in some format.
    Object {
        /// How the bytes are to be read.
        format: FormatId,
        /// The encoded object.
        bytes: Bytes,
    },
}

impl Value {
    /// Borrows the value.
    #[must_use]
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Empty => ValueRef::Empty,
            Self::Bool(value) => ValueRef::Bool(*value),
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Decimal(value) => ValueRef::Decimal(*value),
            Self::String(value) => ValueRef::String(value),
            Self::Binary(bytes) => ValueRef::Binary(bytes),
            Self::Object { format, bytes } => ValueRef::Object { format: *format, bytes },
        }
    }
}

impl<'a> From<&'a Value> for ValueRef<'a> {
    fn from(value: &'a Value) -> Self {
        value.as_ref()
    }
}

/// Smallest integer of versions 1 and 2: -2^47.
pub(crate) const MIN_INT48: i64 = -(1 << 47);
/// Largest integer of versions 1 and 2: 2^47 - 1.
pub(crate) const MAX_INT48: i64 = (1 << 47) - 1;

/// Checks that an integer fits the 48 bits of versions 1 and 2.
pub(crate) fn int48(value: i64) -> Result<[u8; 6], EncodeError> {
    if !(MIN_INT48..=MAX_INT48).contains(&value) {
        return Err(EncodeError::IntegerOutOfRange { value });
    }
    let [a, b, c, d, e, f, _, _] = value.to_le_bytes();
    Ok([a, b, c, d, e, f])
}

/// Reads a little-endian two's complement integer of 1 to 6 bytes, as Node's `readIntLE` does.
pub(crate) fn read_int_le(bytes: &[u8]) -> Result<i64, DecodeError> {
    if bytes.is_empty() || bytes.len() > 6 {
        return Err(DecodeError::BadLength { field: Field::Integer, length: bytes.len() });
    }
    let negative = bytes[bytes.len() - 1] & 0x80 != 0;
    let mut wide = [if negative { 0xff } else { 0 }; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    Ok(i64::from_le_bytes(wide))
}
