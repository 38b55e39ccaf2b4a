//! The bodies of all frames but the handshake's and the streams'.
//!
//! ```text
//!  8 PING       token v                          9 PONG    token v
//! 10 GOAWAY     code u8 | window_ms v | text     11 CLOSE   code u8 | text
//! 12 ERROR      id v | code u8 | text
//! 16 EVENT      name lv | value                  17 REQUEST id v | name lv | value
//! 18 ACK        id v | value                     19 NACK    id v | code u8 | value
//! 20 PUBLISH    flags u8 | [id v] | [rooms] | [sockets] | [except rooms] | [except sockets]
//!               | name lv | value
//! 21 JOIN       id v | list    22 LEAVE  id v | list    23 LEAVE_ALL  id v
//!
//! v = varint, lv = varint length and text, list = count v and that many lv;
//! text and value run to the end of the frame
//! ```

use bytes::{BufMut, BytesMut};

use super::kind::{
    ACCEPT, ACK, CHALLENGE, CLOSE, ERROR, EVENT, GOAWAY, HELLO, JOIN, LEAVE, LEAVE_ALL, NACK,
    OUTCOME, PING, PONG, PROOF, PUBLISH, REJECT, REQUEST, STREAM_CREDIT, STREAM_DATA,
    STREAM_FINISH, STREAM_OPEN, STREAM_RESET, STREAM_STOP,
};
use super::{
    MAX_EVENT, MAX_HANDSHAKE_FRAME, VERSION, encode_ack, encode_event, encode_request, handshake,
    stream, target, value,
};
use crate::code::{CloseCode, ErrorCode, GoAwayCode, NackCode, RejectCode};
use crate::error::{DecodeError, EncodeError, Field};
use crate::message::Message;
use crate::names::Names;
use crate::read::{Reader, utf8};
use crate::value::ValueRef;
use crate::write::{check_len, frame, put_lv_str, put_varint};

/// The version byte and the kind byte.
pub(super) const HEADER: usize = 2;

/// The flags of a PUBLISH that are not the target's.
mod flag {
    pub(super) const REQUEST: u8 = 1 << 6;
    pub(super) const UNKNOWN: u8 = 1 << 7;
}

/// Reads a version 3 frame (without its length prefix). Copies and allocates nothing.
///
/// # Errors
///
/// [`DecodeError`]. The stream is still in step: whether to go on is the caller's choice, see
/// [`is_skippable`](super::is_skippable).
#[inline]
pub fn decode(frame: &[u8]) -> Result<Message<'_>, DecodeError> {
    let mut reader = Reader::new(frame);
    let [version, kind] = *reader.array(Field::Kind)?;
    if version != VERSION {
        return Err(DecodeError::WrongVersion { found: version, expected: VERSION });
    }
    if kind == EVENT {
        let event = take_event(&mut reader)?;
        return Ok(Message::Event { event, value: value::take(reader)? });
    }
    decode_other(kind, reader)
}

