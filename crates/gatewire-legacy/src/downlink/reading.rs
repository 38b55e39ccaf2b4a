//! Streams that the peer writes, and the session reads.
//!
//! The peer knows no credit. What comes within the session's credit is passed on at once; the rest waits here, in the
//! order in which it came, until the session grants more.

use std::collections::VecDeque;

use bytes::{Buf, BytesMut};
use gatewire_codec::{Message, StreamCode, v3};
use rustc_hash::FxHashMap;

#[derive(Debug, Default)]
pub(super) struct Reading {
    open: FxHashMap<u32, Stream>,
    /// In all of them.
    buffered: usize,
    /// Nobody reads any more.
    over: bool,
}

#[derive(Debug)]
struct Stream {
    /// Bytes that the session has got.
    passed: u64,
    /// Up to where it may get them.
    limit: u64,
    waiting: VecDeque<BytesMut>,
    waits: usize,
    /// The peer has said all.
    finished: bool,
    /// It is for others, and not read here: how long one of those may take is decided where it is passed on.
    relayed: bool,
}

/// Waiting bytes are kept in pieces of this size, so that those which are passed on are given back.
const PIECE: usize = v3::MAX_CHUNK;

impl Stream {
    fn keep(&mut self, mut bytes: &[u8]) {
        self.waits += bytes.len();
        while !bytes.is_empty() {
            let last = match self.waiting.back_mut() {
                Some(last) if last.len() < PIECE => last,
                _ => {
                    self.waiting.push_back(BytesMut::new());
                    self.waiting.back_mut().expect("it was just put there")
                }
            };
            let taken = bytes.len().min(PIECE - last.len());
            last.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
        }
    }

    /// How many bytes may be passed on.
    fn room(&self) -> usize {
        usize::try_from(self.limit.saturating_sub(self.passed)).unwrap_or(usize::MAX)
    }

    /// Passes on as much as the credit allows, and the end behind all; how much it was.
    fn drain(&mut self, id: u32, near: &mut BytesMut) -> usize {
        let before = self.waits;
        while let Some(first) = self.waiting.front_mut() {
            let room =
                usize::try_from(self.limit.saturating_sub(self.passed)).unwrap_or(usize::MAX);
            let taken = first.len().min(room);
            if taken == 0 {
                break;
            }
            put(near, &Message::StreamChunk { id, event: "", bytes: &first[..taken] });
            self.passed += taken as u64;
            self.waits -= taken;
            first.advance(taken);
            if first.is_empty() {
                self.waiting.pop_front();
            }
        }
        before - self.waits
    }
}

impl Reading {
    pub(super) fn buffered(&self) -> usize {
        self.buffered
    }

    pub(super) fn is_open(&self, id: u32) -> bool {
        self.open.contains_key(&id)
    }

    /// Whether the peer may say more of it.
    pub(super) fn is_written(&self, id: u32) -> bool {
        self.open.get(&id).is_some_and(|stream| !stream.finished)
    }

    /// `relayed`: it is for others. `false`: there is one with this id.
    pub(super) fn open(&mut self, id: u32, relayed: bool) -> bool {
        if self.is_open(id) {
            return false;
        }
        if self.over {
            return true;
        }
        let (passed, limit) = (0, v3::INITIAL_CREDIT);
        let (waiting, waits, finished) = (VecDeque::new(), 0, false);
        let stream = Stream { passed, limit, waiting, waits, finished, relayed };
        self.open.insert(id, stream);
        true
    }

    /// The session wants no more of it, or never got it.
    pub(super) fn close(&mut self, id: u32) {
        if let Some(stream) = self.open.remove(&id) {
            self.buffered -= stream.waits;
        }
    }

    /// The session wants nothing more of any, nor of those that are opened from now on.
    pub(super) fn close_all(&mut self) {
        *self = Self { over: true, ..Self::default() };
    }

