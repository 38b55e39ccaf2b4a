//! Who waits for the end of a request.

use std::sync::{Arc, Weak};

use futures_channel::oneshot;
use gatewire_codec::{ReceiverOutcome, Value, ValueRef};
use gatewire_core::gather::Receiver;

use super::link::HasLink;
use crate::error::{EmitError, RequestError};
use crate::router::Asker;

/// How a request ended: the answer, copied out of its frame, or why there is none.
pub(crate) type Outcome = Result<Value, RequestError>;

pub(crate) enum Waiter {
    /// A future of this process. Not of tokio's channels: those make a task that has taken 128 answers
    /// yield, which would cut each batch of requests and answers in two.
    Future(oneshot::Sender<Outcome>),
    /// Another connection of this server, which asked through us.
    Relay { origin: Weak<dyn HasLink>, id: u32 },
    /// Another node of the cluster, which asked a socket of this one.
    Node(Asker),
    /// A receiver of a stream to many, or who asks many through a server.
    Receiver(Arc<dyn AwaitAnswer>),
    /// Who asks many of this server, and which of them this one is.
    OneOf(Arc<dyn AwaitAnswers>, Receiver),
}

/// Who is told how a request ended, without any lock.
pub(crate) trait AwaitAnswer: Send + Sync {
    fn answered(&self, outcome: Result<ValueRef<'_>, RequestError>);

    /// What became of one of those who were asked, if they are many. Told by a server, before the end.
    fn outcome(&self, _address: &str, _outcome: ReceiverOutcome<'_>) {}
}

/// Who is told how each of several requests ended, without any lock.
pub(crate) trait AwaitAnswers: Send + Sync {
    fn answered(&self, receiver: Receiver, outcome: Result<ValueRef<'_>, RequestError>);
}

impl std::fmt::Debug for Waiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Future(_) => f.write_str("Future"),
            Self::Receiver(_) => f.write_str("Receiver"),
            Self::Node(asker) => asker.fmt(f),
            Self::OneOf(_, receiver) => f.debug_tuple("OneOf").field(receiver).finish(),
            Self::Relay { id, .. } => f.debug_struct("Relay").field("id", id).finish(),
        }
    }
}

impl Waiter {
    /// Who is told what became of each, if many are asked through the peer.
    pub(crate) fn receiver(&self) -> Option<Arc<dyn AwaitAnswer>> {
        match self {
            Self::Receiver(receiver) => Some(Arc::clone(receiver)),
            Self::Future(_) | Self::OneOf(..) | Self::Relay { .. } | Self::Node(_) => None,
        }
    }

    pub(crate) fn complete(self, outcome: Result<ValueRef<'_>, RequestError>) {
        match self {
            // Nobody listens any more: the future was dropped.
            Self::Future(sender) => drop(sender.send(outcome.map(|value| value.to_value()))),
            Self::Receiver(receiver) => receiver.answered(outcome),
            Self::Node(asker) => asker.answer(&outcome),
            Self::OneOf(many, receiver) => many.answered(receiver, outcome),
            Self::Relay { origin, id } => {
                let Some(origin) = origin.upgrade() else { return };
                if let Err(error) = relay(&origin, id, &outcome) {
                    tracing::debug!(%error, "the answer of another socket was not relayed");
                }
            }
        }
    }
}

/// Passes the outcome on. An answer that is too large for the origin becomes a refusal.
fn relay(
    origin: &Arc<dyn HasLink>,
    id: u32,
    outcome: &Result<ValueRef<'_>, RequestError>,
) -> Result<(), EmitError> {
    let refuse = |error: &RequestError| {
        let (code, value) = error.to_nack();
        origin.link().command(origin, |outbound| outbound.nack(id, code, value.as_ref()))
    };
    match outcome {
        Ok(value) => match origin.link().command(origin, |outbound| outbound.ack(id, *value)) {
            Err(EmitError::TooLarge { .. }) => refuse(&RequestError::TooLarge),
            sent => sent,
        },
        Err(error) => refuse(error),
    }
}
