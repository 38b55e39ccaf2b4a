//! The frames of the raw limit.
//!
//! ```text
//! frame    length u32 LE | op u8 | body
//! EVENT    1 | name | payload
//! REQUEST  2 | id u32 LE | name | payload
//! REPLY    3 | id u32 LE | payload
//! JOIN     4 | id u32 LE | room                   answered by a REPLY
//! PUBLISH  5 | room | name | payload              members receive an EVENT
//! name, room = length u8 | bytes; payload = the rest
//! ```

use std::io;

use crate::frames::Split;

const EVENT: u8 = 1;
const REQUEST: u8 = 2;
const REPLY: u8 = 3;
const JOIN: u8 = 4;
const PUBLISH: u8 = 5;

/// A frame, borrowed from the buffer it was read into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    Event { name: &'a [u8], payload: &'a [u8] },
    Request { id: u32, name: &'a [u8], payload: &'a [u8] },
    Reply { id: u32, payload: &'a [u8] },
    Join { id: u32, room: &'a [u8] },
    Publish { room: &'a [u8], name: &'a [u8], payload: &'a [u8] },
}

/// Cuts the first frame off `bytes`, without its length. `None`: it is not whole.
#[inline]
pub(crate) fn split(bytes: &[u8]) -> io::Result<Option<Split<'_>>> {
    let Some((length, rest)) = bytes.split_first_chunk() else { return Ok(None) };
    Ok(rest.split_at_checked(u32::from_le_bytes(*length) as usize))
}

/// Reads a frame.
#[inline]
pub(crate) fn decode(frame: &[u8]) -> io::Result<Frame<'_>> {
    parse(frame).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a frame"))
}

#[inline]
fn parse(frame: &[u8]) -> Option<Frame<'_>> {
    let (&op, body) = frame.split_first()?;
    Some(match op {
        EVENT => {
            let (name, payload) = take_name(body)?;
            Frame::Event { name, payload }
        }
        REQUEST => {
            let (id, rest) = take_id(body)?;
            let (name, payload) = take_name(rest)?;
            Frame::Request { id, name, payload }
        }
        REPLY => {
            let (id, payload) = take_id(body)?;
            Frame::Reply { id, payload }
        }
        JOIN => {
            let (id, room) = take_id(body)?;
            Frame::Join { id, room }
        }
        PUBLISH => {
            let (room, rest) = take_name(body)?;
            let (name, payload) = take_name(rest)?;
            Frame::Publish { room, name, payload }
        }
        _ => return None,
    })
}

#[inline]
fn take_name(bytes: &[u8]) -> Option<Split<'_>> {
    let (&length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(length))
}

#[inline]
fn take_id(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (id, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*id), rest))
}

/// Appends a frame.
#[inline]
pub(crate) fn encode(frame: &Frame<'_>, out: &mut Vec<u8>) {
    framed(out, |out| match *frame {
        Frame::Event { name, payload } => {
            out.push(EVENT);
            put_name(out, name);
            out.extend_from_slice(payload);
        }
        Frame::Request { id, name, payload } => {
            out.push(REQUEST);
            out.extend_from_slice(&id.to_le_bytes());
            put_name(out, name);
            out.extend_from_slice(payload);
        }
        Frame::Reply { id, payload } => {
            put_reply(out, id);
            out.extend_from_slice(payload);
        }
        Frame::Join { id, room } => {
            out.push(JOIN);
            out.extend_from_slice(&id.to_le_bytes());
            out.extend_from_slice(room);
        }
        Frame::Publish { room, name, payload } => {
            out.push(PUBLISH);
            put_name(out, room);
            put_name(out, name);
            out.extend_from_slice(payload);
        }
    });
}

/// Appends a reply whose payload `answer` appends.
#[inline]
pub(crate) fn encode_reply(id: u32, out: &mut Vec<u8>, answer: impl FnOnce(&mut Vec<u8>)) {
    framed(out, |out| {
        put_reply(out, id);
        answer(out);
    });
}

fn framed(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    body(out);
    let length = u32::try_from(out.len() - start - 4).expect("a frame of the bench is short");
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

fn put_reply(out: &mut Vec<u8>, id: u32) {
    out.push(REPLY);
    out.extend_from_slice(&id.to_le_bytes());
}

fn put_name(out: &mut Vec<u8>, name: &[u8]) {
    out.push(u8::try_from(name.len()).expect("a name of the bench is short"));
    out.extend_from_slice(name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let frames = [
            Frame::Event { name: b"news", payload: b"abc" },
            Frame::Request { id: 7, name: b"ask", payload: b"" },
            Frame::Reply { id: 7, payload: b"x" },
            Frame::Join { id: 8, room: b"room" },
            Frame::Publish { room: b"room", name: b"news", payload: b"abc" },
        ];
        let mut bytes = Vec::new();
        for frame in &frames {
            encode(frame, &mut bytes);
        }
        let mut rest = &bytes[..];
        for frame in frames {
            let (found, behind) = split(rest).expect("frames").expect("a whole one");
            assert_eq!(decode(found).expect("a frame"), frame);
            rest = behind;
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn damage_is_an_error() {
        assert!(decode(b"").is_err());
        assert!(decode(b"\x09").is_err());
        assert!(decode(b"\x01\x05news").is_err());
        assert!(split(b"\x02\0\0\0a").expect("not damaged").is_none());
    }
}
