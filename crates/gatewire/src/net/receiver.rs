//! What a connection does with the frames that come in: to the handlers, to the hub, to who waits.

use std::task::Context;
use std::time::Duration;

use gatewire_codec::ErrorCode;
use gatewire_core::session::{Inbound, Incoming, ProtocolError};
use gatewire_core::{DropReason, Time};

use super::assembly::Frame;
use super::dispatch::Inbox;
use super::guard::Guard;
use super::link::HasLink;
use super::run::Received;
use super::side::Side;
use crate::error::{DisconnectReason, Error, RequestError};

/// What a connection does with the frames that come in.
pub(super) struct Receiver<S: Side> {
    pub(super) side: S,
    pub(super) inbound: Inbound,
    pub(super) inbox: Inbox<S::Context>,
    pub(super) last_event: Time,
    /// Answers that this turn brought.
    pub(super) answers: usize,
    /// The length of the last frame with a chunk of a stream in one read; 0: there was none.
    pub(super) chunk_frame: u32,
    /// Whether the last frame was a publish.
    pub(super) publishing: bool,
    /// For a session that may not do everything.
    pub(super) guard: Option<Box<Guard>>,
}

impl<S: Side> Receiver<S> {
    /// Notes the account, and when the driver's timer is to go off; when it really is.
    pub(super) fn note(&self, due: Time) -> Time {
        self.side.owner().link().note(self.inbox.session(), self.ledger(), due)
    }

    /// Handles one frame. `Err`: the connection is to end.
    #[inline]
    pub(super) fn handle(
        &mut self,
        frame: &Frame<'_>,
        now: Time,
        context: &mut Context<'_>,
    ) -> Result<(), DisconnectReason> {
        if S::ROUTES
            && let Some(routed) = self.side.route(frame)
        {
            self.last_event = now;
            return routed;
        }
        if self.guard.is_some() {
            return self.handle_guarded(frame, now, context);
        }
        if self.publishing {
            if self.side.follow(frame.bytes()) {
                self.last_event = now;
                return Ok(());
            }
            self.end_publishes();
        }
        if let Some(named) = self.inbound.named(frame.bytes())
            && self.inbox.receive_known(&self.side, &named, frame, context)
        {
            self.last_event = now;
            return Ok(());
        }
        match self.inbound.handle(frame.bytes()) {
            Ok(incoming) => self.handle_incoming(incoming, frame, now, context),
            Err(error) => self.handle_error(error),
        }
    }

    /// What was published is delivered before anything else is done.
    pub(super) fn end_publishes(&mut self) {
        if std::mem::take(&mut self.publishing) {
            self.side.deliver_publishes();
        }
    }

    #[inline]
    pub(super) fn handle_incoming(
        &mut self,
        incoming: Incoming<'_>,
        frame: &Frame<'_>,
        now: Time,
        context: &mut Context<'_>,
    ) -> Result<(), DisconnectReason> {
        let (event, value, request) = match incoming {
            Incoming::Event { event, value } => (event, value, None),
            Incoming::Request { id, event, value } => (event, value, Some(id)),
            other => return self.handle_other(other, frame, now),
        };
        self.last_event = now;
        self.inbox.receive(&self.side, Received { event, value: &value, request }, frame, context);
        Ok(())
    }

    fn handle_other(
        &mut self,
        incoming: Incoming<'_>,
        frame: &Frame<'_>,
        now: Time,
    ) -> Result<(), DisconnectReason> {
        let owner = self.side.owner();
        let link = owner.link();
        match incoming {
            Incoming::Answer { id, result } => {
                // Nobody waits any more: its deadline has passed, or the peer made it up.
                let (waiter, stream) = link.with_outbound(|outbound| {
                    // If it was a stream, no more of it is sent when it is refused.
                    let stream = result.is_err().then(|| outbound.end_stream(id)).flatten();
                    (outbound.answered(id), stream)
                });
                if let Some(waiter) = waiter {
                    self.answers += 1;
                    waiter.complete(result.map_err(|refused| {
                        RequestError::from_nack(refused.code, refused.value.to_value())
                    }));
                }
                if let Some(stream) = stream {
                    // Who has its answer already, and is refused now, would wait for ever.
                    stream.lost(false);
                }
            }
            Incoming::Control(control) => {
                let handled = link.command(owner, |outbound| {
                    outbound.handle_control(control);
                    Ok(())
                });
                if let Err(error) = handled {
                    tracing::debug!(%error, "a control message came too late");
                }
            }
            Incoming::GoAway { code, retry_window_ms } => {
                self.side.go_away(code, Duration::from_millis(retry_window_ms.into()));
            }
            Incoming::Closed { code, text } => {
                return Err(DisconnectReason::ClosedByPeer { code, text: text.to_owned() });
            }
            Incoming::Error { code, text, .. } => {
                owner.report(Error::Refused { code, text: text.to_owned() });
            }
            stream @ (Incoming::StreamOpen { target: None, .. }
            | Incoming::StreamChunk { .. }
            | Incoming::StreamFinish { .. }
            | Incoming::StreamReset { .. }
            | Incoming::StreamStop { .. }
            | Incoming::StreamCredit { .. }
            | Incoming::StreamProbed { .. }
            | Incoming::Outcome { .. }) => {
                self.last_event = now;
                return self.handle_stream(stream, frame);
            }
            hub => {
                self.last_event = now;
                self.publishing = matches!(hub, Incoming::Publish { request: None, .. });
                if let Err(error) = self.side.hub(hub) {
                    return self.handle_error(error);
                }
            }
        }
        Ok(())
    }

    pub(super) fn handle_error(&mut self, error: ProtocolError) -> Result<(), DisconnectReason> {
        if error.is_fatal() {
            return Err(DisconnectReason::Protocol(error));
        }
        self.inbox.count_dropped(DropReason::Decode);
        let owner = self.side.owner();
        let code = match error {
            ProtocolError::Malformed(_) => ErrorCode::Malformed,
            _ => ErrorCode::Unexpected,
        };
        let told =
            owner.link().command(owner, |outbound| outbound.refuse(0, code, &error.to_string()));
        if let Err(error) = told {
            tracing::debug!(%error, "the peer was not told of its malformed message");
        }
        owner.report(Error::Protocol(error));
        Ok(())
    }
}
