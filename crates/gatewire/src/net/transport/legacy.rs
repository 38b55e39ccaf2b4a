//! The translation to a peer of wire version 1 or 2, over a TCP socket that does not block.
//!
//! To everybody else this is a connection of version 3: the [`Translator`] is a state machine without I/O. Writing
//! translates into its output and hands that to the kernel. What the translator says to the session by itself (a
//! PONG, a confirmation, more bytes of a stream) wakes the driver, which reads it.
//!
//! A stream that is not read does not stop the connection for long: once the peer's streams hold more than their
//! buffer the peer is not read, and if none of that is taken for a while, the stream that holds most is given up. The
//! end of a peer is told behind what its streams hold, as long as that is taken, and what it does not take meanwhile is
//! thrown away.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use futures_util::task::AtomicWaker;
use gatewire_codec::{Framer, LENGTH_PREFIX, split_frame};
use gatewire_legacy::downlink::{EventMemo, PeerError, Translator};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::time::{Sleep, sleep};

use super::memory::with_buffer;
use super::outgoing::{Machine, Outgoing};

/// What waits for the kernel: above it no more frames are translated. As much as a batch.
const BUFFER: usize = 256 << 10;

/// The session's frames are bounded before they get here.
const LIMIT: u32 = u32::MAX;

/// When the peer has ended nothing else waits for its streams, so their readers have this much longer: also those of
/// streams to many, which cut a reader that stands still by themselves, in 5 s by default.
const LAST_STALLS: u32 = 5;

/// See the [module's documentation](self).
pub(crate) struct Legacy {
    pub(super) outgoing: Outgoing<State>,
    /// The driver, when it reads.
    reader: AtomicWaker,
    /// How long the streams of the peer may stand still when they hold too much.
    stall: Duration,
}

pub(super) struct State {
    translator: Translator,
    /// The beginning of a frame of the session, cut by a write.
    partial: BytesMut,
    /// What ended the translation, until the driver is told; then what comes is thrown away.
    error: Option<PeerError>,
    broken: bool,
    /// The peer sends no more.
    ended: bool,
    /// Since when the streams stand still, and what they held then.
    stalled: Option<(Pin<Box<Sleep>>, usize)>,
}

impl Legacy {
    /// `stall`: how long the peer may go unread because its streams are not.
    pub(crate) fn new(mut translator: Translator, leftover: &[u8], stall: Duration) -> Self {
        let error = translator.handle_peer(leftover).err();
        let state = State {
            translator,
            partial: BytesMut::new(),
            broken: error.is_some(),
            error,
            ended: false,
            stalled: None,
        };
        Self { outgoing: Outgoing::new(state), reader: AtomicWaker::new(), stall }
    }

    /// Translates and sends; how many bytes were taken: those of whole frames until the buffer is full, and a beginning
    /// of one that is kept.
    pub(super) fn write(&self, tcp: &TcpStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.outgoing.lock();
        if !self.outgoing.send(&mut state, tcp)? && state.is_full() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let held = state.translator.buffered();
        let mut taken = 0;
        for slice in slices {
            taken += state.translate(slice);
            if state.is_full() {
                break;
            }
        }
        self.outgoing.send(&mut state, tcp)?;
        // A stream that is read no more may have held what kept the peer from being read.
        let freed = state.translator.buffered() < held;
        let answers = !state.translator.near_output().is_empty();
        drop(state);
        if answers || freed {
            self.reader.wake();
        }
        Ok(taken)
    }

    /// Receives and translates. Nothing filled: the peer sends no more.
    pub(super) fn poll_read(
        &self,
        read: &mut OwnedReadHalf,
        write: &TcpStream,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Before anything is looked at, so that nothing is missed behind it.
        self.reader.register(context.waker());
        loop {
            let mut state = self.outgoing.lock();
            if state.take_near(out) {
                return Poll::Ready(Ok(()));
            }
            if let Some(error) = state.error.take() {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
            }
            // What it has said before is said, if somebody reads it.
            if state.ended && !state.holds_streams() {
                return Poll::Ready(Ok(()));
            }
            if state.ended {
                ready!(state.poll_stalled(self.stall.saturating_mul(LAST_STALLS), context));
                state.translator.give_up_streams();
                continue;
            }
            // What comes behind an error is thrown away.
            if !state.broken && !state.translator.wants_input() {
                ready!(state.poll_stalled(self.stall, context));
                state.translator.give_up_stream();
                continue;
            }
            state.stalled = None;
            drop(state);
            ready!(with_buffer(|buffer| {
                let mut input = ReadBuf::new(buffer);
                // Who writes need not wait for the kernel.
                ready!(Pin::new(&mut *read).poll_read(context, &mut input))?;
                let mut state = self.outgoing.lock();
                state.receive(input.filled());
                if !state.translator.peer_output().is_empty() {
                    self.outgoing.send(&mut state, write)?;
                }
                Poll::Ready(io::Result::Ok(()))
            }))?;
        }
    }