    /// Bytes of the peer. `false`: of no stream that is open.
    pub(super) fn chunk(&mut self, id: u32, bytes: &[u8], near: &mut BytesMut) -> bool {
        let Some(stream) = self.open.get_mut(&id).filter(|stream| !stream.finished) else {
            return false;
        };
        let mut rest = bytes;
        if stream.waits == 0 {
            let (now, later) = bytes.split_at(stream.room().min(bytes.len()));
            for bytes in now.chunks(v3::MAX_CHUNK) {
                put(near, &Message::StreamChunk { id, event: "", bytes });
            }
            stream.passed += now.len() as u64;
            rest = later;
        }
        stream.keep(rest);
        self.buffered += rest.len();
        true
    }

    /// The peer has said all. `false`: of no stream that is open.
    pub(super) fn finish(&mut self, id: u32, near: &mut BytesMut) -> bool {
        let Some(stream) = self.open.get_mut(&id).filter(|stream| !stream.finished) else {
            return false;
        };
        stream.finished = true;
        self.settle(id, near);
        true
    }

    /// The session may get bytes up to `limit`.
    pub(super) fn credit(&mut self, id: u32, limit: u64, near: &mut BytesMut) {
        let Some(stream) = self.open.get_mut(&id) else { return };
        stream.limit = stream.limit.max(limit);
        self.buffered -= stream.drain(id, near);
        self.settle(id, near);
    }

    /// Tells the end, once all is passed on.
    fn settle(&mut self, id: u32, near: &mut BytesMut) {
        if let Some(stream) = self.open.get(&id)
            && stream.finished
            && stream.waits == 0
        {
            put(near, &Message::StreamFinish { id, event: "", length: Some(stream.passed) });
            self.open.remove(&id);
        }
    }

    /// The session gets an error behind what it has.
    pub(super) fn give_up(&mut self, id: u32, text: &str, near: &mut BytesMut) {
        if self.is_open(id) {
            self.close(id);
            put(near, &Message::StreamReset { id, code: StreamCode::SlowReceiver, text });
        }
    }

    /// As [`give_up`](Self::give_up), of the stream to this end that holds most. One to others waits for the slowest
    /// of them, who is cut in time: to give it up would cut it for all, and old versions cannot tell a cut from an end.
    pub(super) fn give_up_largest(&mut self, near: &mut BytesMut) {
        let waiting = self.open.iter().filter(|(_, stream)| stream.waits > 0 && !stream.relayed);
        if let Some(id) = waiting.max_by_key(|(id, stream)| (stream.waits, **id)).map(|(id, _)| *id)
        {
            self.give_up(id, "the stream was not read", near);
        }
    }

    /// As [`give_up`](Self::give_up), of all that hold something.
    pub(super) fn give_up_all(&mut self, near: &mut BytesMut) {
        let mut held: Vec<u32> =
            self.open.iter().filter(|(_, stream)| stream.waits > 0).map(|(id, _)| *id).collect();
        held.sort_unstable();
        for id in held {
            self.give_up(id, "the stream was not read", near);
        }
    }
}

fn put(near: &mut BytesMut, message: &Message<'_>) {
    if let Err(error) = v3::encode(message, near) {
        debug_assert!(false, "a frame of a stream: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_to_others_is_not_given_up_for_a_slow_one() {
        let (mut reading, mut near) = (Reading::default(), BytesMut::new());
        let credit = usize::try_from(v3::INITIAL_CREDIT).expect("it is small");
        for (id, relayed, waits) in [(1, true, 300), (2, false, 100), (3, false, 200)] {
            assert!(reading.open(id, relayed));
            assert!(reading.chunk(id, &vec![0; credit + waits], &mut near));
        }
        assert_eq!(reading.buffered(), 600);
        let left = [3, 2].map(|given_up| {
            reading.give_up_largest(&mut near);
            assert!(!reading.is_open(given_up));
            reading.buffered()
        });
        assert_eq!(left, [400, 300]);
        near.clear();
        reading.give_up_largest(&mut near);
        assert!(near.is_empty(), "nobody is told of anything");
        assert!(reading.is_open(1));
    }
}
