//! The session of this end, as far as a translator sees it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Bytes, BytesMut};
use gatewire_codec::{
    CloseCode, ErrorCode, FormatId, Message, NackCode, Names, StreamCode, Target, ValueRef,
    split_frame, v3,
};
use gatewire_core::session::{Inbound, Incoming};
use gatewire_legacy::downlink::{Side, longest_near_frame};

use super::{Commands, DOWN, MAX_FRAME, pattern, patterned};

/// A stream of the peer.
struct Read {
    received: u64,
    limit: u64,
    /// Whether it was finished, given up or stopped, and so nothing of it may come.
    over: bool,
    finished: bool,
}

/// A stream to the peer.
struct Write {
    id: u32,
    written: u64,
}

pub(super) struct Session {
    side: Side,
    honest: bool,
    inbound: Inbound,
    next_id: u32,
    reads: BTreeMap<u32, Read>,
    writes: Vec<Write>,
    /// What waits for an answer.
    waits: BTreeSet<u32>,
    /// Requests of the peer without an answer.
    owes: Vec<u32>,
    /// Answers that were given, and that the peer has not got.
    answered: Vec<u32>,
    /// Streams that may be given up.
    resets: bool,
    /// CLOSE was said: no stream is read any more.
    closed: bool,
    /// Events that came, and went.
    events: u64,
    said: i64,
    granted: usize,
}

impl Session {
    pub(super) fn new(side: Side, honest: bool) -> Self {
        Self {
            side,
            honest,
            inbound: Inbound::new(),
            next_id: 0,
            reads: BTreeMap::new(),
            writes: Vec::new(),
            waits: BTreeSet::new(),
            owes: Vec::new(),
            answered: Vec::new(),
            resets: false,
            closed: false,
            events: 0,
            said: 0,
            granted: 0,
        }
    }

    /// Says something, as a frame without its length prefix.
    pub(super) fn speak(&mut self, command: u8, more: &mut Commands<'_>) -> Option<Bytes> {
        let bytes;
        let choice = more.byte();
        let message = match command {
            137..=150 => {
                self.said += 1;
                Message::Event { event: "counted", value: ValueRef::Integer(self.said) }
            }
            151..=158 => Message::Event { event: "any", value: any(choice, more) },
            159..=165 => {
                let id = self.ask();
                Message::Request { id, event: "asked", value: any(choice, more) }
            }
            166..=176 => {
                let id = self.ask();
                self.writes.push(Write { id, written: 0 });
                let target = Target { rooms: Names::from_slice(&["r", "s"]), ..Target::default() };
                let (target, ack) = (choice & 1 != 0).then_some(target).map_or_else(
                    || (None, choice & 2 == 0),
                    |target| (Some(target), choice & 2 == 0),
                );
                Message::StreamOpen { id, target, event: "down", info: any(choice >> 2, more), ack }
            }
            177..=200 => {
                let length = more.length().clamp(1, v3::MAX_CHUNK);
                let stream = pick(&mut self.writes, choice)?;
                bytes = patterned(DOWN, stream.written, length);
                stream.written += bytes.len() as u64;
                Message::StreamChunk { id: stream.id, event: "", bytes: &bytes }
            }
            201..=206 => {
                let Write { id, written } = take(&mut self.writes, choice)?;
                Message::StreamFinish { id, event: "", length: Some(written) }
            }
            207..=209 => {
                let Write { id, .. } = take(&mut self.writes, choice)?;
                self.waits.remove(&id);
                Message::StreamReset { id, code: StreamCode::Enough, text: "" }
            }
            210..=225 => {
                let most = more.length() as u64;
                let (id, read) = self.nth_read(choice)?;
                read.limit += most;
                let limit = read.limit;
                self.granted += usize::try_from(most).unwrap_or(usize::MAX);
                Message::StreamCredit { id, limit }
            }
            226..=229 => {
                let (id, read) = self.nth_read(choice)?;
                read.over = true;
                Message::StreamStop { id, code: StreamCode::Enough, text: "" }
            }
            230..=238 => {
                let id = take(&mut self.owes, choice)?;
                self.answered.push(id);
                Message::Ack { id, value: any(choice, more) }
            }
            239..=242 => {
                let id = take(&mut self.owes, choice)?;
                // As a session that refuses it does not read it.
                if let Some(read) = self.reads.get_mut(&id) {
                    read.over = true;
                }
                let code = NackCode::from_u8(choice);
                if code == NackCode::Rejected {
                    self.answered.push(id);
                }
                Message::Nack { id, code, value: any(choice, more) }
            }
            243 => Message::Ping { token: 7 },
            244..=248 => {
                let id = self.ask();
                let rooms: &[&str] = match choice & 9 {
                    0 => &["a", "b"],
                    8 => &["b", "c", "b"],
                    _ => &["a,b", "|"],
                };
                let rooms = Names::from_slice(rooms);
                match choice >> 1 & 3 {
                    0 => Message::Leave { id, rooms },
                    1 => Message::LeaveAll { id },
                    _ => Message::Join { id, rooms },
                }
            }
            249..=252 => {
                let names: Vec<&str> = vec!["some room"; more.length() % 20_000 + 1];
                bytes = encode(&Message::Publish {
                    request: (choice == 0).then(|| self.ask()),
                    target: Target { rooms: Names::from_slice(&names), ..Target::default() },
                    event: "to rooms",
                    value: any(choice, more),
                })
                .to_vec();
                return Some(Bytes::from(bytes));
            }
            253 => Message::Error { id: 0, code: ErrorCode::Denied, text: "no" },
            254 => {
                self.closed = true;
                self.reads.values_mut().for_each(|read| read.over = true);
                Message::Close { code: CloseCode::from_u8(choice), text: "over" }
            }
            _ => Message::Pong { token: 1 },
        };
        Some(encode(&message))
    }

