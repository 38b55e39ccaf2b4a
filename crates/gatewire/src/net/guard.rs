//! What is checked when a session may not do everything.
//!
//! Each message is asked for once, here, where its sender is attached: first whether the key of the session
//! permits it, then the application, if it wants to be asked ([`super::decisions`]). A denied one is answered: a
//! request and a stream by a refusal, everything else by an error; the connection goes on. Sessions that may do
//! everything, of servers that do not ask, never come here.

use std::task::{Context, Poll};

use gatewire_codec::{ErrorCode, NackCode, StreamCode, ValueRef};
use gatewire_core::permissions::{Denied, Meter};
use gatewire_core::session::{Inbound, Incoming};
use gatewire_core::{DropReason, Ledger, Time};

use super::assembly::Frame;
use super::decisions::{Decisions, Inquiry, Turn, Waiting, is_counted};
use super::link::HasLink;
use super::receiver::Receiver;
use super::side::Side;
use crate::error::DisconnectReason;

/// What a session that may not do everything is checked with.
pub(crate) struct Guard {
    /// What is left of its rates. `None`: no rate is limited.
    pub(crate) meter: Option<Meter>,
    /// `None`: the application is not asked.
    pub(crate) decisions: Option<Decisions>,
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
    fn decisions(&self) -> Option<&Decisions> {
        self.guard.as_ref()?.decisions.as_ref()
    }

    fn decisions_mut(&mut self) -> Option<&mut Decisions> {
        self.guard.as_mut()?.decisions.as_mut()
    }

    /// Whether no more may be read: a handler or a decision is behind.
    pub(super) fn is_full(&self) -> bool {
        if self.decisions().is_some_and(Decisions::is_closing) {
            return true;
        }
        let (messages, bytes) = self
            .decisions()
            .map_or((0, 0), |decisions| (decisions.queue.len(), decisions.queue.bytes()));
        self.inbox.is_full_with(messages, bytes)
    }

    /// Whether messages wait for a decision.
    pub(super) fn is_undecided(&self) -> bool {
        self.decisions().is_some_and(|decisions| !decisions.queue.is_empty())
    }

    /// When a decision is no longer waited for.
    pub(super) fn decision_due(&self) -> Time {
        self.decisions().map_or(Time::NEVER, Decisions::deadline)
    }

    /// The account of what came in, with what waits for a decision.
    pub(super) fn ledger(&self) -> Ledger {
        let mut ledger = self.inbox.ledger();
        let undecided = self.decisions().map_or(0, |decisions| decisions.queue.counted());
        ledger.accepted += undecided;
        ledger.queued += undecided;
        ledger
    }