fn decode_other(kind: u8, mut reader: Reader<'_>) -> Result<Message<'_>, DecodeError> {
    Ok(match kind {
        // Given on as it is: what is put together below is moved once more.
        STREAM_OPEN | STREAM_FINISH | STREAM_RESET | STREAM_STOP | STREAM_CREDIT | OUTCOME
        | STREAM_DATA => return stream::take(kind, reader),
        REQUEST => {
            let id = reader.varint_u32(Field::Id)?;
            let event = take_event(&mut reader)?;
            Message::Request { id, event, value: value::take(reader)? }
        }
        ACK => Message::Ack { id: reader.varint_u32(Field::Id)?, value: value::take(reader)? },
        NACK => {
            let id = reader.varint_u32(Field::Id)?;
            let code = NackCode::from_u8(reader.u8(Field::Code)?);
            Message::Nack { id, code, value: value::take(reader)? }
        }
        PUBLISH => take_publish(reader)?,
        JOIN | LEAVE => {
            let id = reader.varint_u32(Field::Id)?;
            let rooms = Names::read(&mut reader)?;
            reader.finish()?;
            if kind == JOIN { Message::Join { id, rooms } } else { Message::Leave { id, rooms } }
        }
        LEAVE_ALL => {
            let id = reader.varint_u32(Field::Id)?;
            reader.finish()?;
            Message::LeaveAll { id }
        }
        PING | PONG => {
            let token = reader.varint(Field::Id)?;
            reader.finish()?;
            if kind == PING { Message::Ping { token } } else { Message::Pong { token } }
        }
        GOAWAY => {
            let code = GoAwayCode::from_u8(reader.u8(Field::Code)?);
            let retry_window_ms = reader.varint_u32(Field::RetryWindow)?;
            Message::GoAway { code, retry_window_ms, text: utf8(reader.rest(), Field::Text)? }
        }
        CLOSE => {
            let code = CloseCode::from_u8(reader.u8(Field::Code)?);
            Message::Close { code, text: utf8(reader.rest(), Field::Text)? }
        }
        ERROR => {
            let id = reader.varint_u32(Field::Id)?;
            let code = ErrorCode::from_u8(reader.u8(Field::Code)?);
            Message::Error { id, code, text: utf8(reader.rest(), Field::Text)? }
        }
        HELLO | CHALLENGE | PROOF | ACCEPT => take_handshake(kind, reader)?,
        REJECT => {
            let code = RejectCode::from_u8(reader.u8(Field::Code)?);
            let retry_after_s = reader.u16(Field::Handshake)?;
            reader.finish()?;
            Message::Reject { code, retry_after_s }
        }
        kind => return Err(DecodeError::UnknownKind { kind }),
    })
}

fn take_handshake(kind: u8, reader: Reader<'_>) -> Result<Message<'_>, DecodeError> {
    let length = HEADER + reader.peek_rest().len();
    if length > MAX_HANDSHAKE_FRAME as usize {
        return Err(DecodeError::BadLength { field: Field::Handshake, length });
    }
    Ok(match kind {
        HELLO => Message::Hello(handshake::Hello::take(reader)?),
        CHALLENGE => Message::Challenge(handshake::Challenge::take(reader)?),
        PROOF => Message::Proof(handshake::Proof::take(reader)?),
        _ => Message::Accept(handshake::Accept::take(reader)?),
    })
}

#[inline]
pub(super) fn take_event<'a>(reader: &mut Reader<'a>) -> Result<&'a str, DecodeError> {
    let event = reader.lv_str(Field::Event)?;
    if event.len() > MAX_EVENT {
        return Err(DecodeError::BadLength { field: Field::Event, length: event.len() });
    }
    Ok(event)
}

