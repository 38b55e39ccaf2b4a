//! Read buffers whose bytes may be kept, for connections on which a stream comes in.
//!
//! A chunk that lies in the thread's read buffer has to be copied for its reader. Where chunk follows
//! chunk, the connection reads into a buffer that the chunks then share, without a copy. It has room for
//! some whole frames, so that a read rarely cuts one. When the reader has let go of all of them it is used
//! again: memory that goes back to the allocator and comes from it again costs more than the copies
//! (`docs/decisions.md`, "Chunks stay where they were read").
//!
//! A connection has such a buffer while its socket has bytes or a frame has begun, and as long it counts
//! against the budget for frames under way. Where that is used up chunks are copied.

use std::cell::RefCell;
use std::pin::pin;
use std::task::{Context, Poll};

use bytes::{BufMut, BytesMut};
use gatewire_codec::{LENGTH_PREFIX, v3};
use tokio::io::AsyncReadExt;

use super::{Assembly, Frame, Read, ReadError, Share, TransportReader};

/// Reading the chunks of a stream.
#[derive(Debug)]
pub(super) struct Chunks {
    /// The length of the last one's frame.
    frame: usize,
    /// Whether `partial` is a buffer for chunks now.
    held: bool,
    /// What is still to be read into the buffer.
    room: usize,
}

impl Assembly {
    /// What to expect after a read: more chunks of a stream, if the last of it was in a frame of this length; 0
    /// if it brought none.
    pub(crate) fn expect_chunks(&mut self, frame: u32) {
        let frame = frame as usize;
        let long = (COPY_UP_TO + 1..=LONGEST - LENGTH_PREFIX).contains(&frame);
        match &mut self.chunks {
            Some(chunks) if long => chunks.frame = frame,
            None if long => {
                self.chunks = Some(Box::new(Chunks { frame, held: false, room: 0 }));
            }
            Some(_) => {
                self.release();
                self.chunks = None;
            }
            None => {}
        }
    }

    /// Holds no memory while no frame has begun.
    pub(super) fn release(&mut self) {
        if !self.partial.is_empty() {
            return;
        }
        let buffer = std::mem::take(&mut self.partial);
        self.share = Share::default();
        if let Some(chunks) = self.chunks.as_deref_mut().filter(|chunks| chunks.held) {
            (chunks.held, chunks.room) = (false, 0);
            put_back_buffer(buffer);
        }
    }

    /// Sees to it that there is a buffer for the chunks that are expected. `false`: the next frame is none of
    /// them, or the budget is used up.
    pub(super) fn begin_chunks(&mut self, missing: Option<usize>) -> bool {
        if self.chunks.as_ref().is_some_and(|chunks| chunks.room == 0) {
            // The same memory again, if its chunks are read already: it is still in the cache.
            self.release();
        }
        let Some(chunks) = &mut self.chunks else { return false };
        let missing = missing.unwrap_or_default();
        let lacks = CHUNK_BUFFER.saturating_sub(self.share.bytes());
        if self.partial.len() + missing > LONGEST || (lacks > 0 && !self.share.grow(lacks)) {
            self.chunks = None;
            return false;
        }
        if chunks.room == 0 || chunks.room < missing {
            let mut buffer = take_buffer();
            buffer.extend_from_slice(&self.partial);
            chunks.room = room_for(chunks.frame) - buffer.len();
            let full = std::mem::replace(&mut self.partial, buffer);
            if std::mem::replace(&mut chunks.held, true) {
                put_back_buffer(full);
            }
        }
        true
    }

    /// Reads chunks of a stream to where they will stay, and other frames between them.
    pub(super) fn poll_chunks<E>(
        &mut self,
        stream: &mut TransportReader,
        context: &mut Context<'_>,
        mut handle: impl FnMut(&Frame<'_>, &mut Context<'_>) -> Result<(), E>,
    ) -> Poll<Result<Read, ReadError<E>>> {
        let room = self.chunks.as_ref().map_or(0, |chunks| chunks.room);
        let mut target = (&mut self.partial).limit(room);
        let read = pin!(stream.read_buf(&mut target)).poll(context);
        let Poll::Ready(read) = read else {
            self.release();
            return Poll::Pending;
        };
        let read = read.map_err(ReadError::Io)?;
        if read == 0 {
            return Poll::Ready(Ok(Read::Eof));
        }
        if let Some(chunks) = &mut self.chunks {
            chunks.room -= read;
        }
        while let Some(frame) =
            self.framer.next_frame(&mut self.partial).map_err(ReadError::Frame)?
        {
            let handled = if frame.len() > COPY_UP_TO {
                handle(&Frame::Owned(&frame), context)
            } else {
                handle(&Frame::Borrowed(&frame), context)
            };
            handled.map_err(ReadError::Handler)?;
        }
        Poll::Ready(Ok(Read::Progress))
    }
}

/// Frames of a chunk that one buffer takes: as many as make a read that larger ones gain little from.
const FRAMES: usize = 4;

/// The longest frame of a chunk, with room for version, kind and id.
const LONGEST: usize = LENGTH_PREFIX + 16 + v3::MAX_CHUNK;

/// The bytes of one buffer.
const CHUNK_BUFFER: usize = FRAMES * LONGEST;

/// Frames of this length or less are copied, since what somebody keeps of one keeps the whole buffer: so only
/// whole chunks are shared, and a reader keeps at most four times its bytes.
const COPY_UP_TO: usize = v3::MAX_CHUNK;

/// Buffers that a thread keeps for the next reads: 1 MiB.
const SPARE: usize = 4;

thread_local! {
    static BUFFERS: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// How much to read into a new buffer, so that its end is that of a frame of this length.
fn room_for(frame: usize) -> usize {
    CHUNK_BUFFER / (LENGTH_PREFIX + frame) * (LENGTH_PREFIX + frame)
}

/// An empty buffer: the last of those that nobody uses any more, or a new one.
fn take_buffer() -> BytesMut {
    BUFFERS.with_borrow_mut(|buffers| {
        match buffers.iter_mut().rposition(|buffer| buffer.try_reclaim(CHUNK_BUFFER)) {
            Some(free) => buffers.remove(free),
            None => BytesMut::with_capacity(CHUNK_BUFFER),
        }
    })
}

/// Keeps what is left of a buffer until its chunks are read.
fn put_back_buffer(mut buffer: BytesMut) {
    buffer.clear();
    BUFFERS.with_borrow_mut(|buffers| {
        if buffers.len() == SPARE {
            buffers.remove(0);
        }
        buffers.push(buffer);
    });
}