    /// Gives the memory of an idle connection back.
    pub(super) fn release_memory(&mut self, now: Time) {
        self.inbox.release_memory();
        if let Some(decisions) = self.decisions_mut() {
            decisions.release_memory(now);
        }
    }

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
        let starting = self.inbox.is_starting();
        match self.decisions_mut() {
            Some(decisions) if decisions.holds_back(&incoming, starting) => {
                decisions.queue.push_back(Waiting::new(frame.to_bytes(), &incoming, now));
                self.last_event = now;
                Ok(())
            }
            _ => self.check(incoming, frame, now, now, context),
        }
    }

    /// Handles what waited for decisions, as far as they have been made.
    pub(super) fn poll_decisions(
        &mut self,
        now: Time,
        context: &mut Context<'_>,
    ) -> Result<(), DisconnectReason> {
        while !self.inbox.is_starting()
            && let Some(decisions) = self.decisions_mut()
            && let Poll::Ready(Some(Turn { waiting, decided })) = decisions.poll_next(now, context)
        {
            self.end_publishes();
            let frame = Frame::Owned(&waiting.frame);
            // It had its place in the session when it came, which may have been closed since.
            let incoming = match Inbound::new().handle(frame.bytes()) {
                Ok(incoming) => incoming,
                Err(error) => return self.handle_error(error),
            };
            match decided {
                None => self.check(incoming, &frame, waiting.came, now, context)?,
                Some((mut inquiry, decision)) => {
                    if let Some(decisions) = self.decisions_mut() {
                        decisions.decide(&incoming, &mut inquiry, decision, now);
                    }
                    self.ask(incoming, &frame, inquiry, (waiting.came, now), context)?;
                }
            }
        }
        match self.decisions().and_then(|decisions| decisions.closed(now)) {
            Some(reason) => Err(reason),
            None => Ok(()),
        }
    }

    /// Why the connection is to end. Not yet if the peer has closed it behind messages that wait for decisions.
    pub(super) fn end(&mut self, reason: DisconnectReason, now: Time) -> Option<DisconnectReason> {
        match self.decisions_mut() {
            Some(decisions) if matches!(reason, DisconnectReason::ClosedByPeer { .. }) => {
                decisions.close(reason, now)
            }
            _ => Some(reason),
        }
    }

    /// Whether the key of the session permits a message. If so the application is asked.
    fn check(
        &mut self,
        incoming: Incoming<'_>,
        frame: &Frame<'_>,
        came: Time,
        now: Time,
        context: &mut Context<'_>,
    ) -> Result<(), DisconnectReason> {
        let length = frame.bytes().len();
        let permitted = self.side.permit(&incoming).and_then(|()| match &mut self.guard {
            Some(guard) => guard.take(&incoming, length, came),
            None => Ok(()),
        });
        if let Err(denied) = permitted {
            self.last_event = now;
            self.deny(&incoming, &denied.to_string());
            return Ok(());
        }
        match self.decisions() {
            Some(decisions) if decisions.authority.concerns(&incoming) => {
                self.ask(incoming, frame, Inquiry::default(), (came, now), context)
            }
            _ => self.handle_incoming(incoming, frame, now, context),
        }
    }

    /// Asks the application what is left to be asked about a message, and handles it if it may be.
    fn ask(
        &mut self,
        incoming: Incoming<'_>,
        frame: &Frame<'_>,
        mut inquiry: Inquiry,
        (came, now): (Time, Time),
        context: &mut Context<'_>,
    ) -> Result<(), DisconnectReason> {
        self.last_event = now;
        if let Some(decisions) = self.decisions_mut() {
            if let Some(decision) = decisions.ask(&incoming, &mut inquiry, now, context) {
                let waiting = Waiting::new(frame.to_bytes(), &incoming, came);
                decisions.wait_for(decision, inquiry, waiting, now);
                return Ok(());
            }
            if let Incoming::Join { id, .. } = incoming {
                decisions.authority.answer_join(id, inquiry.refused);
                return Ok(());
            }
        }
        match inquiry.refused {
            Some(refusal) => {
                self.deny(&incoming, &refusal.text);
                Ok(())
            }
            None => self.handle_incoming(incoming, frame, now, context),
        }
    }

    /// Tells the peer what it lacks.
    fn deny(&mut self, incoming: &Incoming<'_>, text: &str) {
        if is_counted(incoming) {
            self.inbox.count_dropped(DropReason::Denied);
        }
        let owner = self.side.owner();
        let told = owner.link().command(owner, |outbound| match *incoming {
            Incoming::Request { id, .. }
            | Incoming::Publish { request: Some(id), .. }
            | Incoming::StreamOpen { id, ack: true, .. } => {
                outbound.nack(id, NackCode::Denied, ValueRef::String(text))
            }
            // Its writer would wait for credit.
            Incoming::StreamOpen { id, ack: false, .. } => {
                outbound.stop_stream(id, StreamCode::NotTaken, text)
            }
            _ => outbound.refuse(0, ErrorCode::Denied, text),
        });
        if let Err(error) = told {
            tracing::debug!(%error, "a denial was not sent");
        }
    }

    /// The connection ends: what waits for a decision is not handled any more.
    pub(super) fn abandon_undecided(&mut self) {
        let undecided = self.decisions_mut().map_or(0, Decisions::abandon);
        for _ in 0..undecided {
            self.inbox.count_dropped(DropReason::Disconnected);
        }
    }
}
