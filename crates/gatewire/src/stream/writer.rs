//! The writer's end of a stream to one peer.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_channel::oneshot;
use futures_util::task::AtomicWaker;
use gatewire_codec::{ReceiverOutcome, StreamCode, Value};
use gatewire_core::session::SEND_BUFFER;
use gatewire_format::{DecodeContext, FromValue};
use tokio::io::AsyncWrite;
use tokio::task::coop::poll_proceed;

use super::{Receipt, StreamError};
use crate::error::RequestError;
use crate::net::link::{HasLink, Session, StreamGone, WatchStream};
use crate::net::waiter::Outcome;

/// Sends a stream to one reader. From [`stream`](crate::Client::stream).
///
/// Write with [`send`](Self::send), which copies nothing, or as [`AsyncWrite`]. At most 256 KiB wait in the
/// stream; beyond that a write waits for the reader. Messages overtake what waits.
///
/// Then [`finish`](Self::finish), which waits for the reader's answer; or `shutdown`, which only waits until
/// all is on its way. Dropped without either, the reader gets an error.
pub struct StreamWriter {
    owner: Arc<dyn HasLink>,
    outgoing: Arc<Outgoing>,
    session: Session,
    id: u32,
    event: Box<str>,
    timeout: Duration,
    outcome: oneshot::Receiver<Outcome>,
    /// How it ended, once that is known.
    ended: Option<Outcome>,
    finishing: bool,
    /// Whether its reader is to answer.
    answered: bool,
}

/// Whom a stream is for, as far as its writer hears of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// One, who answers.
    One,
    /// Any number. What becomes of each is told by itself.
    Many,
}

/// What a connection tells the writer of a stream.
pub(crate) struct Outgoing {
    writer: AtomicWaker,
    stopped: OnceLock<(StreamCode, String)>,
    /// Whether all has left the stream's buffer, its end too.
    whole: AtomicBool,
    /// Whether it never will, since the connection ended before.
    lost: AtomicBool,
    /// Of the readers, if they are many. Who reads alone has nothing to tell here.
    receipts: Option<Mutex<Vec<Receipt>>>,
    /// Nodes of whose readers nothing is known.
    lost_nodes: Mutex<Vec<String>>,
    /// Whether it goes to another node: then a connection that is lost is the way there.
    across: bool,
}

/// The most readers whose outcomes are kept: sixteen times the connections of a server by default.
pub(crate) const MAX_RECEIPTS: usize = 1 << 20;

/// The most nodes that are named as lost: as many as a router remembers.
const MAX_LOST: usize = 16_384;

impl Outgoing {
    pub(super) fn to(readers: Readers) -> Self {
        let receipts = match readers {
            Readers::One => None,
            Readers::Many => Some(Mutex::default()),
        };
        Self {
            writer: AtomicWaker::new(),
            stopped: OnceLock::new(),
            whole: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            receipts,
            lost_nodes: Mutex::default(),
            across: false,
        }
    }

    /// To one reader at another node.
    pub(super) fn across() -> Self {
        Self { across: true, ..Self::to(Readers::One) }
    }

    /// What it is to the writer when the connection is lost.
    fn lost_error(&self) -> StreamError {
        if self.across {
            let (code, text) = (StreamCode::PathLost, String::new());
            return StreamError::Stopped { code, text };
        }
        StreamError::Disconnected
    }