    /// There is nothing that says so but the end of TCP itself.
    #[expect(clippy::unused_self, reason = "another layer says it")]
    pub(super) fn say_end(&self) {}
}

impl Machine for State {
    fn has_output(&mut self) -> bool {
        !self.translator.peer_output().is_empty()
    }

    fn write_output(&mut self, tcp: &TcpStream) -> io::Result<usize> {
        let output = self.translator.peer_output();
        let written = tcp.try_write(output)?;
        output.advance(written);
        release(output);
        Ok(written)
    }

    /// What a peer has said is read to its end, though it hears nothing any more: an error would end the connection, and
    /// with it streams that are here whole.
    fn discard_output(&mut self) -> bool {
        let reads = self.translator.buffered() > 0 || !self.translator.near_output().is_empty();
        let discards = self.ended && !self.broken && reads;
        if discards {
            let output = self.translator.peer_output();
            output.clear();
            release(output);
        }
        discards
    }
}

impl State {
    /// Whether the peer's streams wait for their readers.
    fn holds_streams(&self) -> bool {
        !self.broken && self.translator.buffered() > 0
    }

    /// Whether no more is translated until the kernel has taken something.
    fn is_full(&mut self) -> bool {
        self.translator.peer_output().len() >= BUFFER
    }

    /// Translates what the session writes, cut anywhere; how much was taken. A frame may become a thousand times
    /// longer (each chunk of a stream repeats its event), so it is asked behind each whether there is room.
    fn translate(&mut self, bytes: &[u8]) -> usize {
        let framer = Framer::new(LIMIT);
        let mut rest = bytes;
        // Its beginning is put together with no more than it lacks: what is behind is translated where it is, and what
        // is there already is not moved with each piece.
        while !self.partial.is_empty() && !rest.is_empty() {
            let lacks = match framer.missing(&self.partial) {
                Ok(Some(lacks)) => lacks,
                _ => LENGTH_PREFIX - self.partial.len(),
            };
            let (now, behind) = rest.split_at(lacks.min(rest.len()));
            self.partial.extend_from_slice(now);
            rest = behind;
            if framer.missing(&self.partial) == Ok(Some(0)) {
                let frame = std::mem::take(&mut self.partial);
                self.translate_frame(&frame[LENGTH_PREFIX..]);
            }
        }
        while !self.is_full() {
            let Ok(Some((frame, behind))) = split_frame(rest, LIMIT) else {
                self.partial.extend_from_slice(rest);
                return bytes.len();
            };
            self.translate_frame(frame);
            rest = behind;
        }
        bytes.len() - rest.len()
    }

    fn translate_frame(&mut self, frame: &[u8]) {
        with_memo(|memo| self.translator.handle_near_with(memo, frame));
    }

    /// Takes what was read; nothing: the peer sends no more.
    fn receive(&mut self, input: &[u8]) {
        self.ended |= input.is_empty();
        if self.broken {
            return;
        }
        if let Err(error) = self.translator.handle_peer(input) {
            self.broken = true;
            self.error = Some(error);
        }
    }

    /// Gives the session what there is for it; whether there was anything.
    fn take_near(&mut self, out: &mut ReadBuf<'_>) -> bool {
        let near = self.translator.near_output();
        let taken = near.len().min(out.remaining());
        out.put_slice(&near[..taken]);
        near.advance(taken);
        release(near);
        taken > 0
    }

    /// Waits until the readers of the peer's streams have taken nothing for so long, which may be for ever.
    fn poll_stalled(&mut self, limit: Duration, context: &mut Context<'_>) -> Poll<()> {
        let buffered = self.translator.buffered();
        let (timer, before) =
            self.stalled.get_or_insert_with(|| (Box::pin(sleep(limit)), buffered));
        if buffered < *before {
            *before = buffered;
            // As one that begins: what is longer than any time from now ends in decades.
            timer.set(sleep(limit));
        }
        ready!(timer.as_mut().poll(context));
        self.stalled = None;
        Poll::Ready(())
    }
}

/// Lends this thread's memo: a fan-out flushes the connections of its receivers one after the other.
fn with_memo<R>(f: impl FnOnce(&mut EventMemo) -> R) -> R {
    thread_local! {
        static MEMO: Cell<EventMemo> = Cell::default();
    }
    let mut memo = MEMO.take();
    let result = f(&mut memo);
    MEMO.set(memo);
    result
}

/// Gives large memory back that is not used.
fn release(buffer: &mut BytesMut) {
    const KEEP: usize = 16 << 10;
    if buffer.is_empty() && buffer.capacity() > KEEP {
        *buffer = BytesMut::new();
    }
}

#[cfg(test)]
mod tests;
