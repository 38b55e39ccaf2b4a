//! ZMTP 3.0, the protocol of libzmq, with the NULL mechanism, as a light client speaks it.
//!
//! ```text
//! greeting  ff 00*8 7f | 3 0 | "NULL" 00*16 | as-server 0 | 00*31            64 bytes, both ways
//! frame     flags | size (1 byte, or 8 with flag long) | body                flags: 1 more, 2 long, 4 command
//! READY     command, body: 5 "READY" 11 "Socket-Type" 00 00 00 n name
//! subscribe message, body: 01 topic        event   message, body: topic and value in one frame
//! ```

use gatewire_harness::Failure;
use peer_wire::{Body, Item, Opening, Role, Wire};

use crate::control::Endpoints;

/// A client of libzmq sockets.
#[derive(Debug, Clone)]
pub(crate) struct Zmtp {
    /// Where they are.
    pub(crate) endpoints: Endpoints,
}

impl Wire for Zmtp {
    /// libzmq asks only when heartbeats are set, and they are not.
    const PONG: &'static [u8] = b"";

    fn address<'a>(&'a self, _given: &'a str, role: Role) -> &'a str {
        match role {
            Role::Subscriber => &self.endpoints.outward,
            _ => &self.endpoints.inward,
        }
    }

    async fn open(&self, opening: &mut Opening, role: Role) -> Result<(), Failure> {
        let kind = match role {
            Role::Publisher => "PUB",
            Role::Subscriber => "SUB",
            _ => "DEALER",
        };
        let mut bytes = greeting();
        ready(kind, &mut bytes);
        opening.send(&bytes).await?;
        let answer = opening.answer(|bytes| (bytes.len() >= GREETING).then_some(GREETING)).await?;
        if answer.first() != Some(&0xff) || !answer[12..].starts_with(b"NULL\0") {
            return Err(Failure::new("the server does not greet as ZeroMQ does"));
        }
        let answer = opening.answer(|bytes| Some(frame(bytes)?.1)).await?;
        if !answer[2..].starts_with(b"\x05READY") {
            return Err(Failure::new("the server is not ready"));
        }
        if role == Role::Subscriber {
            let mut bytes = Vec::new();
            head(1 + TOPIC.len(), &mut bytes);
            bytes.push(1);
            bytes.extend_from_slice(TOPIC);
            opening.send(&bytes).await?;
        }
        Ok(())
    }

    fn publish(&self, body: Body, out: &mut Vec<u8>) {
        head(TOPIC.len() + body.size, out);
        out.extend_from_slice(TOPIC);
        body.write_binary(out);
    }

    fn decode(&self, bytes: &[u8]) -> Result<Option<(Item, usize)>, Failure> {
        let Some((content, length)) = frame(bytes) else { return Ok(None) };
        let item = match (bytes[0] & !LONG, content) {
            (0, [0 | 1, ..]) => Item::Other,
            (0, content) => content
                .strip_prefix(TOPIC)
                .and_then(Body::read_binary)
                .map(Item::Message)
                .ok_or_else(|| Failure::new("a message without topic or number"))?,
            (flags, _) => return Err(Failure::new(format!("a frame with flags {flags:#x}"))),
        };
        Ok(Some((item, length)))
    }
}

fn greeting() -> Vec<u8> {
    let mut bytes = vec![0; GREETING];
    bytes[0] = 0xff;
    bytes[9] = 0x7f;
    bytes[10] = 3;
    bytes[12..16].copy_from_slice(b"NULL");
    bytes
}

fn ready(kind: &str, out: &mut Vec<u8>) {
    const START: &[u8] = b"\x05READY\x0bSocket-Type\0\0\0";
    let name = u8::try_from(kind.len()).expect("a socket type is a short word");
    let size = u8::try_from(START.len()).expect("it is short") + 1 + name;
    out.extend_from_slice(&[COMMAND, size]);
    out.extend_from_slice(START);
    out.push(name);
    out.extend_from_slice(kind.as_bytes());
}

/// The head of a message of one frame.
fn head(size: usize, out: &mut Vec<u8>) {
    if let Ok(size) = u8::try_from(size) {
        out.extend_from_slice(&[0, size]);
    } else {
        out.push(LONG);
        out.extend_from_slice(&(size as u64).to_be_bytes());
    }
}

/// The content and the whole length of the first frame; `None` when it is incomplete.
fn frame(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let flags = bytes.first()?;
    let (begin, size) = if flags & LONG == 0 {
        (2_usize, usize::from(*bytes.get(1)?))
    } else {
        let size = bytes.get(1..)?.first_chunk()?;
        (9, usize::try_from(u64::from_be_bytes(*size)).ok()?)
    };
    let end = begin.checked_add(size)?;
    Some((bytes.get(begin..end)?, end))
}

const GREETING: usize = 64;
const LONG: u8 = 2;
const COMMAND: u8 = 4;
const TOPIC: &[u8] = b"news";

#[cfg(test)]
mod tests {
    use super::*;

    fn wire() -> Zmtp {
        Zmtp { endpoints: Endpoints { inward: String::new(), outward: String::new() } }
    }

    #[test]
    fn what_is_published_is_read() {
        for size in [16, 300] {
            let body = Body { number: 5, stamp: 6, size };
            let mut bytes = Vec::new();
            wire().publish(body, &mut bytes);
            for end in 0..bytes.len() {
                assert!(wire().decode(&bytes[..end]).expect("it is right").is_none(), "{end}");
            }
            let found = wire().decode(&bytes).expect("it is right");
            assert_eq!(found, Some((Item::Message(body), bytes.len())));
        }
    }

    #[test]
    fn the_handshake_is_that_of_the_specification() {
        let mut bytes = Vec::new();
        ready("SUB", &mut bytes);
        assert_eq!(bytes, b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03SUB");
        assert_eq!(frame(&bytes), Some((&bytes[2..], bytes.len())));
        assert_eq!(greeting()[..16], *b"\xff\0\0\0\0\0\0\0\0\x7f\x03\0NULL");
    }

    #[test]
    fn subscriptions_need_no_attention_and_parts_are_refused() {
        let subscribed = [0, 5, 1, b'n', b'e', b'w', b's'];
        assert_eq!(wire().decode(&subscribed).expect("it is right"), Some((Item::Other, 7)));
        assert!(wire().decode(&[1, 1, b'n']).is_err());
    }
}
