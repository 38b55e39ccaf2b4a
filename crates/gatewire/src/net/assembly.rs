//! From reads to frames.
//!
//! All connections of a thread read into one large buffer that belongs to the thread: an idle
//! connection holds no memory, and one read takes many frames, which are handled where they lie. Only
//! the beginning of a frame that the read cut is copied into the connection's own buffer. A large
//! frame is then read straight into that buffer, which grows with the bytes that have arrived,
//! never to the length that was announced. What all connections of the process hold in such buffers
//! is bounded by [`ASSEMBLY_BUDGET`]: beyond it a connection with a large frame is not read until
//! others have finished theirs.
//!
//! While long chunks of a stream come in, a connection reads into a [buffer that they
//! share](chunks), which it gives back when the socket is empty.

mod chunks;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use gatewire_codec::{FrameError, Framer, LENGTH_PREFIX, split_frame};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::time::Sleep;

use super::transport::TransportReader;
use chunks::Chunks;

/// One read takes up to this much. Larger costs cache, smaller costs system calls; see
/// `docs/decisions.md`.
const READ_BUFFER: usize = 256 << 10;

/// A frame that lacks more than this is read straight into the connection's own buffer.
const DIRECT_READ: usize = 64 << 10;

/// Bytes that the large frames under way may take, over all connections of the process: 256 MiB.
const ASSEMBLY_BUDGET: usize = 256 << 20;

/// How long a connection waits before it asks for its share of the budget again.
const BUDGET_RETRY: Duration = Duration::from_millis(10);

/// What is taken of the budget.
static ASSEMBLING: AtomicUsize = AtomicUsize::new(0);

/// A share of the budget, small: each connection has one. Given back when dropped.
#[derive(Debug, Default)]
struct Share(u32);

impl Share {
    fn bytes(&self) -> usize {
        self.0 as usize
    }

    /// Grows the share; `false`: the budget is used up.
    fn grow(&mut self, bytes: usize) -> bool {
        let fits = |used: usize| used.checked_add(bytes).filter(|used| *used <= ASSEMBLY_BUDGET);
        let granted = ASSEMBLING.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        if granted {
            self.0 += u32::try_from(bytes).expect("it is no more than the budget");
        }
        granted
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.0 > 0 {
            ASSEMBLING.fetch_sub(self.bytes(), Ordering::Relaxed);
        }
    }
}

thread_local! {
    static BUFFER: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// This thread's read buffer, given back when dropped. A nested use gets one of its own.
struct ThreadBuffer(Option<Box<[u8]>>);

impl ThreadBuffer {
    fn take() -> Self {
        Self(Some(BUFFER.take().unwrap_or_else(|| vec![0; READ_BUFFER].into_boxed_slice())))
    }

    fn bytes(&mut self) -> &mut [u8] {
        self.0.as_deref_mut().unwrap_or_default()
    }
}

impl Drop for ThreadBuffer {
    fn drop(&mut self) {
        BUFFER.set(self.0.take());
    }
}

/// The bytes of a connection that are not a whole frame yet.
#[derive(Debug)]
pub(crate) struct Assembly {
    framer: Framer,
    partial: BytesMut,
    /// Of the budget, for `partial` beyond what one read can leave.
    share: Share,
    /// Set while chunks of a stream come in: `partial` is the buffer that they share.
    chunks: Option<Box<Chunks>>,
    /// Set while the budget is used up.
    retry: Option<Pin<Box<Sleep>>>,
}

/// One frame. Owned if it was assembled, or is a chunk that may be kept; else it lies in the thread's
/// buffer.
#[derive(Debug)]
pub(crate) enum Frame<'a> {
    Borrowed(&'a [u8]),
    Owned(&'a Bytes),
}

impl Frame<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }

    pub(crate) fn owned(&self) -> Option<&Bytes> {
        match self {
            Self::Borrowed(_) => None,
            Self::Owned(bytes) => Some(bytes),
        }
    }

    pub(crate) fn to_bytes(&self) -> Bytes {
        match self {
            Self::Borrowed(bytes) => Bytes::copy_from_slice(bytes),
            Self::Owned(bytes) => Bytes::clone(bytes),
        }
    }
}

/// What a read gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// Bytes; whole frames among them were handled.
    Progress,
    /// The peer sends no more.
    Eof,
}

/// Why reading ended.
#[derive(Debug)]
pub(crate) enum ReadError<E> {
    Io(io::Error),
    Frame(FrameError),
    Handler(E),
}

