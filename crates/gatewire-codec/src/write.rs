//! Appends fields to a buffer.

use bytes::{BufMut, BytesMut};

use crate::error::{EncodeError, Field};
use crate::framer::LENGTH_PREFIX;

/// Unsigned LEB128, shortest form.
#[inline]
pub(crate) fn put_varint(out: &mut BytesMut, mut value: u64) {
    while value >= 0x80 {
        out.put_u8(low_byte(value) | 0x80);
        value >>= 7;
    }
    out.put_u8(low_byte(value));
}

/// How many bytes [`put_varint`] writes.
#[inline]
pub(crate) fn varint_len(value: u64) -> usize {
    (u64::BITS - (value | 1).leading_zeros()).div_ceil(7) as usize
}

#[inline]
pub(crate) fn low_byte(value: u64) -> u8 {
    value.to_le_bytes()[0]
}

/// Maps small negative numbers to small unsigned ones.
#[inline]
pub(crate) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// Text behind a varint length.
#[inline]
pub(crate) fn put_lv_str(out: &mut BytesMut, text: &str) {
    put_varint(out, text.len() as u64);
    out.put_slice(text.as_bytes());
}

/// Refuses a field that is longer than `limit`.
#[inline]
pub(crate) fn check_len(field: Field, length: usize, limit: usize) -> Result<(), EncodeError> {
    if length > limit {
        return Err(EncodeError::TooLong { field, length, limit });
    }
    Ok(())
}

/// Writes one frame: a place for the length, what `body` appends, then the length.
///
/// When `body` fails, `out` is as before.
pub(crate) fn frame(
    out: &mut BytesMut,
    body: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let start = out.len();
    out.put_u32_le(0);
    let result = body(out).and_then(|()| {
        let length = out.len() - start - LENGTH_PREFIX;
        check_len(Field::Value, length, u32::MAX as usize)?;
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        out[start..start + LENGTH_PREFIX].copy_from_slice(&length.to_le_bytes());
        Ok(())
    });
    if result.is_err() {
        out.truncate(start);
    }
    result
}
