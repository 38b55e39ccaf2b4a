//! A frame of version 1 or 2 exactly as it stands on the wire.

use bytes::{BufMut, BytesMut};

use super::{Kind, MAX_CELLS, MAX_EVENT};
use crate::Version;
use crate::error::{DecodeError, EncodeError, Field};
use crate::read::{Reader, utf8};
use crate::value::{FormatId, ValueRef, int48, read_int_le, tag};
use crate::write::{check_len, frame};

/// What a router does with the `cells` of a version 2 packet (`CELL_ADD`, `CELL_SUB`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// The hosts that have seen the packet: it floods to all others.
    #[default]
    Add,
    /// The hosts that are still to be served.
    Sub,
}

impl Policy {
    fn code(self) -> u8 {
        match self {
            Self::Add => 1,
            Self::Sub => 2,
        }
    }
}

/// The fields of one version 1 or 2 frame. Borrows the frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Packet<'a> {
    /// `V1` or `V2`.
    pub version: Version,
    /// Always 0 when written by the Node packages, ignored when read.
    pub flags: u8,
    /// What the packet is.
    pub kind: Kind,
    /// Version 2 only. Any byte but 2 reads as [`Policy::Add`].
    pub policy: Policy,
    /// Version 2 only: host names joined by `|`; a set, in no order. Empty on client traffic.
    pub cells: &'a str,
    /// Each frame has one; 0 is never allocated.
    pub id: u32,
    /// The event name, with a `targets|` prefix where the kind has targets.
    pub event: &'a str,
    /// The data.
    pub value: ValueRef<'a>,
}

impl<'a> Packet<'a> {
    /// A packet with no flags, cells or event, and empty data.
    #[must_use]
    pub fn new(version: Version, kind: Kind, id: u32) -> Self {
        Self {
            version,
            flags: 0,
            kind,
            policy: Policy::Add,
            cells: "",
            id,
            event: "",
            value: ValueRef::Empty,
        }
    }

    /// Reads a frame (without its length prefix) of a connection that speaks `version`, 1 or 2.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode), and [`DecodeError::WrongVersion`] for a frame of another
    /// version. The Node packages skip such a frame.
    pub fn decode_as(version: Version, frame: &'a [u8]) -> Result<Self, DecodeError> {
        match Version::of(frame)? {
            found if found == version => Self::decode(frame),
            found => Err(DecodeError::WrongVersion { found: found as u8, expected: version as u8 }),
        }
    }

    /// Reads a frame (without its length prefix) of either version.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for anything that no encoder produces. Message types that nobody has
    /// assigned are no error here: see [`Kind::Unassigned`].
    pub fn decode(frame: &'a [u8]) -> Result<Self, DecodeError> {
        let version = match Version::of(frame)? {
            Version::V3 => return Err(DecodeError::WrongVersion { found: 3, expected: 2 }),
            version => version,
        };
        let mut reader = Reader::new(frame);
        let [_, flags, data_type, code] = *reader.array(Field::Header)?;
        let kind = Kind::from_code(version, code);
        let (policy, cells) = if version == Version::V2 {
            let [policy, length] = *reader.array(Field::Header)?;
            let cells = reader.str(usize::from(length), Field::Cells)?;
            (if policy == Policy::Sub.code() { Policy::Sub } else { Policy::Add }, cells)
        } else {
            (Policy::Add, "")
        };
        let id = reader.u32(Field::Header)?;
        let length = reader.u16(Field::Header)?;
        let event = reader.str(usize::from(length), Field::Event)?;
        let length = reader.u32(Field::ValueLength)?;
        let data = reader.bytes(length as usize, Field::Value)?;
        reader.finish()?;
        let value = decode_value(data_type, data)?;
        Ok(Self { version, flags, kind, policy, cells, id, event, value })
    }

    /// Appends the packet to `out` as a whole frame, length prefix included.
    ///
    /// # Errors
    ///
    /// [`EncodeError`]; `out` is as before. An object is written without its format id.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let unsupported =
            EncodeError::Unsupported { version: self.version as u8, what: "this kind" };
        let code = self.kind.code(self.version).ok_or(unsupported)?;
        if self.version == Version::V1 && (self.policy != Policy::Add || !self.cells.is_empty()) {
            return Err(EncodeError::Unsupported { version: 1, what: "a host list" });
        }
        check_len(Field::Event, self.event.len(), MAX_EVENT)?;
        check_len(Field::Cells, self.cells.len(), MAX_CELLS)?;
        let integer;
        let decimal;
        let (data_type, data): (u8, &[u8]) = match self.value {
            ValueRef::Empty => (tag::EMPTY, &[]),
            ValueRef::Bool(value) => (tag::BOOLEAN, if value { &[1] } else { &[0] }),
            ValueRef::Integer(value) => {
                integer = int48(value)?;
                (tag::INTEGER, &integer)
            }
            ValueRef::Decimal(value) => {
                decimal = value.to_le_bytes();
                (tag::DECIMAL, &decimal)
            }
            ValueRef::String(text) => (tag::STRING, text.as_bytes()),
            ValueRef::Binary(bytes) => (tag::BINARY, bytes),
            ValueRef::Object { bytes, .. } => (tag::OBJECT, bytes),
        };
        check_len(Field::Value, data.len(), u32::MAX as usize)?;
        frame(out, |out| {
            out.reserve(self.cells.len() + self.event.len() + data.len() + 16);
            out.put_slice(&[self.version as u8, self.flags, data_type, code]);
            if self.version == Version::V2 {
                out.put_u8(self.policy.code());
                out.put_u8(u8::try_from(self.cells.len()).unwrap_or(u8::MAX));
                out.put_slice(self.cells.as_bytes());
            }
            out.put_u32_le(self.id);
            out.put_u16_le(u16::try_from(self.event.len()).unwrap_or(u16::MAX));
            out.put_slice(self.event.as_bytes());
            out.put_u32_le(u32::try_from(data.len()).unwrap_or(u32::MAX));
            out.put_slice(data);
            Ok(())
        })
    }
}

fn decode_value(data_type: u8, data: &[u8]) -> Result<ValueRef<'_>, DecodeError> {
    let length = data.len();
    Ok(match data_type {
        tag::STRING => ValueRef::String(utf8(data, Field::String)?),
        tag::BINARY => ValueRef::Binary(data),
        tag::INTEGER => ValueRef::Integer(read_int_le(data)?),
        tag::DECIMAL => {
            let bad = DecodeError::BadLength { field: Field::Decimal, length };
            ValueRef::Decimal(f64::from_le_bytes(data.try_into().map_err(|_| bad)?))
        }
        tag::OBJECT => ValueRef::Object { format: FormatId::UNSPECIFIED, bytes: data },
        tag::BOOLEAN => match data {
            // Node writes 0 or 1 and reads any other byte as true.
            [byte] => ValueRef::Bool(*byte != 0),
            _ => return Err(DecodeError::BadLength { field: Field::Bool, length }),
        },
        // Node ignores a body here.
        tag::EMPTY => ValueRef::Empty,
        tag => return Err(DecodeError::UnknownType { tag }),
    })
}
