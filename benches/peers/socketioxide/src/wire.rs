//! socket.io (protocol 5, over engine.io 4) on websocket, as a light client speaks it.
//!
//! ```text
//! event    binary  text frame 451-["news",{"_placeholder":true,"num":0}]   then a binary frame
//!          text    text frame 42["text","..."]
//! request          the same with an id:  451-0["ask",{..}]   420["ask-text","..."]
//! answer           461-0[{"_placeholder":true,"num":0}] and a binary frame,   430["..."]
//! connect  0{..} from the server, 40 from the client, 40{..} from the server
//! alive    2 from the server, 3 from the client
//! ```

use gatewire_harness::{Failure, Received};
use peer_wire::{Body, Item, Opening, Request, RequestWire, Role, Wire};

use crate::frame::{self, Frame, Kind, write_head, write_text};

/// A client of socket.io.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SocketIo {
    /// What its events carry.
    pub(crate) value: Value,
    /// Whether its events go to the room, and not to the server.
    pub(crate) to_room: bool,
}

/// What an event carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    /// Bytes, in a frame of their own.
    Binary,
    /// Text, within the event.
    Text,
}

impl Wire for SocketIo {
    const PONG: &'static [u8] = &[0x81, 0x81, 0, 0, 0, 0, b'3'];

    async fn open(&self, opening: &mut Opening, role: Role) -> Result<(), Failure> {
        opening.send(UPGRADE).await?;
        let response = opening.answer_until(b"\r\n\r\n").await?;
        if !response.starts_with(b"HTTP/1.1 101") {
            return Err(refused(&response));
        }
        expect(opening, b"0{").await?;
        let mut bytes = Vec::new();
        write_text(b"40", &mut bytes);
        opening.send(&bytes).await?;
        expect(opening, b"40{").await?;
        if role == Role::Subscriber {
            bytes.clear();
            write_text(b"420[\"join\"]", &mut bytes);
            opening.send(&bytes).await?;
            expect(opening, b"430[").await?;
        }
        Ok(())
    }

    fn publish(&self, body: Body, out: &mut Vec<u8>) {
        let event: &[u8] = match (self.to_room, self.value) {
            (false, Value::Binary) => b"451-[\"news\",{\"_placeholder\":true,\"num\":0}]",
            (true, Value::Binary) => b"451-[\"say\",{\"_placeholder\":true,\"num\":0}]",
            (false, Value::Text) => b"42[\"text\",\"",
            (true, Value::Text) => b"42[\"say-text\",\"",
        };
        self.write(event, body, out);
    }

    fn decode(&self, bytes: &[u8]) -> Result<Option<(Item, usize)>, Failure> {
        let Some(frame) = frame::read(bytes)? else { return Ok(None) };
        let (text, length) = (frame.content, frame.length);
        if frame.kind != Kind::Text {
            return Err(Failure::new("bytes that no event announced"));
        }
        let item = match text {
            NEWS | ANSWER => {
                let Some(next) = frame::read(&bytes[length..])? else { return Ok(None) };
                let body = Body::read_binary(next.content).ok_or_else(|| refused(text))?;
                let item = match (next.kind, text) {
                    (Kind::Binary, NEWS) => Item::Message(body),
                    (Kind::Binary, _) => Item::Answer(body),
                    (Kind::Text, _) => return Err(refused(text)),
                };
                return Ok(Some((item, length + next.length)));
            }
            b"2" => Item::Ping,
            _ => read_text(text).ok_or_else(|| refused(text))?,
        };
        Ok(Some((item, length)))
    }
}

impl RequestWire for SocketIo {
    fn request(&self, kind: Request, body: Body, out: &mut Vec<u8>) {
        match (kind, self.value) {
            (Request::Count, _) => write_text(b"420[\"count\"]", out),
            (Request::Echo, Value::Text) => self.write(b"420[\"ask-text\",\"", body, out),
            (Request::Echo, Value::Binary) => {
                self.write(b"451-0[\"ask\",{\"_placeholder\":true,\"num\":0}]", body, out);
            }
        }
    }
}

