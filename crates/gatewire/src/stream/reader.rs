//! The reader's end.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::stream::Stream;
use gatewire_codec::StreamCode;
use gatewire_core::session::Read;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::task::coop::poll_proceed;

use super::StreamError;
use crate::net::link::{HasLink, Session};
use crate::net::pipes::{Pipe, Slot};

/// The bytes of a stream that somebody sends: an argument of its handler.
///
/// Read it as [`AsyncRead`], as a [`Stream`] of chunks, or with [`chunk`](Self::chunk). All bytes and the end,
/// or an error: never an end that is none. After an error or the end it gives the same again (as a
/// `Stream`: `None`).
///
/// While it is not read, at most its credit waits in memory: 256 KiB, and up to
/// [`StreamLimits::max_credit`](crate::StreamLimits) for one that was read fast before. The writer waits;
/// everything else on the connection goes on.
///
/// A handler that hands it to another task and then refuses ends it: what came can be read, then
/// [`StreamError::Reset`] with [`StreamCode::Cancelled`], since a writer that is refused sends no more.
///
/// Dropped before the end, the writer is told to stop, and its `finish` fails;
/// [`stop`](Self::stop) is the polite way.
pub struct StreamReader {
    pipe: Arc<Pipe>,
    owner: Arc<dyn HasLink>,
    session: Session,
    slot: Slot,
    /// Whether its writer waits for an answer.
    answered: bool,
    /// The rest of a chunk of which a short `read` took only a part.
    rest: Bytes,
    /// The end was seen, or is not wanted.
    ended: bool,
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader").field("id", &self.pipe.id()).finish_non_exhaustive()
    }
}

impl StreamReader {
    pub(crate) fn new(
        pipe: Arc<Pipe>,
        slot: Slot,
        owner: Arc<dyn HasLink>,
        session: Session,
        answered: bool,
    ) -> Self {
        Self { pipe, owner, session, slot, answered, rest: Bytes::new(), ended: false }
    }

    pub(crate) fn slot(&self) -> Slot {
        self.slot.clone()
    }

    /// No handler takes it.
    pub(crate) fn leave(mut self) {
        if self.answered {
            self.end();
        } else {
            self.tell(StreamCode::NotTaken, "");
        }
    }

    /// The next bytes: what came together, 64 KiB at most. `None`: that was all.
    ///
    /// # Errors
    ///
    /// [`StreamError::Reset`] or [`StreamError::Disconnected`]: it will not come to its end.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is lost.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, StreamError> {
        poll_fn(|context| self.poll_chunk(context)).await
    }

    /// Wants no more: the writer's `send` fails with [`StreamCode::Enough`], and its `finish` still gives it
    /// what the handler answers.
    pub fn stop(mut self) {
        self.tell(StreamCode::Enough, "");
    }

    /// Wants no more, and says why: a code for the program at the other end
    /// ([`StreamCode::Other`] from 64 on is free to use), a text for people.
    pub fn reset(mut self, code: StreamCode, text: &str) {
        self.tell(code, text);
    }

    /// Bytes that have come so far, read or not.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.pipe.lock().stream.received()
    }

    fn poll_chunk(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, StreamError>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Ok(Some(std::mem::take(&mut self.rest))));
        }
        // A reader that always finds bytes lets other tasks run now and then.
        let turn = ready!(poll_proceed(context));
        // Before the question, so that nothing is missed behind it.
        self.pipe.register(context.waker());
        let (read, grant) = {
            let mut state = self.pipe.lock();
            let read = state.stream.read(usize::MAX);
            (read, state.stream.grant())
        };
        if let Some(limit) = grant {
            self.owner.link().grant(&self.owner, self.session, self.pipe.id(), limit);
        }
        let chunk = match read {
            Read::Pending => return Poll::Pending,
            Read::Chunk(chunk) => Ok(Some(chunk)),
            Read::End => {
                self.end();
                Ok(None)
            }
            Read::Failed(why) => {
                self.end();
                Err(why.into())
            }
        };
        turn.made_progress();
        Poll::Ready(chunk)
    }

    /// Nothing more is to be told about it.
    fn end(&mut self) {
        if !std::mem::replace(&mut self.ended, true) {
            self.owner.link().close_pipe(self.pipe.id(), &*self.pipe);
        }
    }

    /// Nothing more is wanted; whether there is anything more.
    fn give_up(&mut self) -> bool {
        let all_taken = self.rest.is_empty() && self.pipe.lock().stream.is_done();
        let more = !self.ended && !all_taken;
        self.end();
        more
    }

    fn tell(&mut self, code: StreamCode, text: &str) {
        if self.give_up() {
            self.owner.link().stop_stream(&self.owner, self.session, self.pipe.id(), code, text);
        }
    }

    pub(crate) fn pipe(&self) -> &Arc<Pipe> {
        &self.pipe
    }
}

impl Drop for StreamReader {
    fn drop(&mut self) {
        if self.give_up() && (!self.answered || self.pipe.abandon()) {
            let (link, id) = (self.owner.link(), self.pipe.id());
            link.stop_stream(&self.owner, self.session, id, StreamCode::Dropped, "");
        }
    }
}

impl Stream for StreamReader {
    type Item = Result<Bytes, StreamError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        this.poll_chunk(context).map(Result::transpose)
    }
}

impl AsyncRead for StreamReader {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if out.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if let Some(mut chunk) = ready!(this.poll_chunk(context))? {
            let length = chunk.len().min(out.remaining());
            out.put_slice(&chunk.split_to(length));
            this.rest = chunk;
        }
        Poll::Ready(Ok(()))
    }
}