fn take_publish(mut reader: Reader<'_>) -> Result<Message<'_>, DecodeError> {
    let flags = reader.u8(Field::Flags)?;
    if flags & flag::UNKNOWN != 0 {
        return Err(DecodeError::BadValue { field: Field::Flags });
    }
    let request =
        if flags & flag::REQUEST != 0 { Some(reader.varint_u32(Field::Id)?) } else { None };
    let target = target::take(&mut reader, flags)?;
    let event = take_event(&mut reader)?;
    Ok(Message::Publish { request, target, event, value: value::take(reader)? })
}

/// Appends `message` to `out` as a version 3 frame, length prefix included.
///
/// # Errors
///
/// [`EncodeError`], `out` is as before: the message belongs to versions 1 and 2, an event name is
/// longer than [`MAX_EVENT`], a handshake frame would be longer than [`MAX_HANDSHAKE_FRAME`], or a
/// stream has the id 0, a chunk of no bytes or of more than [`MAX_CHUNK`](super::MAX_CHUNK), or an
/// end without its length.
pub fn encode(message: &Message<'_>, out: &mut BytesMut) -> Result<(), EncodeError> {
    match *message {
        Message::Event { event, value } => encode_event(event, value, out),
        Message::Request { id, event, value } => encode_request(id, event, value, out),
        Message::Ack { id, value } => encode_ack(id, value, out),
        Message::Nack { id, code, value } => put(out, NACK, |out| {
            put_varint(out, id.into());
            out.put_u8(code.to_u8());
            value::put(out, value);
            Ok(())
        }),
        Message::Publish { request, target, event, value } => put(out, PUBLISH, |out| {
            let flags = target::flags(&target);
            match request {
                Some(id) => {
                    out.put_u8(flags | flag::REQUEST);
                    put_varint(out, id.into());
                }
                None => out.put_u8(flags),
            }
            target::put_lists(out, &target);
            put_named(out, event, value)
        }),
        Message::Join { id, rooms } => put(out, JOIN, |out| {
            put_varint(out, id.into());
            target::put_names(out, rooms);
            Ok(())
        }),
        Message::Leave { id, rooms } => put(out, LEAVE, |out| {
            put_varint(out, id.into());
            target::put_names(out, rooms);
            Ok(())
        }),
        Message::LeaveAll { id } => put(out, LEAVE_ALL, |out| {
            put_varint(out, id.into());
            Ok(())
        }),
        Message::Ping { token } => put(out, PING, |out| {
            put_varint(out, token);
            Ok(())
        }),
        Message::Pong { token } => put(out, PONG, |out| {
            put_varint(out, token);
            Ok(())
        }),
        Message::GoAway { code, retry_window_ms, text } => put(out, GOAWAY, |out| {
            out.put_u8(code.to_u8());
            put_varint(out, retry_window_ms.into());
            out.put_slice(text.as_bytes());
            Ok(())
        }),
        Message::Close { code, text } => put(out, CLOSE, |out| {
            out.put_u8(code.to_u8());
            out.put_slice(text.as_bytes());
            Ok(())
        }),
        Message::Error { id, code, text } => put(out, ERROR, |out| {
            put_varint(out, id.into());
            out.put_u8(code.to_u8());
            out.put_slice(text.as_bytes());
            Ok(())
        }),
        Message::Hello(hello) => put_handshake(out, HELLO, |out| hello.put(out)),
        Message::Challenge(challenge) => put_handshake(out, CHALLENGE, |out| challenge.put(out)),
        Message::Proof(proof) => put_handshake(out, PROOF, |out| proof.put(out)),
        Message::Accept(accept) => put_handshake(out, ACCEPT, |out| accept.put(out)),
        Message::Reject { code, retry_after_s } => put(out, REJECT, |out| {
            out.put_u8(code.to_u8());
            out.put_u16_le(retry_after_s);
            Ok(())
        }),
        Message::StreamOpen { id, ref target, event, info, ack } => {
            stream::put_open(out, id, target.as_ref(), event, info, ack)
        }
        Message::StreamChunk { id, bytes, .. } => stream::put_chunk(out, id, bytes),
        Message::StreamFinish { id, length, .. } => stream::put_finish(out, id, length),
        Message::StreamReset { id, code, text } => {
            stream::put_code(out, STREAM_RESET, id, code, text)
        }
        Message::StreamStop { id, code, text } => {
            stream::put_code(out, STREAM_STOP, id, code, text)
        }
        Message::StreamCredit { id, limit } => stream::put_credit(out, id, limit),
        Message::Outcome { id, socket_id, outcome } => {
            stream::put_outcome(out, id, socket_id, outcome)
        }
        Message::Register { .. }
        | Message::AuthSeed { .. }
        | Message::AuthHmac { .. }
        | Message::Uplink { .. }
        | Message::Downlink
        | Message::RouterLink(_) => {
            Err(EncodeError::Unsupported { version: VERSION, what: message.kind() })
        }
    }
}

pub(super) fn put(
    out: &mut BytesMut,
    kind: u8,
    body: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    frame(out, |out| {
        out.put_slice(&[VERSION, kind]);
        body(out)
    })
}

/// As [`put`], for a frame that no peer reads when it is longer than [`MAX_HANDSHAKE_FRAME`].
fn put_handshake(
    out: &mut BytesMut,
    kind: u8,
    body: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    put(out, kind, |out| {
        let start = out.len() - HEADER;
        body(out)?;
        check_len(Field::Handshake, out.len() - start, MAX_HANDSHAKE_FRAME as usize)
    })
}

pub(super) fn put_named(
    out: &mut BytesMut,
    event: &str,
    value: ValueRef<'_>,
) -> Result<(), EncodeError> {
    check_len(Field::Event, event.len(), MAX_EVENT)?;
    put_lv_str(out, event);
    value::put(out, value);
    Ok(())
}
