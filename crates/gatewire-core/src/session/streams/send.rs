//! The writers' half of streams.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use gatewire_codec::v3;
use rustc_hash::FxHashMap;

use crate::session::outbox::Outbox;

/// What a writer may have waiting in its stream, in bytes: 256 KiB, one batch.
pub const SEND_BUFFER: usize = 256 << 10;

/// Stream bytes are moved to the outbox while it holds less than this. So a message that comes now waits for
/// no more than this, and one write still takes as much as larger ones gain from (see
/// `docs/decisions.md`, "Who flushes"). Of a smaller outbox it is a quarter, and so is the longest chunk:
/// at least half of it is left for messages.
const BATCH: usize = 256 << 10;

/// Pieces of up to this length are copied together, longer ones shared.
const COPY_UP_TO: usize = 1024;

/// The streams that this end of a connection writes. `H` is what the caller keeps for each, to be told
/// of its progress.
#[derive(Debug)]
pub struct SendStreams<H> {
    open: FxHashMap<u32, SendStream<H>>,
    /// Those with something to send and leave to send it, in turn.
    ready: VecDeque<u32>,
    /// Where the last chunk in the outbox ends, counted in bytes ever written.
    last_chunk_end: u64,
    /// With their ids: a stream in turn alone is told once.
    progress: Vec<(u32, Sent<H>)>,
}

/// Bytes of a stream have left its buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent<H> {
    /// The stream's.
    pub handle: H,
    /// Bytes that have left in all.
    pub total: u64,
    /// Whether its end has left too.
    pub whole: bool,
}

#[derive(Debug)]
struct SendStream<H> {
    handle: H,
    pieces: VecDeque<Bytes>,
    /// Short pieces, behind `pieces`.
    copied: BytesMut,
    /// In both.
    waiting: usize,
    sent: u64,
    limit: u64,
    finishing: bool,
    /// All is sent, the end included: what is still awaited is the answer.
    sent_whole: bool,
    answered: bool,
    /// Whether it is in `ready`.
    listed: bool,
}

impl<H> SendStream<H> {
    /// How much of what waits may be sent now.
    fn sendable(&self) -> usize {
        let credit = self.limit.saturating_sub(self.sent);
        self.waiting.min(usize::try_from(credit).unwrap_or(usize::MAX))
    }

    fn is_ready(&self) -> bool {
        self.sendable() > 0 || (self.finishing && self.waiting == 0 && !self.sent_whole)
    }

    fn seal(&mut self) {
        if !self.copied.is_empty() {
            self.pieces.push_back(self.copied.split().freeze());
        }
    }

    /// Takes `length` bytes from the front, in pieces.
    fn take(&mut self, length: usize) -> impl Iterator<Item = Bytes> {
        self.waiting -= length;
        self.sent += length as u64;
        let mut left = length;
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            if self.pieces.is_empty() {
                self.seal();
            }
            let first = self.pieces.front_mut()?;
            let piece =
                if first.len() > left { first.split_to(left) } else { self.pieces.pop_front()? };
            left -= piece.len();
            Some(piece)
        })
    }
}

impl<H> Default for SendStreams<H> {
    fn default() -> Self {
        Self {
            open: FxHashMap::default(),
            ready: VecDeque::new(),
            last_chunk_end: 0,
            progress: Vec::new(),
        }
    }
}

impl<H: Clone> SendStreams<H> {
    /// Notes a stream whose OPEN is queued.
    pub fn open(&mut self, id: u32, handle: H) {
        let stream = SendStream {
            handle,
            pieces: VecDeque::new(),
            copied: BytesMut::new(),
            waiting: 0,
            sent: 0,
            limit: v3::INITIAL_CREDIT,
            finishing: false,
            sent_whole: false,
            answered: false,
            listed: false,
        };
        self.open.insert(id, stream);
    }

    /// How many streams are not sent whole or not answered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether a stream has bytes or its end to send, or may get more.
    #[must_use]
    pub fn is_sending(&self, id: u32) -> bool {
        self.open.get(&id).is_some_and(|stream| !stream.sent_whole)
    }

    /// What the caller keeps for a stream.
    #[must_use]
    pub fn handle(&self, id: u32) -> Option<H> {
        self.open.get(&id).map(|stream| stream.handle.clone())
    }

    /// What the caller keeps for all of them, and whether all is sent, so that only the answer is awaited.
    pub fn handles(&self) -> impl Iterator<Item = (H, bool)> {
        self.open.values().map(|stream| (stream.handle.clone(), stream.sent_whole))
    }

    /// Bytes that wait in the stream's buffer; a writer waits while it is [`SEND_BUFFER`] or more. `None`:
    /// the stream is finished, stopped or lost.
    #[must_use]
    pub fn waiting(&self, id: u32) -> Option<usize> {
        self.open.get(&id).filter(|stream| !stream.finishing).map(|stream| stream.waiting)
    }

    /// Adds bytes, sharing them if they are long. `false`: as [`waiting`](Self::waiting) says `None`.
    pub fn write(&mut self, id: u32, bytes: Bytes) -> bool {
        if bytes.len() <= COPY_UP_TO {
            return self.copy(id, &bytes);
        }
        self.change(id, |stream| {
            stream.waiting += bytes.len();
            stream.seal();
            stream.pieces.push_back(bytes);
        })
    }

