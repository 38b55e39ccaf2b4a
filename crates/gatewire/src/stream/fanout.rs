//! The writer's end of a stream to many.

use std::fmt;
use std::future::{Ready, poll_fn, ready as done};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use gatewire_codec::{StreamCode, v3};
use gatewire_format::IntoValue;
use tokio::io::AsyncWrite;
use tokio::task::coop::poll_proceed;

use super::{Outgoing, StreamError, StreamReport, StreamWriter};
use crate::error::RequestError;
use crate::server::group::Group;
use crate::to::To;

/// A stream to many that is about to be opened. Await it: it never waits, and gives the
/// [`FanoutWriter`] at once. On a server it needs a runtime of tokio around it, and panics without one.
///
/// What comes with the stream (`info`) may have 64 KiB; a longer one is an error.
#[must_use = "a stream is opened when it is awaited"]
pub struct OpenFanout<'e, V> {
    to: To<'e>,
    event: &'e str,
    info: V,
}

impl<V> fmt::Debug for OpenFanout<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenFanout")
            .field("to", &self.to)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}

impl<'e, V> OpenFanout<'e, V> {
    pub(crate) fn new(to: To<'e>, event: &'e str, info: V) -> Self {
        Self { to, event, info }
    }
}

impl<V: IntoValue> IntoFuture for OpenFanout<'_, V> {
    type Output = Result<FanoutWriter, StreamError>;
    type IntoFuture = Ready<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        done(self.to.open_stream(self.event, &self.info))
    }
}

/// Sends a stream to many readers. From [`To::stream`].
///
/// Each reader has a fate of its own: who stops, is lost, or is too slow by the rules of
/// [`Limits::slow_receivers`](crate::Limits::slow_receivers) of the server ends alone, and the others go on.
/// The bytes are shared, not copied for each. A write waits while the middle one of the readers is far
/// behind; bytes for which there is no reader (any more) are thrown away.
///
/// A reader that is behind is cut earlier when the chunks are short: at 16,384 of them.
///
/// Short writes are put together to chunks of 64 KiB: `flush` sends what there is. Then
/// [`finish`](Self::finish), which tells what became of each reader. Dropped without it, the readers get
/// an error.
pub struct FanoutWriter {
    to: Readers,
    /// Short writes.
    buffer: BytesMut,
}

/// Where the readers are.
enum Readers {
    /// At this node, and behind it.
    Here(Here),
    /// At the server of this client.
    There(StreamWriter),
}

struct Here {
    group: Arc<Group>,
    finished: bool,
}

impl Here {
    fn finish(&mut self) {
        if !std::mem::replace(&mut self.finished, true) {
            self.group.finish();
        }
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        if !self.finished {
            // After a reset it changes nothing.
            self.group.abort(StreamCode::Dropped, "");
        }
    }
}

impl fmt::Debug for FanoutWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FanoutWriter").finish_non_exhaustive()
    }
}

impl FanoutWriter {
    pub(crate) fn here(group: Arc<Group>) -> Self {
        let to = Readers::Here(Here { group, finished: false });
        Self { to, buffer: BytesMut::new() }
    }

    pub(crate) fn there(writer: StreamWriter) -> Self {
        Self { to: Readers::There(writer), buffer: BytesMut::new() }
    }

    /// Sends bytes, and before them what was written and not flushed. Long ones are not copied.
    ///
    /// # Errors
    ///
    /// From a client: [`StreamError::Disconnected`], or the server refuses the stream. What becomes of single
    /// readers is no error; [`finish`](Self::finish) tells.
    ///
    /// # Cancel safety
    ///
    /// Not safe: some of the bytes may be sent.
    pub async fn send(&mut self, bytes: impl Into<Bytes>) -> Result<(), StreamError> {
        let mut bytes = bytes.into();
        poll_fn(|context| {
            ready!(self.poll_buffer(context))?;
            self.poll_send(context, &mut bytes)
        })
        .await
    }