impl Assembly {
    /// `leftover`: what came behind the handshake.
    pub(crate) fn new(max_frame: u32, leftover: BytesMut) -> Self {
        Self {
            framer: Framer::new(max_frame),
            partial: leftover,
            share: Share::default(),
            chunks: None,
            retry: None,
        }
    }

    /// Handles the frames that are whole already: what came behind the handshake.
    pub(crate) fn handle_whole<E>(
        &mut self,
        mut handle: impl FnMut(&Frame<'_>) -> Result<(), E>,
    ) -> Result<(), ReadError<E>> {
        while let Some(frame) =
            self.framer.next_frame(&mut self.partial).map_err(ReadError::Frame)?
        {
            handle(&Frame::Owned(&frame)).map_err(ReadError::Handler)?;
        }
        self.release();
        Ok(())
    }

    /// Reads once and handles the frames that are whole.
    pub(crate) fn poll_read<E>(
        &mut self,
        stream: &mut TransportReader,
        context: &mut Context<'_>,
        mut handle: impl FnMut(&Frame<'_>, &mut Context<'_>) -> Result<(), E>,
    ) -> Poll<Result<Read, ReadError<E>>> {
        let missing = self.framer.missing(&self.partial).map_err(ReadError::Frame)?;
        if self.begin_chunks(missing) {
            return self.poll_chunks(stream, context, handle);
        }
        if let Some(missing) = missing.filter(|missing| *missing > DIRECT_READ) {
            return self.poll_direct(missing, stream, context, handle);
        }
        let mut buffer = ThreadBuffer::take();
        let mut target = ReadBuf::new(buffer.bytes());
        ready!(Pin::new(stream).poll_read(context, &mut target)).map_err(ReadError::Io)?;
        let mut rest = target.filled();
        if rest.is_empty() {
            return Poll::Ready(Ok(Read::Eof));
        }
        let mut handle = |frame: &Frame<'_>| handle(frame, context).map_err(ReadError::Handler);
        if !self.partial.is_empty() {
            rest = self.complete(rest, &mut handle)?;
        }
        while let Some((frame, behind)) =
            split_frame(rest, self.framer.limit()).map_err(ReadError::Frame)?
        {
            handle(&Frame::Borrowed(frame))?;
            rest = behind;
        }
        self.partial.extend_from_slice(rest);
        Poll::Ready(Ok(Read::Progress))
    }

    /// Reads the rest of a large frame to where it will stay.
    fn poll_direct<E>(
        &mut self,
        missing: usize,
        stream: &mut TransportReader,
        context: &mut Context<'_>,
        mut handle: impl FnMut(&Frame<'_>, &mut Context<'_>) -> Result<(), E>,
    ) -> Poll<Result<Read, ReadError<E>>> {
        if let Some(retry) = &mut self.retry {
            ready!(retry.as_mut().poll(context));
            self.retry = None;
        }
        // Room for as much again as has arrived, at least one direct read.
        let room = missing.min(self.partial.len().max(DIRECT_READ));
        let lacks = (self.partial.len() + room).saturating_sub(self.share.bytes());
        if lacks > 0 && !self.share.grow(lacks) {
            let mut retry = Box::pin(tokio::time::sleep(BUDGET_RETRY));
            // Not ready before its time: the task is woken then.
            let _later = retry.as_mut().poll(context);
            self.retry = Some(retry);
            return Poll::Pending;
        }
        self.partial.reserve(room);
        let mut target = (&mut self.partial).limit(room);
        let read = ready!(pin!(stream.read_buf(&mut target)).poll(context));
        if read.map_err(ReadError::Io)? == 0 {
            return Poll::Ready(Ok(Read::Eof));
        }
        let handled = self.handle_whole(|frame| handle(frame, context));
        Poll::Ready(handled.map(|()| Read::Progress))
    }

    /// Completes the partial frame with the beginning of `input`; what is left of it.
    fn complete<'i, E>(
        &mut self,
        mut input: &'i [u8],
        handle: &mut impl FnMut(&Frame<'_>) -> Result<(), ReadError<E>>,
    ) -> Result<&'i [u8], ReadError<E>> {
        loop {
            let lacks = match self.framer.missing(&self.partial).map_err(ReadError::Frame)? {
                Some(0) => break,
                Some(missing) => missing,
                None => LENGTH_PREFIX - self.partial.len(),
            };
            let taken = lacks.min(input.len());
            self.partial.extend_from_slice(&input[..taken]);
            input = &input[taken..];
            if taken < lacks {
                return Ok(input);
            }
        }
        let mut frame = std::mem::take(&mut self.partial);
        self.share = Share::default();
        frame.advance(LENGTH_PREFIX);
        handle(&Frame::Owned(&frame.freeze()))?;
        Ok(input)
    }
}