    fn ask(&mut self) -> u32 {
        self.next_id += 1;
        self.waits.insert(self.next_id);
        self.next_id
    }

    fn nth_read(&mut self, choice: u8) -> Option<(u32, &mut Read)> {
        let count = self.reads.values().filter(|read| !read.over).count();
        let mut open = self.reads.iter_mut().filter(|(_, read)| !read.over);
        open.nth(usize::from(choice) % count.max(1)).map(|(id, read)| (*id, read))
    }

    /// Grants all that is open much more.
    pub(super) fn grant_all(&mut self) -> Vec<Bytes> {
        let open = self.reads.iter_mut().filter(|(_, read)| !read.over);
        open.map(|(id, read)| {
            read.limit = read.received + (1 << 24);
            self.granted += 1 << 24;
            encode(&Message::StreamCredit { id: *id, limit: read.limit })
        })
        .collect()
    }

    /// How much was granted since this was last asked.
    pub(super) fn granted(&mut self) -> usize {
        std::mem::take(&mut self.granted)
    }

    pub(super) fn expect_resets(&mut self) {
        self.resets = true;
    }

    /// Whether the stream is read.
    pub(super) fn wants(&self, id: u32) -> bool {
        self.reads.get(&id).is_some_and(|read| !read.over || read.finished)
    }

    /// How many bytes of streams came, of those that `which` says.
    pub(super) fn read(&self, which: impl Fn(u32) -> bool) -> u64 {
        let streams = self.reads.iter().filter(|(id, _)| which(**id));
        streams.map(|(_, read)| read.received).sum()
    }

    pub(super) fn events(&self) -> u64 {
        self.events
    }

    pub(super) fn expect_whole(&self, id: u32, length: u64) {
        if let Some(read) = self.reads.get(&id)
            && (read.finished || !read.over)
        {
            assert!(read.finished, "stream {id} has no end");
            assert_eq!(read.received, length, "stream {id}");
        }
    }

    /// The peer has got an answer.
    pub(super) fn was_answered(&mut self, id: u32) {
        let given = self.answered.iter().position(|given| *given == id);
        self.answered.swap_remove(given.expect("an answer that the session gave, once"));
    }