    pub(super) fn take_lost_nodes(&self) -> Vec<String> {
        std::mem::take(&mut *self.lost_nodes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn take_receipts(&self) -> Vec<Receipt> {
        let receipts = self.receipts.as_ref();
        let take = |receipts: &Mutex<Vec<Receipt>>| {
            std::mem::take(&mut *receipts.lock().unwrap_or_else(PoisonError::into_inner))
        };
        receipts.map(take).unwrap_or_default()
    }
}

impl WatchStream for Outgoing {
    fn sent(&self, _total: u64, whole: bool) {
        self.whole.fetch_or(whole, Ordering::AcqRel);
        self.writer.wake();
    }

    fn stopped(&self, code: StreamCode, text: &str) {
        // The first says why.
        let _first = self.stopped.set((code, text.to_owned()));
        self.writer.wake();
    }

    fn lost(&self, whole: bool) {
        self.lost.fetch_or(!whole, Ordering::AcqRel);
        self.writer.wake();
    }

    fn outcome(&self, socket_id: &str, outcome: ReceiverOutcome<'_>) {
        let Some(receipts) = &self.receipts else { return };
        if let ReceiverOutcome::Unreachable = outcome {
            let mut lost = self.lost_nodes.lock().unwrap_or_else(PoisonError::into_inner);
            if lost.len() < MAX_LOST {
                lost.push(socket_id.to_owned());
            }
            return;
        }
        // An id that is none is no reader: then fewer are told of than there were.
        if let Ok(socket) = socket_id.parse() {
            let outcome = match outcome {
                ReceiverOutcome::Answered(value) => Ok(value.to_value()),
                ReceiverOutcome::Refused { code, value } => {
                    Err(RequestError::from_nack(code, value.to_value()).into())
                }
                ReceiverOutcome::Stopped { code } => {
                    Err(StreamError::Stopped { code, text: String::new() })
                }
                // Of requests only.
                ReceiverOutcome::Asked | ReceiverOutcome::Unreachable => return,
            };
            let mut receipts = receipts.lock().unwrap_or_else(PoisonError::into_inner);
            // Beyond it the report is incomplete, which is noticed.
            if receipts.len() < MAX_RECEIPTS {
                receipts.push(Receipt { socket, outcome });
            }
        }
    }
}

impl fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWriter")
            .field("event", &self.event)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl StreamWriter {
    pub(super) fn new(
        owner: Arc<dyn HasLink>,
        outgoing: Arc<Outgoing>,
        (id, session): (u32, Session),
        event: &str,
        timeout: Duration,
        outcome: oneshot::Receiver<Outcome>,
    ) -> Self {
        let event = event.into();
        let (ended, finishing) = (None, false);
        let answered = true;
        Self { owner, outgoing, session, id, event, timeout, outcome, ended, finishing, answered }
    }

    /// Whether its reader is to answer: by default it is.
    pub(super) fn expect_answer(&mut self, answered: bool) {
        self.answered = answered;
    }

    /// Sends bytes, without copying them if they are more than 1 KiB. Waits while 256 KiB wait.
    ///
    /// # Errors
    ///
    /// [`StreamError`]: the stream cannot go on. Some of the bytes may be sent.
    ///
    /// # Cancel safety
    ///
    /// Not safe: some of the bytes may be sent.
    pub async fn send(&mut self, bytes: impl Into<Bytes>) -> Result<(), StreamError> {
        let mut bytes = bytes.into();
        poll_fn(|context| self.poll_send(context, &mut bytes)).await
    }

    pub(super) fn outgoing(&self) -> &Arc<Outgoing> {
        &self.outgoing
    }

    /// Sends bytes; when it has to wait, those that are left.
    pub(super) fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        bytes: &mut Bytes,
    ) -> Poll<Result<(), StreamError>> {
        while !bytes.is_empty() {
            let take = |room: usize| bytes.split_to(room.min(bytes.len()));
            ready!(self.poll_write_with(context, take))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Waits until there is room for more.
    ///
    /// # Errors
    ///
    /// [`StreamError`]: the stream cannot go on.
    ///
    /// # Cancel safety
    ///
    /// Safe: it only waits.
    pub async fn ready(&mut self) -> Result<(), StreamError> {
        poll_fn(|context| self.poll_write_with(context, |_| Bytes::new())).await
    }

    /// Finishes the stream, and waits for what its handler answers. `Ok`: the handler has answered, and the reader
    /// was not dropped before the end (or it has [stopped](crate::StreamReader::stop) politely). So all was read,
    /// unless the handler gave the reader to another task and answered before.
    ///
    /// The time for that, 60 s unless told otherwise, begins when the last byte is on its way.
    ///
    /// # Errors
    ///
    /// [`StreamError`]: it was not read to its end, or there is no answer; which of the two it says.
    ///
    /// # Cancel safety
    ///
    /// The stream finishes from the first poll on, also if the future is dropped. What the reader does not take
    /// within the time for the answer is given up then.
    pub async fn finish<T: FromValue>(mut self) -> Result<T, StreamError> {
        poll_fn(|context| self.poll_finished(context)).await?;
        let outcome = match self.ended.take() {
            Some(outcome) => outcome,
            None if !self.answered => {
                self.owner.link().forget_stream(self.session, self.id);
                Ok(Value::Empty)
            }
            None => {
                let link = self.owner.link();
                link.await_answer(self.session, self.id, link.clock.now() + self.timeout);
                // An error: the connection's task is gone, with its runtime.
                (&mut self.outcome).await.unwrap_or(Err(RequestError::MaybeDelivered))
            }
        };
        if outcome.is_ok()
            && let Some(error) = self.stopped()
        {
            return Err(error);
        }
        let context = DecodeContext::new(&self.owner.link().formats, &self.event);
        let answer = T::from_value(outcome?.as_ref(), &context);
        answer.map_err(|error| RequestError::BadAnswer(error).into())
    }

    /// Gives the stream up: the reader reads what came, then an error with this code and text. Codes from 64
    /// on ([`StreamCode::Other`]) are free to use.
    pub fn reset(mut self, code: StreamCode, text: &str) {
        self.finishing = true;
        self.owner.link().reset_stream(&self.owner, self.session, self.id, code, text);
    }

    /// Why the reader wants no more, unless it politely has enough.
    fn stopped(&self) -> Option<StreamError> {
        let (code, text) = self.outgoing.stopped.get()?;
        (*code != StreamCode::Enough)
            .then(|| StreamError::Stopped { code: *code, text: text.clone() })
    }

    /// Why nothing can be written any more. `None`: nothing is known of it, or not yet. Whoever ends a stream
    /// does so first and then tells why, which wakes this task.
    fn failure(&mut self) -> Option<StreamError> {
        let lost = self.outgoing.lost.load(Ordering::Acquire);
        if lost
            && self.ended.is_none()
            && let Ok(Some(outcome)) = self.outcome.try_recv()
        {
            // That it is lost is told last: a refusal has come before, maybe a moment ago.
            self.ended = Some(outcome);
        }
        if let Some(Err(error)) = &self.ended {
            if lost && self.outgoing.across {
                return Some(self.outgoing.lost_error());
            }
            return Some(error.clone().into());
        }
        if let Some((code, text)) = self.outgoing.stopped.get() {
            return Some(StreamError::Stopped { code: *code, text: text.clone() });
        }
        lost.then(|| self.outgoing.lost_error())
    }

    /// Looks whether the end is known, and sees to it that this task hears of changes.
    fn poll_ended(&mut self, context: &mut Context<'_>) {
        self.outgoing.writer.register(context.waker());
        if self.ended.is_none()
            && let Poll::Ready(outcome) = Pin::new(&mut self.outcome).poll(context)
        {
            self.ended = Some(outcome.unwrap_or(Err(RequestError::MaybeDelivered)));
        }
    }

    /// Sends what `take` gives when it is told how much there is room for.
    fn poll_write_with(
        &mut self,
        context: &mut Context<'_>,
        take: impl FnOnce(usize) -> Bytes,
    ) -> Poll<Result<(), StreamError>> {
        // A writer that always finds room lets other tasks run now and then.
        let turn = ready!(poll_proceed(context));
        self.poll_ended(context);
        let link = self.owner.link();
        let written = link.write_stream(&self.owner, self.session, self.id, |streams, room| {
            let bytes = take(room);
            if !bytes.is_empty() {
                streams.write(self.id, bytes);
            }
        });
        let written = ready!(self.written(written));
        turn.made_progress();
        Poll::Ready(written)
    }

    fn written(&mut self, written: Result<bool, StreamGone>) -> Poll<Result<(), StreamError>> {
        match written {
            Ok(true) => Poll::Ready(Ok(())),
            Ok(false) => Poll::Pending,
            Err(StreamGone) => match self.failure() {
                Some(error) => Poll::Ready(Err(error)),
                None if self.finishing => Poll::Ready(Err(StreamError::Finished)),
                None => Poll::Pending,
            },
        }
    }

    /// Finishes, and waits until all is on its way.
    fn poll_finished(&mut self, context: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        self.poll_ended(context);
        if !std::mem::replace(&mut self.finishing, true) {
            // Of one that is gone, it is told why.
            let _gone = self.owner.link().finish_stream(&self.owner, self.session, self.id);
        }
        if self.outgoing.whole.load(Ordering::Acquire) {
            return Poll::Ready(Ok(()));
        }
        match self.failure() {
            None => Poll::Pending,
            Some(StreamError::Stopped { code: StreamCode::Enough, .. }) => Poll::Ready(Ok(())),
            Some(error) => Poll::Ready(Err(error)),
        }
    }
}

impl Drop for StreamWriter {
    fn drop(&mut self) {
        let link = self.owner.link();
        if self.finishing && !self.answered {
            link.forget_stream(self.session, self.id);
        } else if self.finishing {
            // It goes on without its writer; what is kept for its answer is not kept for ever.
            link.await_answer(self.session, self.id, link.clock.now() + self.timeout);
        } else {
            link.reset_stream(&self.owner, self.session, self.id, StreamCode::Dropped, "");
        }
    }
}

impl AsyncWrite for StreamWriter {
    /// Copies as much as there is room for.
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let turn = ready!(poll_proceed(context));
        this.poll_ended(context);
        let length = bytes.len().min(SEND_BUFFER);
        let mut copied = 0;
        let link = this.owner.link();
        let written = link.write_stream(&this.owner, this.session, this.id, |streams, room| {
            copied = length.min(room);
            streams.copy(this.id, &bytes[..copied]);
        });
        ready!(this.written(written))?;
        turn.made_progress();
        Poll::Ready(Ok(copied))
    }

    /// Does nothing: what is written is on its way already, as soon as the reader's credit allows.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Finishes the stream, and waits until all is on its way; not for the answer.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(ready!(self.get_mut().poll_finished(context))?))
    }
}
