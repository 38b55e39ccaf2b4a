//! What goes out: commands become frames in the outbox.

mod streams;

use std::fmt;

use bytes::BytesMut;

use super::inbound::{Control, Incoming};
use super::outbox::{Class, Frames, Outbox, OutboxLimits};
use super::requests::{Requests, TooManyRequests};
use super::streams::SendStreams;
use crate::{DropReason, Time};
use gatewire_codec::{
    CloseCode, EncodeError, ErrorCode, Field, GoAwayCode, LENGTH_PREFIX, Message, NackCode, Names,
    StreamCode, Target, ValueRef, v3,
};

/// The sending half of a session. `W` is what the caller keeps for each request until it ends, `H` for each
/// stream that it writes.
#[derive(Debug)]
pub struct Outbound<W, H = ()> {
    outbox: Outbox,
    requests: Requests<W>,
    /// Made with the first stream: an idle connection has none.
    streams: Option<Box<SendStreams<H>>>,
    max_frame: u32,
    closing: bool,
}

/// Why a message was not queued. Nothing changed but the account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is closed or closing.
    Closed,
    /// The queue is full and the policy drops the newest.
    QueueFull,
    /// The queue is full and the policy is to disconnect: close the connection.
    SlowConsumer,
    /// The frame is longer than the peer reads.
    TooLarge {
        /// The frame's length.
        length: usize,
        /// The peer's limit.
        limit: u32,
    },
    /// 65,536 requests wait for their answers already.
    TooManyRequests,
    /// It cannot be said in this wire version.
    Encode(Box<EncodeError>),
}

// Each layer hands it on: two words are returned in registers.
const _: () = assert!(size_of::<SendError>() <= 16);

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the connection is closed"),
            Self::QueueFull => f.write_str("the send queue is full"),
            Self::SlowConsumer => f.write_str("the peer reads too slowly"),
            Self::TooLarge { length, limit } => {
                write!(f, "a message of {length} bytes is longer than the peer's limit of {limit}")
            }
            Self::TooManyRequests => f.write_str("too many requests wait for their answers"),
            Self::Encode(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SendError {}

impl From<EncodeError> for SendError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(Box::new(error))
    }
}

impl From<TooManyRequests> for SendError {
    fn from(_: TooManyRequests) -> Self {
        Self::TooManyRequests
    }
}

impl<W, H: Clone> Outbound<W, H> {
    /// A half with nothing queued. `max_frame`: the longest frame that the peer reads.
    #[must_use]
    pub fn new(max_frame: u32, limits: OutboxLimits) -> Self {
        Self {
            outbox: Outbox::new(limits),
            requests: Requests::default(),
            streams: None,
            max_frame,
            closing: false,
        }
    }

    /// What waits to be written.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// For the writer: `take` and `give_back`.
    pub fn outbox_mut(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// Queues an event.
    ///
    /// # Errors
    ///
    /// [`SendError`]. A dropped volatile event is no error.
    #[inline]
    pub fn emit(
        &mut self,
        class: Class,
        event: &str,
        value: ValueRef<'_>,
    ) -> Result<(), SendError> {
        self.send_with(class, |out| v3::encode_event(event, value, out))
    }

    /// Queues events that are encoded already and go to many.
    ///
    /// # Errors
    ///
    /// As [`emit`](Self::emit); see [`Outbox::push_frames`].
    #[inline]
    pub fn emit_encoded(&mut self, class: Class, frames: &Frames<'_>) -> Result<(), SendError> {
        if self.closing {
            return Err(SendError::Closed);
        }
        self.outbox.push_frames(class, self.max_frame, frames)
    }

    /// Queues one frame that `encode` writes, with its length prefix.
    ///
    /// # Errors
    ///
    /// As [`emit`](Self::emit).
    #[inline]
    pub fn push_with(
        &mut self,
        class: Class,
        encode: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
    ) -> Result<(), SendError> {
        self.send_with(class, encode)
    }

    /// Queues a whole frame before all others that are not being written; see [`Outbox::push_ahead`].
    ///
    /// # Errors
    ///
    /// [`SendError`].
    pub fn push_ahead(&mut self, frame: &[u8]) -> Result<(), SendError> {
        if self.closing {
            return Err(SendError::Closed);
        }
        self.outbox.push_ahead(frame)
    }

    /// Queues an event that wants an answer; its id. `waiter` comes back from
    /// [`answered`](Self::answered), [`expire`](Self::expire) or [`disconnect`](Self::disconnect).
    ///
    /// # Errors
    ///
    /// [`SendError`], and the waiter.
    pub fn request(
        &mut self,
        event: &str,
        value: ValueRef<'_>,
        deadline: Time,
        waiter: W,
    ) -> Result<u32, (SendError, W)> {
        self.ask(deadline, waiter, |id, out| v3::encode_request(id, event, value, out))
    }

    /// Queues a publish whose receivers are to answer.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn request_from(
        &mut self,
        target: Target<'_>,
        event: &str,
        value: ValueRef<'_>,
        deadline: Time,
        waiter: W,
    ) -> Result<u32, (SendError, W)> {
        self.ask(deadline, waiter, |id, out| {
            v3::encode(&Message::Publish { request: Some(id), target, event, value }, out)
        })
    }

