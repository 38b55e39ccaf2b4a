//! Streams that the session writes, and the peer reads.

use bytes::BytesMut;
use gatewire_codec::legacy::{self, Kind, Packet};
use gatewire_codec::{Message, ValueRef, Version};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::handshake::MAX_HANDSHAKE_FRAME;

/// Streams that are open, by the ids of the session.
#[derive(Debug, Default)]
pub(super) struct Writing {
    open: FxHashMap<u32, Stream>,
    /// Their ids at the peer.
    ids: FxHashSet<u32>,
}

#[derive(Debug)]
pub(super) struct Stream {
    /// What the peer calls it.
    pub(super) id: u32,
    /// What stands in each of its frames: the event, behind the targets if there are any.
    event: Box<str>,
    bytes: u64,
    /// What the session is answered when all is said, if the peer will not answer.
    pub(super) answer: Option<Answer>,
}

/// What stands for the answer to a stream that no answer comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// To one: nothing.
    Empty,
    /// To others: how many readers are told of.
    NoReaders,
}

impl Answer {
    pub(super) fn value(self) -> ValueRef<'static> {
        match self {
            Self::Empty => ValueRef::Empty,
            Self::NoReaders => ValueRef::Integer(0),
        }
    }
}

/// From so many bytes on the end of a stream is kept apart from them: what Node's reader takes before it
/// stops the connection (`highWaterMark` of its streams).
const PAD_FROM: u64 = 16 << 10;

/// One read of Node has at most so many bytes.
const PADDING: usize = 64 << 10;

/// So many of them in one frame, which is then no longer than a frame of a handshake: a peer that is gatewire refuses
/// frames above its own limit.
const PADDING_FRAME: usize = MAX_HANDSHAKE_FRAME as usize - 20;

/// A message type that nobody has assigned in either version, and all ignore.
const NOTHING: u8 = 255;

impl Writing {
    pub(super) fn open(&mut self, near_id: u32, id: u32, event: &str, answer: Option<Answer>) {
        self.ids.insert(id);
        self.open.insert(near_id, Stream { id, event: event.into(), bytes: 0, answer });
    }

    /// Whether the peer calls an open stream so.
    pub(super) fn has(&self, id: u32) -> bool {
        self.ids.contains(&id)
    }

    /// A chunk goes to the peer; of a stream that is not open it is dropped.
    pub(super) fn chunk(
        &mut self,
        near_id: u32,
        bytes: &[u8],
        version: Version,
        out: &mut BytesMut,
    ) {
        if let Some(stream) = self.open.get_mut(&near_id) {
            stream.bytes += bytes.len() as u64;
            let chunk = Message::StreamChunk { id: stream.id, event: &stream.event, bytes };
            put(&chunk, version, out);
        }
    }

    /// The end goes to the peer. These versions have one sort of end, so it is also that of a stream which is given up.
    pub(super) fn close(
        &mut self,
        near_id: u32,
        version: Version,
        pad: bool,
        out: &mut BytesMut,
    ) -> Option<Stream> {
        let stream = self.open.remove(&near_id)?;
        self.ids.remove(&stream.id);
        if pad && stream.bytes >= PAD_FROM {
            let value = ValueRef::Binary(&[0; PADDING_FRAME]);
            let nothing =
                Packet { value, ..Packet::new(version, Kind::Unassigned(NOTHING), stream.id) };
            for _ in 0..PADDING.div_ceil(PADDING_FRAME) {
                let padded = nothing.encode(out);
                debug_assert!(padded.is_ok(), "the kind is free in both versions");
            }
        }
        let end = Message::StreamFinish { id: stream.id, event: &stream.event, length: None };
        put(&end, version, out);
        Some(stream)
    }
}

fn put(message: &Message<'_>, version: Version, out: &mut BytesMut) {
    if let Err(error) = legacy::encode(message, version, 0, out) {
        debug_assert!(false, "a chunk is short, and its event was encoded before: {error}");
    }
}
