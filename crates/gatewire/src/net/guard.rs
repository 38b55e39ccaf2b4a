//! What is checked when the key of a session does not permit everything.
//!
//! Each message is asked for once, here, where its sender is attached. A denied one is answered: a request and
//! a stream by a refusal, everything else by an error; the connection goes on. Sessions that may do everything
//! never come here.

use std::task::Context;

use gatewire_codec::{ErrorCode, NackCode, ValueRef};
use gatewire_core::permissions::{Denied, Meter};
use gatewire_core::session::Incoming;
use gatewire_core::{DropReason, Time};

use super::assembly::Frame;
use super::link::HasLink;
use super::receiver::Receiver;
use super::side::Side;
use crate::error::DisconnectReason;

/// What a session that may not do everything has left of its rates.
pub(crate) struct Guard {
    /// `None`: no rate is limited.
    pub(crate) meter: Option<Meter>,
}

impl Guard {
    /// Takes a message out of what is left. The frames of a stream that is open are paced by its credit.
    fn take(&mut self, incoming: &Incoming<'_>, length: usize, now: Time) -> Result<(), Denied> {
        let counts = matches!(
            incoming,
            Incoming::Event { .. }
                | Incoming::Request { .. }
                | Incoming::Publish { .. }
                | Incoming::StreamOpen { .. }
        );
        match &mut self.meter {
            Some(meter) if counts => meter.take(length, now),
            _ => Ok(()),
        }
    }
}

impl<S: Side> Receiver<S> {
    /// Handles one frame of a session that may not do everything.
    pub(super) fn handle_guarded(
        &mut self,
        frame: &Frame<'_>,
        now: Time,
        context: &mut Context<'_>,
    ) -> Result<(), DisconnectReason> {
        self.end_publishes();
        let incoming = match self.inbound.handle(frame.bytes()) {
            Ok(incoming) => incoming,
            Err(error) => return self.handle_error(error),
        };
        let length = frame.bytes().len();
        let permitted = self.side.permit(&incoming).and_then(|()| match &mut self.guard {
            Some(guard) => guard.take(&incoming, length, now),
            None => Ok(()),
        });
        match permitted {
            Ok(()) => self.handle_incoming(incoming, frame, now, context),
            Err(denied) => {
                self.last_event = now;
                self.deny(&incoming, denied);
                Ok(())
            }
        }
    }

    /// Tells the peer what it lacks.
    fn deny(&mut self, incoming: &Incoming<'_>, denied: Denied) {
        if matches!(
            incoming,
            Incoming::Event { .. }
                | Incoming::Request { .. }
                | Incoming::StreamOpen { target: None, .. }
        ) {
            self.inbox.count_dropped(DropReason::Denied);
        }
        let text = denied.to_string();
        let asked = match incoming {
            Incoming::Request { id, .. }
            | Incoming::Publish { request: Some(id), .. }
            | Incoming::StreamOpen { id, ack: true, .. } => Some(*id),
            _ => None,
        };
        let owner = self.side.owner();
        let told = owner.link().command(owner, |outbound| match asked {
            Some(id) => outbound.nack(id, NackCode::Denied, ValueRef::String(&text)),
            None => outbound.refuse(0, ErrorCode::Denied, &text),
        });
        if let Err(error) = told {
            tracing::debug!(%error, "a denial was not sent");
        }
    }
}
