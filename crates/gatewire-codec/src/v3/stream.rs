//! The frames of streams: bytes in one direction, from the side that opened the stream (the opener)
//! to the other one (the reader).
//!
//! ```text
//! 24 STREAM_OPEN    flags u8 | id v | [rooms] | [sockets] | [except rooms] | [except sockets]
//!                   | name lv | value
//! 25 STREAM_FINISH  id v | length v
//! 26 STREAM_RESET   id v | code u8 | text
//! 27 STREAM_STOP    id v | code u8 | text
//! 28 STREAM_CREDIT  id v | limit v
//! 29 OUTCOME        id v | socket id lv | 0 | value
//!                   id v | socket id lv | 1 | nack code u8 | value
//!                   id v | socket id lv | 2 | stream code u8
//!                   id v | socket id lv | 3
//!                   id v | node name lv | 4
//! 32 STREAM_DATA    id v | 1 to 65,536 bytes, to the end of the frame
//! ```
//!
//! Which frame may follow which, and what credit is, is the session layer's business; see
//! `docs/protocol/v3.md`. An id of 0 is refused in both directions.

use bytes::{BufMut, BytesMut};

use super::body::{HEADER, put, put_named, take_event};
use super::kind::{
    OUTCOME, STREAM_CREDIT, STREAM_DATA, STREAM_FINISH, STREAM_OPEN, STREAM_RESET, STREAM_STOP,
};
use super::{MAX_CHUNK, VERSION, target, value};
use crate::code::{NackCode, StreamCode};
use crate::error::{DecodeError, EncodeError, Field};
use crate::framer::LENGTH_PREFIX;
use crate::message::{Message, ReceiverOutcome, Target};
use crate::read::{Reader, utf8};
use crate::value::ValueRef;
use crate::write::{check_len, put_lv_str, put_varint, varint_len};

/// The flags of a `STREAM_OPEN` that are not the target's.
mod flag {
    /// An ACK or a NACK is wanted.
    pub(super) const ACK: u8 = 1 << 6;
    /// For others, through the server. Without it no bit of the target may be set.
    pub(super) const TARGETED: u8 = 1 << 7;
}

/// What became of a receiver, in an `OUTCOME`.
mod status {
    pub(super) const ANSWERED: u8 = 0;
    pub(super) const REFUSED: u8 = 1;
    pub(super) const STOPPED: u8 = 2;
    pub(super) const ASKED: u8 = 3;
    pub(super) const UNREACHABLE: u8 = 4;
}

/// Appends all of a [`Message::StreamChunk`] but its bytes: the caller puts `length` bytes behind
/// what is written, or sends them from where they are.
///
/// # Errors
///
/// `out` is as before. [`EncodeError::TooLong`]: `length` is above [`MAX_CHUNK`];
/// [`EncodeError::Unsupported`]: it is 0, or `id` is.
///
/// # Example
///
/// ```
/// use bytes::BytesMut;
/// use gatewire_codec::{LENGTH_PREFIX, Message, v3};
///
/// let bytes = b"some bytes";
/// let mut wire = BytesMut::new();
/// v3::encode_chunk_header(7, bytes.len(), &mut wire)?;
/// assert_eq!(wire.len(), v3::chunk_header_len(7));
/// wire.extend_from_slice(bytes);
///
/// let chunk = Message::StreamChunk { id: 7, event: "", bytes };
/// assert_eq!(v3::decode(&wire[LENGTH_PREFIX..])?, chunk);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn encode_chunk_header(id: u32, length: usize, out: &mut BytesMut) -> Result<(), EncodeError> {
    check_id(id)?;
    if length == 0 {
        return Err(unsupported("an empty chunk"));
    }
    check_len(Field::Data, length, MAX_CHUNK)?;
    let header = chunk_header_len(id);
    let length = u32::try_from(header - LENGTH_PREFIX + length).unwrap_or(u32::MAX);
    let [a, b, c, d] = length.to_le_bytes();
    out.reserve(header);
    out.put_slice(&[a, b, c, d, VERSION, STREAM_DATA]);
    put_varint(out, id.into());
    Ok(())
}

/// How many bytes [`encode_chunk_header`] writes, the length prefix included: 7 to 11.
#[inline]
#[must_use]
pub fn chunk_header_len(id: u32) -> usize {
    LENGTH_PREFIX + HEADER + varint_len(id.into())
}

/// Reads the body of a stream's frame. Not inlined: it makes the caller, which reads requests and answers
/// too, slower by 3 to 5 % in `cargo xtask bench --icount`.
#[inline(never)]
pub(super) fn take<'a>(kind: u8, mut reader: Reader<'a>) -> Result<Message<'a>, DecodeError> {
    if kind == STREAM_OPEN {
        return take_open(reader);
    }
    let id = take_id(&mut reader)?;
    Ok(match kind {
        STREAM_DATA => {
            let bytes = reader.rest();
            if bytes.is_empty() || bytes.len() > MAX_CHUNK {
                return Err(DecodeError::BadLength { field: Field::Data, length: bytes.len() });
            }
            Message::StreamChunk { id, event: "", bytes }
        }
        STREAM_FINISH => {
            let length = reader.varint(Field::Offset)?;
            reader.finish()?;
            Message::StreamFinish { id, event: "", length: Some(length) }
        }
        STREAM_RESET | STREAM_STOP => {
            let code = StreamCode::from_u8(reader.u8(Field::Code)?);
            let text = utf8(reader.rest(), Field::Text)?;
            if kind == STREAM_RESET {
                Message::StreamReset { id, code, text }
            } else {
                Message::StreamStop { id, code, text }
            }
        }
        STREAM_CREDIT => {
            let limit = reader.varint(Field::Offset)?;
            reader.finish()?;
            Message::StreamCredit { id, limit }
        }
        OUTCOME => {
            let socket_id = reader.lv_str(Field::SocketId)?;
            Message::Outcome { id, socket_id, outcome: take_outcome(reader)? }
        }
        kind => return Err(DecodeError::UnknownKind { kind }),
    })
}