    /// Queues a join, answered when the rooms are joined.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn join(
        &mut self,
        rooms: Names<'_>,
        deadline: Time,
        waiter: W,
    ) -> Result<u32, (SendError, W)> {
        self.ask(deadline, waiter, |id, out| v3::encode(&Message::Join { id, rooms }, out))
    }

    /// Queues a leave, answered when the rooms are left.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn leave(
        &mut self,
        rooms: Names<'_>,
        deadline: Time,
        waiter: W,
    ) -> Result<u32, (SendError, W)> {
        self.ask(deadline, waiter, |id, out| v3::encode(&Message::Leave { id, rooms }, out))
    }

    /// Queues a leave of all rooms.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn leave_all(&mut self, deadline: Time, waiter: W) -> Result<u32, (SendError, W)> {
        self.ask(deadline, waiter, |id, out| v3::encode(&Message::LeaveAll { id }, out))
    }

    fn ask(
        &mut self,
        deadline: Time,
        waiter: W,
        encode: impl FnOnce(u32, &mut BytesMut) -> Result<(), EncodeError>,
    ) -> Result<u32, (SendError, W)> {
        if let Err(error) = self.requests.check_room() {
            return Err((error.into(), waiter));
        }
        let id = self.requests.next_id();
        match self.send_with(Class::Normal, |out| encode(id, out)) {
            Ok(()) => {
                self.requests.insert(id, waiter, deadline);
                Ok(id)
            }
            Err(error) => Err((error, waiter)),
        }
    }

    /// Queues an event for others, to be published by the peer's hub.
    ///
    /// # Errors
    ///
    /// As [`emit`](Self::emit).
    pub fn publish(
        &mut self,
        class: Class,
        target: Target<'_>,
        event: &str,
        value: ValueRef<'_>,
    ) -> Result<(), SendError> {
        self.send(class, &Message::Publish { request: None, target, event, value })
    }

    /// Answers a request.
    ///
    /// # Errors
    ///
    /// As [`emit`](Self::emit).
    pub fn ack(&mut self, id: u32, value: ValueRef<'_>) -> Result<(), SendError> {
        self.send_with(Class::Normal, |out| v3::encode_ack(id, value, out))
    }

    /// Refuses a request.
    ///
    /// # Errors
    ///
    /// As [`emit`](Self::emit).
    pub fn nack(&mut self, id: u32, code: NackCode, value: ValueRef<'_>) -> Result<(), SendError> {
        self.send(Class::Normal, &Message::Nack { id, code, value })
    }

    /// Refuses something that wanted no answer.
    ///
    /// # Errors
    ///
    /// As [`emit`](Self::emit).
    pub fn refuse(&mut self, id: u32, code: ErrorCode, text: &str) -> Result<(), SendError> {
        self.send(Class::Normal, &Message::Error { id, code, text })
    }

    /// Announces that the connection will be closed, and why.
    ///
    /// # Errors
    ///
    /// As [`emit`](Self::emit).
    pub fn go_away(
        &mut self,
        code: GoAwayCode,
        retry_window_ms: u32,
        text: &str,
    ) -> Result<(), SendError> {
        self.send(Class::Control, &Message::GoAway { code, retry_window_ms, text })
    }

    /// Queues the last frame. Everything after it is refused; what is queued before is written.
    pub fn close(&mut self, code: CloseCode, text: &str) {
        if self.closing {
            return;
        }
        // No room for it: the peer reads nothing anyway, and sees the connection end.
        let _unless_full = self.send(Class::Control, &Message::Close { code, text });
        if let Some(streams) = &mut self.streams {
            streams.close();
        }
        self.closing = true;
    }

    /// Whether [`close`](Self::close) was called.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// Asks for a sign of life.
    pub fn ping(&mut self, token: u64) {
        // No room: the peer does not read, and the heartbeat or the stall limit ends it.
        let _unless_full = self.send(Class::Control, &Message::Ping { token });
    }

    /// Deals with what only concerns the session; gives other messages back.
    pub fn handle_control<'f>(&mut self, control: Control) -> Option<Incoming<'f>> {
        if let Control::Ping { token } = control {
            let _unless_full = self.send(Class::Control, &Message::Pong { token });
        }
        None
    }

    /// The peer answered or refused: who waits for it. `None`: nobody any more, ignore it.
    pub fn answered(&mut self, id: u32) -> Option<W> {
        self.settle_stream(id);
        self.requests.remove(id)
    }

    /// Who waits for the end of this request.
    #[must_use]
    pub fn waiter(&self, id: u32) -> Option<&W> {
        self.requests.waiter(id)
    }

    /// Nobody waits for this request any more: who did.
    pub fn forget(&mut self, id: u32) -> Option<W> {
        self.settle_stream(id);
        self.requests.remove(id)
    }

    /// No request expires before this.
    #[must_use]
    pub fn next_deadline(&self) -> Time {
        self.requests.next_deadline()
    }

    /// Who waited in vain. A stream that is not sent whole by then is given up: its reader takes nothing, and
    /// its writer is gone.
    pub fn expire(&mut self, now: Time) -> Vec<W> {
        let expired = self.requests.expire(now);
        expired
            .into_iter()
            .map(|(id, waiter)| {
                if self.streams.as_ref().is_some_and(|streams| streams.is_sending(id)) {
                    self.end_stream(id);
                    self.tell_reset(id, StreamCode::Dropped, "");
                }
                self.settle_stream(id);
                waiter
            })
            .collect()
    }

    /// How many requests wait for their answers.
    #[must_use]
    pub fn pending_requests(&self) -> usize {
        self.requests.len()
    }

    /// The connection is lost. Gives all waiters back; queued events that `keep` says yes to wait
    /// for [`reconnect`](Self::reconnect), everything else is dropped.
    pub fn disconnect(&mut self, keep: impl FnMut(&[u8]) -> bool) -> Vec<W> {
        // Nothing of them is sent any more.
        if let Some(streams) = &mut self.streams {
            streams.clear();
        }
        self.outbox.disconnect(keep);
        self.requests.drain()
    }

    /// Gives the memory of an idle connection back.
    pub fn release_memory(&mut self) {
        self.streams.take_if(|streams| streams.is_empty());
        self.outbox.release_memory();
    }

    /// A new connection takes the place of the lost one. What waited for it and is longer than the
    /// new peer reads is dropped.
    pub fn reconnect(&mut self, max_frame: u32, limits: OutboxLimits) {
        if max_frame < self.max_frame {
            self.outbox.retain(DropReason::TooLarge, |frame| {
                frame.len() - LENGTH_PREFIX <= max_frame as usize
            });
        }
        self.max_frame = max_frame;
        self.closing = false;
        self.outbox.set_limits(limits);
    }

    /// Queues a join of all rooms in front of what waited for the connection; several joins when
    /// one would be longer than the peer reads. Call it after [`reconnect`](Self::reconnect).
    ///
    /// # Errors
    ///
    /// [`EncodeError::TooLong`]: the peer does not read a name of this length. The other rooms may
    /// be queued.
    pub fn rejoin(&mut self, rooms: Names<'_>) -> Result<(), EncodeError> {
        let rooms: Vec<&str> = rooms.iter().collect();
        if rooms.is_empty() { Ok(()) } else { self.rejoin_each(&rooms) }
    }

    fn rejoin_each(&mut self, rooms: &[&str]) -> Result<(), EncodeError> {
        let mut frame = BytesMut::new();
        let names = Names::from_slice(rooms);
        v3::encode(&Message::Join { id: 0, rooms: names }, &mut frame)?;
        let (length, limit) = (frame.len() - LENGTH_PREFIX, self.max_frame as usize);
        if length <= limit {
            self.outbox.push_front(frame.freeze());
            return Ok(());
        }
        if rooms.len() == 1 {
            return Err(EncodeError::TooLong { field: Field::Names, length, limit });
        }
        let (first, last) = rooms.split_at(rooms.len() / 2);
        // The later half before the earlier one, because each goes to the front.
        self.rejoin_each(last)?;
        self.rejoin_each(first)
    }

    fn send(&mut self, class: Class, message: &Message<'_>) -> Result<(), SendError> {
        self.send_with(class, |out| v3::encode(message, out))
    }

    #[inline]
    fn send_with(
        &mut self,
        class: Class,
        encode: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
    ) -> Result<(), SendError> {
        if self.closing {
            return Err(SendError::Closed);
        }
        self.outbox.push_with(class, self.max_frame, encode)
    }
}
