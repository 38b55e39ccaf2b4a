//! A peer of version 1 or 2, and the bytes that it has on their way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::{Buf, BytesMut};
use gatewire_codec::legacy::{self, Kind, Packet};
use gatewire_codec::{ErrorCode, Message, Names, Target, ValueRef, Version, split_frame};
use gatewire_legacy::downlink::Side;
use serde::de::IgnoredAny;

use super::session::Session;
use super::{Commands, DOWN, MAX_FRAME, pattern, patterned};

/// A stream that the peer writes.
#[derive(Default)]
struct Said {
    written: u64,
    /// So much of it is with the translator.
    arrived: u64,
    finished: bool,
}

/// A stream that the peer reads.
struct Heard {
    event: String,
    received: u64,
    /// Bytes of frames behind the last chunk.
    behind: usize,
}

/// A frame on its way.
struct OnWire {
    bytes: BytesMut,
    /// Of a chunk: the stream, and how much of its bytes is on its way.
    chunk: Option<(u32, usize)>,
    /// A chunk longer than a frame may be is taken as it comes.
    long: bool,
}

pub(super) struct Peer {
    version: Version,
    side: Side,
    padded: bool,
    next_id: u32,
    wire: VecDeque<OnWire>,
    said: BTreeMap<u32, Said>,
    heard: BTreeMap<u32, Heard>,
    /// What the session is in, as a router counts it.
    rooms: BTreeSet<String>,
    /// Requests and streams of the session to answer.
    owes: Vec<u32>,
    events: u64,
    /// Counted events that came.
    counted: i64,
}

impl Peer {
    pub(super) fn new(version: Version, side: Side, padded: bool) -> Self {
        Self {
            version,
            side,
            padded,
            next_id: 1,
            wire: VecDeque::new(),
            said: BTreeMap::new(),
            heard: BTreeMap::new(),
            rooms: BTreeSet::new(),
            owes: Vec::new(),
            events: 0,
            counted: 0,
        }
    }

    /// Says what a peer may say.
    pub(super) fn speak(&mut self, command: u8, more: &mut Commands<'_>) {
        self.next_id += 1;
        let id = self.next_id;
        let choice = more.byte();
        let rooms = Names::from_slice(&["r", "s"]);
        let message = match command {
            0..=9 => {
                self.events += 1;
                let value = ValueRef::Integer(self.events.cast_signed());
                Message::Event { event: "counted", value }
            }
            10..=14 => Message::Event { event: "any", value: any(choice, more) },
            15..=19 => Message::Request { id, event: "asked", value: any(choice, more) },
            20..=29 => {
                let target = (command < 23 && self.side == Side::Server)
                    .then(|| Target { rooms, ..Target::default() });
                self.said.insert(id, Said::default());
                let ack = target.is_none() && choice & 1 == 0;
                Message::StreamOpen { id, target, event: "up", info: any(choice, more), ack }
            }
            30..=69 => return self.write(choice, more),
            70..=75 => {
                let Some((id, said)) = self.nth(choice) else { return };
                said.finished = true;
                Message::StreamFinish { id, event: "up", length: None }
            }
            76..=81 => {
                if self.owes.is_empty() {
                    return;
                }
                let id = self.owes.swap_remove(usize::from(choice) % self.owes.len());
                Message::Ack { id, value: any(choice, more) }
            }
            // Nobody has asked, or nobody waits any more.
            82 => Message::Ack { id: 1 << 30 | u32::from(more.byte()), value: any(choice, more) },
            83..=84 => Message::Join { id: 0, rooms },
            85 => Message::Leave { id: 0, rooms },
            86 => Message::LeaveAll { id: 0 },
            87..=89 => {
                let target = Target { rooms, ..Target::default() };
                Message::Publish { request: None, target, event: "said", value: any(choice, more) }
            }
            90 => Message::Error { id: 0, code: ErrorCode::Other(0), text: "an error" },
            91 => Message::StreamChunk { id: id + (1 << 20), event: "none", bytes: b"lost" },
            _ => return self.nothing(choice),
        };
        self.put(&message, None);
    }