    /// Adds bytes that other streams share, whatever waits: for one that goes to many. Short ones are copied
    /// while little waits, and shared when more does, so that the memory of a long queue is that of all
    /// who share it. How many pieces wait then; `None`: as [`waiting`](Self::waiting) says.
    pub fn share(&mut self, id: u32, bytes: Bytes) -> Option<usize> {
        let behind = self.waiting(id)? >= SEND_BUFFER;
        if bytes.len() <= COPY_UP_TO && !behind {
            self.copy(id, &bytes);
        } else {
            self.change(id, |stream| {
                stream.waiting += bytes.len();
                stream.seal();
                stream.pieces.push_back(bytes);
            });
        }
        self.open.get(&id).map(|stream| stream.pieces.len())
    }

    /// Adds a copy of bytes. `false`: as [`waiting`](Self::waiting) says `None`.
    pub fn copy(&mut self, id: u32, bytes: &[u8]) -> bool {
        self.change(id, |stream| {
            stream.waiting += bytes.len();
            if stream.copied.len() + bytes.len() > v3::MAX_CHUNK {
                stream.seal();
            }
            stream.copied.extend_from_slice(bytes);
        })
    }

    /// No more will be written: FINISH goes out behind what waits, then the stream is gone. `false`: as
    /// [`waiting`](Self::waiting) says `None`.
    pub fn finish(&mut self, id: u32) -> bool {
        self.change(id, |stream| stream.finishing = true)
    }

    fn change(&mut self, id: u32, change: impl FnOnce(&mut SendStream<H>)) -> bool {
        let Some(stream) = self.open.get_mut(&id).filter(|stream| !stream.finishing) else {
            return false;
        };
        change(stream);
        self.list(id);
        true
    }

    /// The reader allows more. A stream that is gone, or a smaller limit, changes nothing.
    pub fn handle_credit(&mut self, id: u32, limit: u64) {
        if let Some(stream) = self.open.get_mut(&id) {
            stream.limit = stream.limit.max(limit);
            self.list(id);
        }
    }

    /// Puts a stream in the turn, if it has something to send.
    fn list(&mut self, id: u32) {
        if let Some(stream) = self.open.get_mut(&id)
            && !stream.listed
            && stream.is_ready()
        {
            stream.listed = true;
            self.ready.push_back(id);
        }
    }

    /// The answer to a stream is here, or nobody waits for it any more. What is not sent yet still is.
    pub fn settle(&mut self, id: u32) {
        if let Some(stream) = self.open.get_mut(&id) {
            stream.answered = true;
            if stream.sent_whole {
                self.open.remove(&id);
            }
        }
    }

    /// The stream ends at once, and what waits is dropped: it is reset, stopped or refused. Its handle.
    pub fn remove(&mut self, id: u32) -> Option<H> {
        let stream = self.open.remove(&id)?;
        if stream.listed {
            self.ready.retain(|other| *other != id);
        }
        Some(stream.handle)
    }

    /// Nothing more is sent, since the connection is about to close. What is sent whole may still be answered,
    /// or stopped.
    pub fn close(&mut self) {
        self.open.retain(|_, stream| stream.sent_whole);
        self.ready.clear();
    }

    /// All streams end, since the connection does.
    pub fn clear(&mut self) {
        self.open.clear();
        self.ready.clear();
        self.last_chunk_end = 0;
    }

    /// Whether a chunk or a FINISH could be sent.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Moves chunks behind what waits in the outbox, a little of each stream in turn. When messages alone
    /// fill the batch it is one chunk, and the next when that is written: messages come first, but no stream
    /// stands still.
    pub(crate) fn fill(&mut self, outbox: &mut Outbox, max_frame: u32) {
        let batch = BATCH.min(outbox.max_bytes() / 4).max(1);
        let chunk_gone = outbox.written_bytes() >= self.last_chunk_end;
        let mut first = chunk_gone;
        while first || outbox.queued_bytes() < batch {
            first = false;
            let Some(id) = self.ready.pop_front() else { return };
            let Some(stream) = self.open.get_mut(&id) else { continue };
            stream.listed = false;
            let room = (max_frame as usize).saturating_sub(FRAME_OVERHEAD).max(1);
            let length = stream.sendable().min(v3::MAX_CHUNK).min(batch).min(room);
            if length > 0 {
                outbox.push_chunk(id, length, stream.take(length));
                self.last_chunk_end = outbox.written_bytes() + outbox.queued_bytes() as u64;
            }
            let total = stream.sent;
            let whole = stream.finishing && stream.waiting == 0;
            match self.progress.last_mut() {
                Some((last, sent)) if *last == id => (sent.total, sent.whole) = (total, whole),
                _ => self.progress.push((id, Sent { handle: stream.handle.clone(), total, whole })),
            }
            if whole {
                outbox.push_finish(id, total);
                stream.sent_whole = true;
                // It is empty; its memory is of no more use while the answer is awaited.
                stream.copied = BytesMut::new();
                stream.pieces = VecDeque::new();
                if stream.answered {
                    self.open.remove(&id);
                }
            } else {
                self.list(id);
            }
        }
    }

    /// What left the buffers since the last call, ends included: for the writers that wait. The list's memory
    /// is kept.
    pub fn drain_progress(&mut self) -> impl Iterator<Item = Sent<H>> {
        self.progress.drain(..).map(|(_, sent)| sent)
    }
}

/// Version, kind and the longest id.
const FRAME_OVERHEAD: usize = 7;
