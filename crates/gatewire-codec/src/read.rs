//! A cursor over one frame. Each read names the field, so that an error can.

use crate::error::{DecodeError, Field};

/// The longest varint: ten groups of seven bits hold 64.
const MAX_VARINT: usize = 10;

pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) fn new(frame: &'a [u8]) -> Self {
        Self { rest: frame }
    }

    /// All that is left.
    #[inline]
    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn peek_rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Refuses bytes after the last field.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            count => Err(DecodeError::TrailingBytes { count }),
        }
    }

    #[inline]
    pub(crate) fn u8(&mut self, field: Field) -> Result<u8, DecodeError> {
        let (&first, rest) = self.rest.split_first().ok_or(DecodeError::Truncated { field })?;
        self.rest = rest;
        Ok(first)
    }

    #[inline]
    pub(crate) fn array<const N: usize>(
        &mut self,
        field: Field,
    ) -> Result<&'a [u8; N], DecodeError> {
        let (array, rest) =
            self.rest.split_first_chunk::<N>().ok_or(DecodeError::Truncated { field })?;
        self.rest = rest;
        Ok(array)
    }

    pub(crate) fn u16(&mut self, field: Field) -> Result<u16, DecodeError> {
        self.array(field).map(|bytes| u16::from_le_bytes(*bytes))
    }

    pub(crate) fn u32(&mut self, field: Field) -> Result<u32, DecodeError> {
        self.array(field).map(|bytes| u32::from_le_bytes(*bytes))
    }

    #[inline]
    pub(crate) fn bytes(&mut self, length: usize, field: Field) -> Result<&'a [u8], DecodeError> {
        let (bytes, rest) =
            self.rest.split_at_checked(length).ok_or(DecodeError::Truncated { field })?;
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    pub(crate) fn str(&mut self, length: usize, field: Field) -> Result<&'a str, DecodeError> {
        utf8(self.bytes(length, field)?, field)
    }

    /// An unsigned LEB128 integer. Only the shortest form is accepted, so that each number has
    /// one encoding.
    #[inline]
    pub(crate) fn varint(&mut self, field: Field) -> Result<u64, DecodeError> {
        match self.rest {
            [first, rest @ ..] if *first < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*first))
            }
            _ => self.long_varint(field),
        }
    }

    fn long_varint(&mut self, field: Field) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for (index, &byte) in self.rest.iter().take(MAX_VARINT).enumerate() {
            if index == MAX_VARINT - 1 && byte > 1 {
                return Err(DecodeError::BadValue { field });
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[index + 1..];
                let shortest = index == 0 || byte != 0;
                return if shortest { Ok(value) } else { Err(DecodeError::BadValue { field }) };
            }
        }
        Err(DecodeError::Truncated { field })
    }

    pub(crate) fn varint_u32(&mut self, field: Field) -> Result<u32, DecodeError> {
        u32::try_from(self.varint(field)?).map_err(|_| DecodeError::BadValue { field })
    }

    /// Text behind a varint length.
    #[inline]
    pub(crate) fn lv_str(&mut self, field: Field) -> Result<&'a str, DecodeError> {
        let length = self.varint(field)?;
        let length = usize::try_from(length).map_err(|_| DecodeError::Truncated { field })?;
        self.str(length, field)
    }
}

#[inline]
pub(crate) fn utf8(bytes: &[u8], field: Field) -> Result<&str, DecodeError> {
    core::str::from_utf8(bytes).map_err(|_| DecodeError::InvalidUtf8 { field })
}
