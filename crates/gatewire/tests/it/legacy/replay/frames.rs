//! Frames in a form in which two sides can be compared.

use std::collections::{BTreeMap, VecDeque};

use gatewire_codec::legacy::{Kind, Packet};
use gatewire_codec::{ValueRef, Version};

use crate::legacy::raw::encode;

/// A frame without its length prefix, or all chunks of a stream that follow one another.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Frame(Vec<u8>),
    Chunks { id: u32, event: String, bytes: Vec<u8> },
}

impl std::fmt::Debug for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Frame(frame) => match Packet::decode(frame) {
                Ok(packet) => packet.fmt(f),
                Err(error) => write!(f, "{error}: {frame:02x?}"),
            },
            Self::Chunks { id, event, bytes } => {
                write!(f, "chunks of {id} {event}: {}", bytes.len())
            }
        }
    }
}

/// What one side has sent.
#[derive(Default)]
pub(super) struct Sent(pub(super) VecDeque<Piece>);

impl Sent {
    /// One more frame, without its length prefix. Padding means nothing.
    pub(super) fn push(&mut self, frame: &[u8]) {
        let packet = Packet::decode(frame).expect("a frame");
        match (packet.kind, packet.value) {
            (Kind::Unassigned(255), _) => {}
            (Kind::Stream, ValueRef::Binary(more)) => match self.0.back_mut() {
                Some(Piece::Chunks { id, bytes, .. }) if *id == packet.id => {
                    bytes.extend_from_slice(more);
                }
                _ => self.0.push_back(Piece::Chunks {
                    id: packet.id,
                    event: packet.event.to_owned(),
                    bytes: more.to_vec(),
                }),
            },
            _ => self.0.push_back(Piece::Frame(frame.to_vec())),
        }
    }

    /// Whether this is `expected`, and maybe more.
    pub(super) fn begins_with(&self, expected: &Self) -> bool {
        let Some(last) = expected.0.len().checked_sub(1) else { return true };
        let same = self.0.iter().take(last).eq(expected.0.iter().take(last));
        same && match (self.0.get(last), &expected.0[last]) {
            (
                Some(Piece::Chunks { id, event, bytes }),
                Piece::Chunks { id: other, event: name, bytes: first },
            ) => id == other && event == name && bytes.starts_with(first),
            (piece, expected) => piece == Some(expected),
        }
    }

    /// The first piece in which the two differ.
    pub(super) fn difference<'s>(
        &'s self,
        expected: &'s Self,
    ) -> Option<(Option<&'s Piece>, &'s Piece)> {
        let pieces = expected.0.iter().enumerate();
        pieces.map(|(at, piece)| (self.0.get(at), piece)).find(|(got, piece)| *got != Some(piece))
    }

    /// Whether this may be all that `expected` has.
    pub(super) fn reaches(&self, expected: &Self) -> bool {
        let length = |piece: Option<&Piece>| match piece {
            Some(Piece::Chunks { bytes, .. }) => bytes.len(),
            _ => 0,
        };
        self.0.len() > expected.0.len()
            || (self.0.len() == expected.0.len()
                && length(self.0.back()) >= length(expected.0.back()))
    }
}

/// The numbers that a side gives its frames: one counter, and the streams keep theirs.
pub(super) struct Numbers {
    next: u32,
    /// What is open or waits for an answer, as it was recorded.
    ids: BTreeMap<u32, u32>,
}

impl Numbers {
    pub(super) fn new() -> Self {
        Self { next: 2, ids: BTreeMap::new() }
    }

    /// One more frame was sent than was recorded.
    pub(super) fn skip(&mut self) {
        self.next += 1;
    }

    /// An answer to a request, with the number that the request got.
    pub(super) fn answer(&self, frame: &[u8]) -> Vec<u8> {
        let packet = Packet::decode(frame).expect("a frame");
        match packet.kind {
            Kind::Ack => encode(&Packet { id: self.ids[&packet.id], ..packet }),
            _ => frame.to_vec(),
        }
    }

    /// The frame as one that leaves out what was left out before would number it.
    pub(super) fn renumber(&mut self, frame: &[u8]) -> Vec<u8> {
        let mut packet = Packet::decode(frame).expect("a frame");
        let recorded = packet.id;
        packet.id = match packet.kind {
            Kind::Ack => recorded,
            Kind::Stream | Kind::StreamClose => self.ids[&recorded],
            _ => {
                let id = self.next;
                self.next += 1;
                self.ids.insert(recorded, id);
                id
            }
        };
        encode(&packet)
    }
}

/// A packet with this text for its data.
pub(super) fn with_text(frame: &[u8], text: &str) -> Vec<u8> {
    let packet = Packet::decode(frame).expect("a frame");
    encode(&Packet { value: ValueRef::String(text), ..packet })
}

/// The data of a frame, as text.
pub(super) fn text_of(frame: &[u8]) -> String {
    match Packet::decode(frame).expect("a frame").value {
        ValueRef::String(text) => text.to_owned(),
        other => panic!("{other:?}"),
    }
}

/// A request that is none of the recording: its answer tells that all before it is handled.
pub(super) fn fence(version: Version, id: u32) -> Vec<u8> {
    encode(&Packet { event: "fence", ..Packet::new(version, Kind::DataWithAck, id) })
}