fn take_open(mut reader: Reader<'_>) -> Result<Message<'_>, DecodeError> {
    let flags = reader.u8(Field::Flags)?;
    let targeted = flags & flag::TARGETED != 0;
    if !targeted && flags & target::TARGET != 0 {
        return Err(DecodeError::BadValue { field: Field::Flags });
    }
    let id = take_id(&mut reader)?;
    let target = if targeted { Some(target::take(&mut reader, flags)?) } else { None };
    let event = take_event(&mut reader)?;
    let info = value::take(reader)?;
    Ok(Message::StreamOpen { id, target, event, info, ack: flags & flag::ACK != 0 })
}

fn take_outcome<'a>(mut reader: Reader<'a>) -> Result<ReceiverOutcome<'a>, DecodeError> {
    Ok(match reader.u8(Field::Code)? {
        status::ANSWERED => ReceiverOutcome::Answered(value::take(reader)?),
        status::REFUSED => {
            let code = NackCode::from_u8(reader.u8(Field::Code)?);
            ReceiverOutcome::Refused { code, value: value::take(reader)? }
        }
        status::STOPPED => {
            let code = StreamCode::from_u8(reader.u8(Field::Code)?);
            reader.finish()?;
            ReceiverOutcome::Stopped { code }
        }
        status::ASKED => {
            reader.finish()?;
            ReceiverOutcome::Asked
        }
        status::UNREACHABLE => {
            reader.finish()?;
            ReceiverOutcome::Unreachable
        }
        _ => return Err(DecodeError::BadValue { field: Field::Code }),
    })
}

fn take_id(reader: &mut Reader<'_>) -> Result<u32, DecodeError> {
    match reader.varint_u32(Field::Id)? {
        0 => Err(DecodeError::BadValue { field: Field::Id }),
        id => Ok(id),
    }
}

/// Appends a [`Message::StreamOpen`].
pub(super) fn put_open(
    out: &mut BytesMut,
    id: u32,
    target: Option<&Target<'_>>,
    event: &str,
    info: ValueRef<'_>,
    ack: bool,
) -> Result<(), EncodeError> {
    check_id(id)?;
    let mut flags = target.map_or(0, |target| flag::TARGETED | target::flags(target));
    if ack {
        flags |= flag::ACK;
    }
    put(out, STREAM_OPEN, |out| {
        out.put_u8(flags);
        put_varint(out, id.into());
        if let Some(target) = target {
            target::put_lists(out, target);
        }
        put_named(out, event, info)
    })
}

/// Appends a [`Message::StreamChunk`].
pub(super) fn put_chunk(out: &mut BytesMut, id: u32, bytes: &[u8]) -> Result<(), EncodeError> {
    encode_chunk_header(id, bytes.len(), out)?;
    out.put_slice(bytes);
    Ok(())
}

/// Appends a [`Message::StreamFinish`].
pub(super) fn put_finish(
    out: &mut BytesMut,
    id: u32,
    length: Option<u64>,
) -> Result<(), EncodeError> {
    let length = length.ok_or(unsupported("the end of a stream without its length"))?;
    put_offset(out, STREAM_FINISH, id, length)
}

/// Appends a [`Message::StreamCredit`].
pub(super) fn put_credit(out: &mut BytesMut, id: u32, limit: u64) -> Result<(), EncodeError> {
    put_offset(out, STREAM_CREDIT, id, limit)
}

fn put_offset(out: &mut BytesMut, kind: u8, id: u32, offset: u64) -> Result<(), EncodeError> {
    check_id(id)?;
    put(out, kind, |out| {
        put_varint(out, id.into());
        put_varint(out, offset);
        Ok(())
    })
}

/// Appends a [`Message::StreamReset`] or a [`Message::StreamStop`], whichever `kind` says.
pub(super) fn put_code(
    out: &mut BytesMut,
    kind: u8,
    id: u32,
    code: StreamCode,
    text: &str,
) -> Result<(), EncodeError> {
    check_id(id)?;
    put(out, kind, |out| {
        put_varint(out, id.into());
        out.put_u8(code.to_u8());
        out.put_slice(text.as_bytes());
        Ok(())
    })
}

/// Appends a [`Message::Outcome`].
pub(super) fn put_outcome(
    out: &mut BytesMut,
    id: u32,
    socket_id: &str,
    outcome: ReceiverOutcome<'_>,
) -> Result<(), EncodeError> {
    check_id(id)?;
    put(out, OUTCOME, |out| {
        put_varint(out, id.into());
        put_lv_str(out, socket_id);
        match outcome {
            ReceiverOutcome::Answered(value) => {
                out.put_u8(status::ANSWERED);
                value::put(out, value);
            }
            ReceiverOutcome::Refused { code, value } => {
                out.put_slice(&[status::REFUSED, code.to_u8()]);
                value::put(out, value);
            }
            ReceiverOutcome::Stopped { code } => {
                out.put_slice(&[status::STOPPED, code.to_u8()]);
            }
            ReceiverOutcome::Asked => out.put_u8(status::ASKED),
            ReceiverOutcome::Unreachable => out.put_u8(status::UNREACHABLE),
        }
        Ok(())
    })
}

fn check_id(id: u32) -> Result<(), EncodeError> {
    if id == 0 {
        return Err(unsupported("a stream with the id 0"));
    }
    Ok(())
}

fn unsupported(what: &'static str) -> EncodeError {
    EncodeError::Unsupported { version: VERSION, what }
}