    /// Finishes the stream and waits until each reader has read it and its handler has answered, or has come to
    /// another end: what became of each. A reader has 60 s for its answer.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// Once all that was written is on its way, the stream finishes also if the future is dropped.
    pub async fn finish(mut self) -> Result<StreamReport, StreamError> {
        poll_fn(|context| self.poll_buffer(context)).await?;
        match self.to {
            Readers::Here(mut readers) => {
                readers.finish();
                let report = poll_fn(|context| {
                    readers.group.register(context.waker());
                    readers.group.report().map_or(Poll::Pending, Poll::Ready)
                });
                Ok(report.await)
            }
            Readers::There(writer) => {
                let outgoing = Arc::clone(writer.outgoing());
                let count = writer.finish::<u64>().await?;
                report(&outgoing, count)
            }
        }
    }

    /// Gives the stream up: the readers read what came, then an error with this code and text.
    pub fn reset(self, code: StreamCode, text: &str) {
        match self.to {
            Readers::Here(readers) => readers.group.abort(code, text),
            Readers::There(writer) => writer.reset(code, text),
        }
    }

    /// Sends what was written and not sent.
    fn poll_buffer(&mut self, context: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        while !self.buffer.is_empty() {
            let mut chunk = self.buffer.split().freeze();
            let polled = self.poll_send(context, &mut chunk);
            if polled.is_pending() {
                // Sent in whole chunks: what is left is short.
                self.buffer = chunk.into();
            }
            ready!(polled)?;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends bytes; when it has to wait, those that are left.
    fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        bytes: &mut Bytes,
    ) -> Poll<Result<(), StreamError>> {
        match &mut self.to {
            Readers::Here(Here { finished: true, .. }) => Poll::Ready(Err(StreamError::Finished)),
            Readers::Here(Here { group, .. }) => {
                group.register(context.waker());
                while !bytes.is_empty() {
                    // With fast readers, or none, it never has to wait, and lets other tasks run now and then.
                    let turn = ready!(poll_proceed(context));
                    if !group.may_push() {
                        return Poll::Pending;
                    }
                    group.push(&bytes.split_to(bytes.len().min(v3::MAX_CHUNK)));
                    turn.made_progress();
                }
                Poll::Ready(Ok(()))
            }
            Readers::There(writer) => match ready!(writer.poll_send(context, bytes)) {
                // Nobody is left to read it.
                Err(StreamError::Stopped { code: StreamCode::Enough, .. }) => Poll::Ready(Ok(())),
                sent => Poll::Ready(sent),
            },
        }
    }
}

/// The report of a server, which has told of each reader and then how many there were.
fn report(outgoing: &Outgoing, count: u64) -> Result<StreamReport, StreamError> {
    let receipts = outgoing.take_receipts();
    if receipts.len() as u64 == count {
        return Ok(StreamReport::new(receipts, outgoing.take_lost_nodes()));
    }
    let text = format!("the server told of {} readers of {count}", receipts.len());
    Err(RequestError::Unanswered(text).into())
}

impl AsyncWrite for FanoutWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.buffer.len() >= v3::MAX_CHUNK {
            ready!(this.poll_buffer(context))?;
        }
        let length = bytes.len().min(v3::MAX_CHUNK - this.buffer.len());
        this.buffer.extend_from_slice(&bytes[..length]);
        Poll::Ready(Ok(length))
    }

    /// Waits until all that was written is on its way to the readers' queues.
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(ready!(self.get_mut().poll_buffer(context))?))
    }

    /// Finishes the stream; what became of the readers is not told then.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_buffer(context))?;
        match &mut this.to {
            Readers::Here(readers) => {
                readers.finish();
                Poll::Ready(Ok(()))
            }
            Readers::There(writer) => Pin::new(writer).poll_shutdown(context),
        }
    }
}
