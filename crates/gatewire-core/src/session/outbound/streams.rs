//! Commands of streams.

use bytes::{Bytes, BytesMut};
use gatewire_codec::{EncodeError, Message, ReceiverOutcome, StreamCode, Target, ValueRef, v3};

use super::Outbound;
use crate::Time;
use crate::session::SendError;
use crate::session::outbox::{Batch, Class};
use crate::session::streams::{self, SendStreams, Sent};

impl<W, H: Clone> Outbound<W, H> {
    /// Opens a stream: queues its OPEN; its id. The waiter waits for the reader's answer without a deadline
    /// until [`await_answer`](Self::await_answer) sets one. `target`: the readers, if they are others than
    /// the peer.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn open_stream(
        &mut self,
        target: Option<Target<'_>>,
        event: &str,
        info: ValueRef<'_>,
        waiter: W,
        handle: H,
    ) -> Result<u32, (SendError, W)> {
        self.open_stream_with(waiter, handle, opening(target, event, info, true))
    }

    /// As [`open_stream`](Self::open_stream) to the peer, which is told that no answer is wanted. The waiter hears of
    /// a refusal at most, until it is [forgotten](Self::forget).
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn open_unanswered_stream(
        &mut self,
        target: Option<Target<'_>>,
        event: &str,
        info: ValueRef<'_>,
        waiter: W,
        handle: H,
    ) -> Result<u32, (SendError, W)> {
        self.open_stream_with(waiter, handle, opening(target, event, info, false))
    }

    /// As [`open_stream`](Self::open_stream), with whatever frame `encode` writes in the place of OPEN.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn open_stream_with(
        &mut self,
        waiter: W,
        handle: H,
        encode: impl FnOnce(u32, &mut BytesMut) -> Result<(), EncodeError>,
    ) -> Result<u32, (SendError, W)> {
        let id = self.ask(Time::NEVER, waiter, encode)?;
        self.streams_mut().open(id, handle);
        Ok(id)
    }

    /// The streams that this end writes; `None`: there never was one, or memory was released since.
    #[must_use]
    pub fn streams(&self) -> Option<&SendStreams<H>> {
        self.streams.as_deref()
    }

    /// For the writers: `write`, `copy`, `finish`.
    pub fn streams_mut(&mut self) -> &mut SendStreams<H> {
        self.streams.get_or_insert_default()
    }

    /// Bytes that wait in a stream's buffer; `None`: it takes no more.
    #[must_use]
    pub fn stream_waiting(&self, id: u32) -> Option<usize> {
        self.streams.as_ref()?.waiting(id)
    }

    /// From now on the answer to a stream is waited for until the deadline.
    pub fn await_answer(&mut self, id: u32, deadline: Time) {
        self.requests.set_deadline(id, deadline);
    }

    /// Gives a stream up: what waits is dropped, the reader is told, and no answer is waited for. Who
    /// waited; `None`: nobody any more. If the stream is gone too, nothing is told.
    ///
    /// # Errors
    ///
    /// [`SendError`]: the reader was not told, since the connection is about to end. The stream is gone all
    /// the same.
    pub fn reset_stream(
        &mut self,
        id: u32,
        code: StreamCode,
        text: &str,
    ) -> Result<Option<W>, SendError> {
        // A handler may answer before the end, so that bytes still go to a reader when nobody waits.
        let open = self.end_stream(id).is_some();
        let waiter = self.requests.remove(id);
        if open || waiter.is_some() {
            self.send(Class::Control, &Message::StreamReset { id, code, text })?;
        }
        Ok(waiter)
    }

    pub(super) fn tell_reset(&mut self, id: u32, code: StreamCode, text: &str) {
        // No room for it: the peer reads nothing anyway, and sees the connection end.
        let _unless_full = self.send(Class::Control, &Message::StreamReset { id, code, text });
    }

    /// The peer stopped or refused a stream: nothing more is sent. The handle; `None`: it is gone.
    pub fn end_stream(&mut self, id: u32) -> Option<H> {
        self.streams.as_mut()?.remove(id)
    }

    /// What the caller keeps for a stream that it writes; `None`: it is answered, or gone.
    #[must_use]
    pub fn stream_handle(&self, id: u32) -> Option<H> {
        self.streams.as_ref()?.handle(id)
    }

    /// Nobody waits for the answer to a stream any more.
    pub(super) fn settle_stream(&mut self, id: u32) {
        if let Some(streams) = &mut self.streams {
            streams.settle(id);
        }
    }

    /// Tells the peer how far its stream may go.
    ///
    /// # Errors
    ///
    /// [`SendError`]: the connection is about to end.
    pub fn grant(&mut self, id: u32, limit: u64) -> Result<(), SendError> {
        self.send(Class::Control, &Message::StreamCredit { id, limit })
    }

    /// Measures the delay for a stream that this end reads: a PING whose PONG comes back as
    /// [`Incoming::StreamProbed`](crate::session::Incoming::StreamProbed).
    pub fn probe_stream(&mut self, id: u32) {
        self.ping(streams::probe(id));
    }

    /// Asks the peer to send no more of its stream.
    ///
    /// # Errors
    ///
    /// As [`grant`](Self::grant).
    pub fn stop_stream(&mut self, id: u32, code: StreamCode, text: &str) -> Result<(), SendError> {
        self.send(Class::Control, &Message::StreamStop { id, code, text })
    }

    /// Tells the writer of a stream to many, or who asks many, what became of one receiver.
    ///
    /// # Errors
    ///
    /// As [`emit`](Self::emit).
    pub fn tell_outcome(
        &mut self,
        id: u32,
        socket_id: &str,
        outcome: ReceiverOutcome<'_>,
    ) -> Result<(), SendError> {
        self.send(Class::Normal, &Message::Outcome { id, socket_id, outcome })
    }

    /// Takes what is to be written now: all messages that wait, and behind them chunks of streams. `None`:
    /// nothing waits, or a batch is in flight.
    pub fn take(&mut self) -> Option<Batch> {
        if let Some(streams) = &mut self.streams
            && streams.is_ready()
            && !self.outbox.is_in_flight()
        {
            streams.fill(&mut self.outbox, self.max_frame);
        }
        self.outbox.take()
    }

    /// Whether [`take`](Self::take) would give something if no batch were in flight.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.outbox.is_empty() || self.streams.as_ref().is_some_and(|streams| streams.is_ready())
    }

    /// Which streams' bytes were taken since the last call: their writers may go on.
    pub fn drain_sent(&mut self) -> impl Iterator<Item = Sent<H>> {
        self.streams.as_mut().into_iter().flat_map(|streams| streams.drain_progress())
    }

    /// How many streams this end writes, or awaits the answers to.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.streams.as_ref().map_or(0, |streams| streams.len())
    }

    /// Adds bytes that other streams share; see [`SendStreams::share`].
    pub fn share_stream(&mut self, id: u32, bytes: Bytes) -> Option<usize> {
        self.streams.as_mut()?.share(id, bytes)
    }

    /// Adds bytes to a stream, sharing long ones. `false`: it takes no more.
    pub fn write_stream(&mut self, id: u32, bytes: Bytes) -> bool {
        self.streams.as_mut().is_some_and(|streams| streams.write(id, bytes))
    }
}

/// Writes the OPEN of a stream; `ack`: whether an answer is wanted.
fn opening<'f>(
    target: Option<Target<'f>>,
    event: &'f str,
    info: ValueRef<'f>,
    ack: bool,
) -> impl FnOnce(u32, &mut BytesMut) -> Result<(), EncodeError> + 'f {
    move |id, out| v3::encode(&Message::StreamOpen { id, target, event, info, ack }, out)
}