impl SocketIo {
    /// Appends an event that begins with `event`: for a binary value all of its text.
    fn write(&self, event: &[u8], body: Body, out: &mut Vec<u8>) {
        match self.value {
            Value::Binary => {
                write_text(event, out);
                write_head(Kind::Binary, body.size, out);
                body.write_binary(out);
            }
            Value::Text => {
                write_head(Kind::Text, event.len() + body.size + 2, out);
                out.extend_from_slice(event);
                body.write_text(out);
                out.extend_from_slice(b"\"]");
            }
        }
    }
}

/// An event or an answer that is text as a whole.
fn read_text(text: &[u8]) -> Option<Item> {
    if let Some(value) = text.strip_prefix(b"42[\"text\",\"") {
        return Some(Item::Message(Body::read_text(value.strip_suffix(b"\"]")?)?));
    }
    if let Some(value) = text.strip_prefix(b"430[\"") {
        return Some(Item::Answer(Body::read_text(value.strip_suffix(b"\"]")?)?));
    }
    let numbers = text.strip_prefix(b"430[[")?.strip_suffix(b"]]")?;
    let mut numbers = std::str::from_utf8(numbers).ok()?.split(',').map(str::parse);
    let mut next = || numbers.next()?.ok();
    let (count, bytes, errors) = (next()?, next()?, next()?);
    Some(Item::Counted(Received { count, bytes, errors }))
}

/// Waits for the next frame, which must be text that begins with `start`. A heartbeat may come before it.
async fn expect(opening: &mut Opening, start: &[u8]) -> Result<(), Failure> {
    loop {
        let whole = |bytes: &[u8]| match frame::read(bytes) {
            Ok(frame) => frame.map(|frame| frame.length),
            // What it is is looked at below.
            Err(_) => Some(bytes.len()),
        };
        let bytes = opening.answer(whole).await?;
        match frame::read(&bytes)? {
            Some(Frame { kind: Kind::Text, content: b"2", .. }) => {
                opening.send(SocketIo::PONG).await?;
            }
            Some(Frame { kind: Kind::Text, content, .. }) if content.starts_with(start) => {
                return Ok(());
            }
            _ => return Err(refused(&bytes)),
        }
    }
}

fn refused(bytes: &[u8]) -> Failure {
    Failure::new(format!("the server says: {}", String::from_utf8_lossy(bytes)))
}

const NEWS: &[u8] = b"451-[\"news\",{\"_placeholder\":true,\"num\":0}]";
const ANSWER: &[u8] = b"461-0[{\"_placeholder\":true,\"num\":0}]";

/// The key is the example of RFC 6455: nothing depends on it here.
const UPGRADE: &[u8] = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n\
Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    /// A server's frame: like a client's, but without the mask.
    fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("a short frame");
        [&[kind, length], content].concat()
    }

    #[test]
    fn a_binary_event_is_two_frames() {
        let wire = SocketIo { value: Value::Binary, to_room: false };
        let body = Body { number: 5, stamp: 6, size: 64 };
        let mut value = Vec::new();
        body.write_binary(&mut value);
        for (text, item) in [(NEWS, Item::Message(body)), (ANSWER, Item::Answer(body))] {
            let bytes = [frame(0x81, text), frame(0x82, &value)].concat();
            for end in 0..bytes.len() {
                assert!(wire.decode(&bytes[..end]).expect("it is right").is_none(), "{end}");
            }
            let found = wire.decode(&bytes).expect("it is right");
            assert_eq!(found, Some((item, bytes.len())));
        }
    }

    #[test]
    fn text_events_answers_and_counts_are_read() {
        let body = Body { number: 5, stamp: 0, size: 16 };
        let counted = Received { count: 1, bytes: 16, errors: 0 };
        for (text, item) in [
            (&b"42[\"text\",\"0000000000000005\"]"[..], Item::Message(body)),
            (b"430[\"0000000000000005\"]", Item::Answer(body)),
            (b"430[[1,16,0]]", Item::Counted(counted)),
            (b"2", Item::Ping),
        ] {
            assert_eq!(read(text).expect("it is right"), Some((item, text.len() + 2)));
        }
        assert!(read(b"41").is_err());
    }

    fn read(text: &[u8]) -> Result<Option<(Item, usize)>, Failure> {
        SocketIo { value: Value::Text, to_room: true }.decode(&frame(0x81, text))
    }
}