    /// A chunk, of any length, as binary or as a text.
    fn write(&mut self, choice: u8, more: &mut Commands<'_>) {
        let length = more.length();
        let Some((id, said)) = self.nth(choice) else { return };
        let bytes = patterned(id, said.written, length);
        said.written += length as u64;
        let value = match std::str::from_utf8(&bytes) {
            Ok(text) if choice & 1 == 0 => ValueRef::String(text),
            _ => ValueRef::Binary(&bytes),
        };
        let packet = Packet { event: "up", value, ..Packet::new(self.version, Kind::Stream, id) };
        let mut frame = BytesMut::new();
        packet.encode(&mut frame).expect("a chunk");
        let long = frame.len() > MAX_FRAME as usize + gatewire_codec::LENGTH_PREFIX;
        self.wire.push_back(OnWire { bytes: frame, chunk: Some((id, length)), long });
    }

    /// A kind that nobody has assigned.
    fn nothing(&mut self, choice: u8) {
        let kind = Kind::Unassigned(20 + (choice & 63));
        let mut frame = BytesMut::new();
        Packet::new(self.version, kind, self.next_id).encode(&mut frame).expect("a free kind");
        self.wire.push_back(OnWire { bytes: frame, chunk: None, long: false });
    }

    fn put(&mut self, message: &Message<'_>, chunk: Option<(u32, usize)>) {
        let mut bytes = BytesMut::new();
        legacy::encode(message, self.version, self.next_id, &mut bytes).expect("what there is");
        self.wire.push_back(OnWire { bytes, chunk, long: false });
    }

    fn nth(&mut self, choice: u8) -> Option<(u32, &mut Said)> {
        let count = self.said.values().filter(|said| !said.finished).count();
        let mut open = self.said.iter_mut().filter(|(_, said)| !said.finished);
        open.nth(usize::from(choice) % count.max(1)).map(|(id, said)| (*id, said))
    }

    /// A bit of what is on its way changes.
    pub(super) fn damage(&mut self, more: &mut Commands<'_>) {
        let (frame, at, bit) =
            (usize::from(more.byte()), usize::from(more.byte()), more.byte() & 7);
        let count = self.wire.len().max(1);
        if let Some(frame) = self.wire.get_mut(frame % count)
            && let Some(byte) = frame.bytes.get_mut(at)
        {
            *byte ^= 1 << bit;
        }
    }

    /// Any bytes go out.
    pub(super) fn blurt(&mut self, bytes: &[u8]) {
        self.wire.push_back(OnWire { bytes: bytes.into(), chunk: None, long: false });
    }

    pub(super) fn is_silent(&self) -> bool {
        self.wire.is_empty()
    }

    /// So many bytes leave the wire.
    pub(super) fn send(&mut self, mut most: usize) -> Vec<u8> {
        let mut sent = Vec::new();
        while most > 0
            && let Some(first) = self.wire.front_mut()
        {
            let taken = first.bytes.len().min(most);
            most -= taken;
            sent.extend_from_slice(&first.bytes[..taken]);
            first.bytes.advance(taken);
            if let Some((id, left)) = &mut first.chunk
                && (first.long || first.bytes.is_empty())
            {
                let behind = first.bytes.len().min(*left);
                self.said.entry(*id).or_default().arrived += (*left - behind) as u64;
                *left = behind;
            }
            if first.bytes.is_empty() {
                self.wire.pop_front();
            }
        }
        sent
    }

    /// How many bytes of streams are with the translator, of those that `which` says.
    pub(super) fn arrived(&self, which: impl Fn(u32) -> bool) -> u64 {
        let streams = self.said.iter().filter(|(id, _)| which(**id));
        streams.map(|(_, said)| said.arrived).sum()
    }

    pub(super) fn finished(&self) -> impl Iterator<Item = (u32, u64)> {
        self.said.iter().filter(|(_, said)| said.finished).map(|(id, said)| (*id, said.written))
    }

    pub(super) fn events(&self) -> u64 {
        self.events
    }

