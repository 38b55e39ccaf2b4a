//! Where a stream to many comes from.

use std::sync::Arc;

use futures_util::task::AtomicWaker;
use gatewire_codec::{NackCode, ReceiverOutcome, SocketAddress, StreamCode, ValueRef, v3};

use super::{Group, Outcome};
use crate::error::RequestError;
use crate::net::link::{HasLink, LinkOutbound, Session};
use crate::net::pipes::IncomingStream;
use crate::net::waiter::Waiter;
use crate::server::streams::length;
use crate::stream::StreamError;
use gatewire_core::session::SendError;

/// Where a stream to many comes from.
pub(crate) enum Source {
    /// A writer of this process.
    Local(AtomicWaker),
    /// A client, or another node.
    Relay(Relay),
}

/// A stream that comes from a client or from another node, for others.
pub(crate) struct Relay {
    pub(crate) owner: Arc<dyn HasLink>,
    pub(crate) id: u32,
    pub(crate) session: Session,
    /// Whether it is to be told what becomes of it.
    pub(crate) ack: bool,
    /// Whether it comes from another node.
    pub(crate) routed: bool,
    /// To one socket by its id: its answer is passed on as it is, and nobody else waits for it.
    pub(crate) single: bool,
}

impl Relay {
    fn tell(&self, push: impl FnOnce(&mut LinkOutbound) -> Result<(), SendError>) {
        if !self.ack {
            return;
        }
        if let Err(error) = self.owner.link().command_in(&self.owner, self.session, push) {
            tracing::debug!(%error, "what became of a stream was not told");
        }
    }

    pub(super) fn stop(&self, code: StreamCode, text: &str) {
        self.owner.link().stop_stream(&self.owner, self.session, self.id, code, text);
    }

    /// Passes the answer of the only receiver on; or that there is none to a client that wants none.
    pub(super) fn answer(&self, outcome: Result<ValueRef<'_>, RequestError>) {
        match outcome {
            outcome if self.ack => {
                let origin = Arc::downgrade(&self.owner);
                Waiter::Relay { origin, id: self.id }.complete(outcome);
            }
            Ok(_) => {}
            Err(RequestError::NoHandler | RequestError::Decode(_) | RequestError::NoSuchSocket) => {
                self.stop(StreamCode::NotTaken, "");
            }
            Err(RequestError::Busy) => self.stop(StreamCode::TooMany, ""),
            Err(_) => self.stop(StreamCode::Dropped, ""),
        }
    }
}

impl Source {
    /// The relay to exactly one socket, if it is one: its answer is passed on as it is.
    pub(super) fn single(&self) -> Option<&Relay> {
        match self {
            Self::Relay(relay) if relay.single => Some(relay),
            Self::Relay(_) | Self::Local(_) => None,
        }
    }

    /// Whether the source is to stop when nobody is left, since it costs a connection.
    pub(super) fn is_remote(&self) -> bool {
        matches!(self, Self::Relay(_))
    }

    /// The limit that the source knows before it is told any.
    pub(super) fn first_limit(&self) -> u64 {
        match self {
            Self::Local(_) => 0,
            Self::Relay(_) => v3::INITIAL_CREDIT,
        }
    }

    /// The group takes the client's stream.
    pub(super) fn attach(&self, group: &Arc<Group>) {
        if let Self::Relay(Relay { owner, id, .. }) = self {
            owner.link().insert_pipe(*id, Arc::clone(group) as Arc<dyn IncomingStream>);
        }
    }

    /// The client's stream is not open any more.
    pub(super) fn detach(&self, group: &Group) {
        if let Self::Relay(Relay { owner, id, .. }) = self {
            owner.link().close_pipe(*id, group);
        }
    }

    /// The source may go on, up to the limit.
    pub(super) fn allow(&self, limit: u64) {
        match self {
            Self::Local(writer) => writer.wake(),
            // There is nobody left: what it sends is not wanted.
            Self::Relay(relay) if limit == u64::MAX => relay.stop(StreamCode::Enough, ""),
            Self::Relay(Relay { owner, id, session, .. }) => {
                owner.link().grant(owner, *session, *id, limit);
            }
        }
    }

    /// What became of a receiver.
    pub(super) fn tell_outcome(&self, receiver: &SocketAddress, outcome: &Outcome) {
        if let Self::Relay(relay) = self {
            relay.tell(|outbound| {
                outbound.tell_outcome(relay.id, &receiver.to_string(), on_the_wire(outcome))
            });
        }
    }

    /// What became of the receivers at a node is not known.
    pub(super) fn tell_lost(&self, node: &str) {
        if let Self::Relay(relay) = self {
            relay.tell(|outbound| {
                outbound.tell_outcome(relay.id, node, ReceiverOutcome::Unreachable)
            });
        }
    }

    /// Why the receivers are told that there will be no more, when it is lost.
    pub(super) fn lost_as(&self) -> StreamCode {
        match self {
            Self::Relay(Relay { routed: true, .. }) => StreamCode::PathLost,
            Self::Relay(_) | Self::Local(_) => StreamCode::SenderLost,
        }
    }

    /// Each receiver has its outcome.
    pub(super) fn settle(&self, receivers: usize) {
        match self {
            Self::Local(writer) => writer.wake(),
            Self::Relay(relay) => {
                let count = i64::try_from(receivers).unwrap_or(i64::MAX);
                relay.tell(|outbound| outbound.ack(relay.id, ValueRef::Integer(count)));
            }
        }
    }
}

/// The longest answer of a receiver that is told to a client: those of 4,000 fit its queue at once.
const MAX_ANSWER: usize = 1024;

/// An outcome as it is told to a client.
fn on_the_wire(outcome: &Outcome) -> ReceiverOutcome<'_> {
    let refused = |code, value| ReceiverOutcome::Refused { code, value };
    match outcome {
        Ok(value) if length(value.as_ref()) > MAX_ANSWER => {
            refused(NackCode::TooLarge, ValueRef::Empty)
        }
        Ok(value) => ReceiverOutcome::Answered(value.as_ref()),
        Err(StreamError::Stopped { code, .. } | StreamError::Reset { code, .. }) => {
            ReceiverOutcome::Stopped { code: *code }
        }
        Err(StreamError::Disconnected | StreamError::Finished) => {
            refused(NackCode::Disconnected, ValueRef::Empty)
        }
        Err(StreamError::Refused(RequestError::Rejected(value))) => {
            refused(NackCode::Rejected, value.as_ref())
        }
        Err(StreamError::Refused(error)) => refused(error.to_nack().0, ValueRef::Empty),
    }
}
