//! `type u8 | bytes to the end of the frame`.
//!
//! ```text
//! 1 string    UTF-8
//! 2 binary    bytes
//! 3 integer   zigzag varint
//! 4 decimal   8 bytes, IEEE 754 double, little-endian
//! 5 object    format id u8, then the format's bytes
//! 6 boolean   1 byte, 0 or 1
//! 7 empty     nothing
//! ```

use bytes::{BufMut, BytesMut};

use crate::error::{DecodeError, Field};
use crate::read::{Reader, utf8};
use crate::value::{FormatId, ValueRef, tag};
use crate::write::{put_varint, unzigzag, varint_len, zigzag};

/// How many bytes [`put`] writes.
#[inline]
pub(super) fn len(value: ValueRef<'_>) -> usize {
    1 + match value {
        ValueRef::Binary(bytes) => bytes.len(),
        ValueRef::String(text) => text.len(),
        ValueRef::Object { bytes, .. } => 1 + bytes.len(),
        ValueRef::Integer(value) => varint_len(zigzag(value)),
        ValueRef::Decimal(_) => 8,
        ValueRef::Bool(_) => 1,
        ValueRef::Empty => 0,
    }
}

#[inline]
pub(super) fn put(out: &mut BytesMut, value: ValueRef<'_>) {
    match value {
        ValueRef::String(text) => {
            out.put_u8(tag::STRING);
            out.put_slice(text.as_bytes());
        }
        ValueRef::Binary(bytes) => {
            out.put_u8(tag::BINARY);
            out.put_slice(bytes);
        }
        ValueRef::Integer(value) => {
            out.put_u8(tag::INTEGER);
            put_varint(out, zigzag(value));
        }
        ValueRef::Decimal(value) => {
            out.put_u8(tag::DECIMAL);
            out.put_f64_le(value);
        }
        ValueRef::Object { format, bytes } => {
            out.put_slice(&[tag::OBJECT, format.0]);
            out.put_slice(bytes);
        }
        ValueRef::Bool(value) => out.put_slice(&[tag::BOOLEAN, u8::from(value)]),
        ValueRef::Empty => out.put_u8(tag::EMPTY),
    }
}

/// Bytes are taken in place: the common case stays small enough to be inlined.
#[inline]
pub(super) fn take<'a>(mut reader: Reader<'a>) -> Result<ValueRef<'a>, DecodeError> {
    match reader.u8(Field::Value)? {
        tag::BINARY => Ok(ValueRef::Binary(reader.rest())),
        tag => take_other(tag, reader),
    }
}

fn take_other<'a>(tag: u8, mut reader: Reader<'a>) -> Result<ValueRef<'a>, DecodeError> {
    Ok(match tag {
        tag::STRING => ValueRef::String(utf8(reader.rest(), Field::String)?),
        tag::BINARY => ValueRef::Binary(reader.rest()),
        tag::INTEGER => {
            let value = unzigzag(reader.varint(Field::Integer)?);
            reader.finish()?;
            ValueRef::Integer(value)
        }
        tag::DECIMAL => {
            let bytes = *reader.array(Field::Decimal)?;
            reader.finish()?;
            ValueRef::Decimal(f64::from_le_bytes(bytes))
        }
        tag::OBJECT => {
            let format = FormatId(reader.u8(Field::Format)?);
            ValueRef::Object { format, bytes: reader.rest() }
        }
        tag::BOOLEAN => {
            let value = match reader.u8(Field::Bool)? {
                0 => false,
                1 => true,
                _ => return Err(DecodeError::BadValue { field: Field::Bool }),
            };
            reader.finish()?;
            ValueRef::Bool(value)
        }
        tag::EMPTY => {
            reader.finish()?;
            ValueRef::Empty
        }
        tag => return Err(DecodeError::UnknownType { tag }),
    })
}