    pub(super) fn hear(&mut self, mut out: &[u8], session: &mut Session) {
        while let Some((frame, rest)) = split_frame(out, u32::MAX).expect("whole frames") {
            out = rest;
            let Some(packet) = self.decode(frame) else { continue };
            let message = match packet.kind {
                Kind::Unassigned(_) => None,
                _ => Some(packet.to_message().expect("a message")),
            };
            let own = match message {
                Some(Message::StreamChunk { id, bytes, .. }) => {
                    self.hear_chunk(id, packet.event, bytes);
                    Some(id)
                }
                Some(Message::StreamFinish { id, .. }) => {
                    self.hear_end(id, packet.event);
                    None
                }
                Some(Message::StreamOpen { id, ack, .. }) => {
                    let event = packet.event.to_owned();
                    let before = self.heard.insert(id, Heard { event, received: 0, behind: 0 });
                    assert!(before.is_none(), "stream {id} is open");
                    self.owes.extend(ack.then_some(id));
                    Some(id)
                }
                Some(Message::Ack { id, .. }) => {
                    session.was_answered(id);
                    None
                }
                Some(Message::Request { id, .. }) => {
                    self.owes.push(id);
                    None
                }
                Some(Message::Event { event: "counted", value: ValueRef::Integer(value) }) => {
                    self.counted += 1;
                    assert_eq!(value, self.counted, "events in order");
                    None
                }
                Some(message) if self.side == Side::Client && self.version == Version::V2 => {
                    self.hear_rooms(&message);
                    None
                }
                _ => None,
            };
            for (_, heard) in self.heard.iter_mut().filter(|(id, _)| Some(**id) != own) {
                heard.behind += frame.len();
            }
        }
        assert!(out.is_empty(), "half a frame");
    }

    /// A frame of this version, written as Node writes it. `None`: of the other, which says so.
    fn decode<'f>(&self, frame: &'f [u8]) -> Option<Packet<'f>> {
        let packet = Packet::decode(frame).expect("a frame of version 1 or 2");
        if packet.version != self.version {
            assert_eq!(packet.kind, Kind::Error);
            return None;
        }
        if let ValueRef::Object { bytes, .. } = packet.value {
            // By its grammar only: JavaScript reads what no Rust value holds, as half a pair of surrogates.
            serde_json::from_slice::<IgnoredAny>(bytes).expect("objects are JSON");
        }
        let mut again = BytesMut::new();
        packet.encode(&mut again).expect("it was decoded");
        assert_eq!(again[gatewire_codec::LENGTH_PREFIX..], *frame, "not as Node writes it");
        Some(packet)
    }

    /// What changes nothing hurts a router.
    fn hear_rooms(&mut self, message: &Message<'_>) {
        match message {
            Message::Join { rooms, .. } => {
                assert!(rooms.iter().all(|room| self.rooms.insert(room.to_owned())));
            }
            Message::Leave { rooms, .. } => {
                assert!(rooms.iter().all(|room| self.rooms.remove(room)));
            }
            Message::LeaveAll { .. } => self.rooms.clear(),
            _ => {}
        }
    }

    fn hear_chunk(&mut self, id: u32, event: &str, bytes: &[u8]) {
        let heard = self.heard.get_mut(&id).expect("a stream that is open");
        assert_eq!(heard.event, event);
        heard.behind = 0;
        for (offset, byte) in (heard.received..).zip(bytes) {
            assert_eq!(*byte, pattern(DOWN, offset), "stream {id} at {offset}");
        }
        heard.received += bytes.len() as u64;
    }

    fn hear_end(&mut self, id: u32, event: &str) {
        let heard = self.heard.remove(&id).expect("a stream that is open");
        assert_eq!(heard.event, event);
        if self.padded && heard.received >= 16 << 10 {
            assert!(heard.behind >= 64 << 10, "the end may come with the last chunk");
        }
    }
}

fn any<'c>(choice: u8, more: &mut Commands<'c>) -> ValueRef<'c> {
    let length = usize::from(choice >> 4);
    match choice & 7 {
        0 => ValueRef::Integer(more.number() >> 16),
        1 => ValueRef::Decimal(f64::from_bits(more.number().cast_unsigned())),
        2 => ValueRef::Binary(more.bytes(length)),
        3 => ValueRef::Object { format: gatewire_codec::FormatId::UNSPECIFIED, bytes: b"[1]" },
        4 => ValueRef::Bool(choice & 8 == 0),
        6 => ValueRef::String("text"),
        _ => ValueRef::Empty,
    }
}