    pub(super) fn hear(&mut self, mut near: &[u8]) {
        while let Some((frame, rest)) = split_frame(near, u32::MAX).expect("whole frames") {
            assert!(frame.len() <= longest_near_frame(MAX_FRAME) as usize, "{} bytes", frame.len());
            let incoming = self.inbound.handle(frame).map_err(|error| error.to_string());
            near = rest;
            match incoming.unwrap_or_else(|error| panic!("illegal: {error}: {frame:?}")) {
                Incoming::StreamOpen { id, target, ack, .. } => {
                    assert!(target.is_none() || self.side == Side::Server);
                    self.open(id, ack);
                }
                Incoming::StreamChunk { id, bytes } => self.chunk(id, bytes),
                Incoming::StreamFinish { id, length } => {
                    let read = self.reads.get_mut(&id).expect("it was opened");
                    assert!(!read.over, "an end of stream {id}, which is over");
                    assert_eq!(length, Some(read.received));
                    (read.over, read.finished) = (true, true);
                }
                Incoming::StreamReset { id, .. } => {
                    assert!(self.resets || !self.honest, "nobody has given up");
                    let read = self.reads.get_mut(&id).expect("it was opened");
                    assert!(!read.over, "stream {id} is over");
                    read.over = true;
                }
                Incoming::StreamCredit { id, .. } => {
                    assert!(self.writes.iter().any(|write| write.id == id));
                }
                Incoming::Answer { id, .. } => {
                    assert!(self.waits.remove(&id), "an answer to {id}, which waits for none");
                }
                Incoming::Request { id, .. } => self.owes.push(id),
                Incoming::Event { event: "counted", value: ValueRef::Integer(value) }
                    if self.honest =>
                {
                    self.events += 1;
                    assert_eq!(u64::try_from(value), Ok(self.events), "events in order");
                }
                Incoming::Publish { .. }
                | Incoming::Join { .. }
                | Incoming::Leave { .. }
                | Incoming::LeaveAll { .. } => assert_eq!(self.side, Side::Server),
                Incoming::Event { .. } | Incoming::Error { .. } | Incoming::Control(_) => {}
                other => panic!("a translator never says {other:?}"),
            }
        }
        assert!(near.is_empty(), "half a frame");
    }

    fn open(&mut self, id: u32, ack: bool) {
        let limit = v3::INITIAL_CREDIT;
        let read = Read { received: 0, limit, over: self.closed, finished: false };
        if let Some(before) = self.reads.insert(id, read) {
            assert!(before.over, "stream {id} is open");
        }
        if ack {
            self.owes.push(id);
        }
    }

    fn chunk(&mut self, id: u32, bytes: &[u8]) {
        let read = self.reads.get_mut(&id).expect("it was opened");
        assert!(!read.over, "a chunk of stream {id}, which is over");
        for (offset, byte) in (read.received..).zip(bytes) {
            assert!(!self.honest || *byte == pattern(id, offset), "stream {id} at {offset}");
        }
        read.received += bytes.len() as u64;
        assert!(read.received <= read.limit, "beyond the credit");
    }
}

fn encode(message: &Message<'_>) -> Bytes {
    let mut frame = BytesMut::new();
    v3::encode(message, &mut frame).expect("a session says what there is");
    frame.freeze().slice(gatewire_codec::LENGTH_PREFIX..)
}

fn any<'c>(choice: u8, more: &mut Commands<'c>) -> ValueRef<'c> {
    let length = usize::from(choice >> 3);
    match choice & 7 {
        0 => ValueRef::Integer(more.number()),
        1 => ValueRef::Decimal(f64::from_bits(more.number().cast_unsigned())),
        2 => ValueRef::Binary(more.bytes(length)),
        3 => ValueRef::Object { format: FormatId::JSON, bytes: more.bytes(length) },
        4 => ValueRef::Object { format: FormatId::JSON, bytes: br#"{"a":[1,"x"]}"# },
        5 => ValueRef::Object { format: FormatId::MSGPACK, bytes: more.bytes(length) },
        6 => ValueRef::String("text"),
        _ => ValueRef::Empty,
    }
}

fn pick<T>(list: &mut [T], choice: u8) -> Option<&mut T> {
    let index = usize::from(choice) % list.len().max(1);
    list.get_mut(index)
}

fn take<T>(list: &mut Vec<T>, choice: u8) -> Option<T> {
    let index = usize::from(choice) % list.len().max(1);
    (index < list.len()).then(|| list.remove(index))
}
