//! Who waits for the end of a request.

use std::sync::{Arc, Weak};

use futures_channel::oneshot;
use gatewire_codec::{Value, ValueRef};

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
    /// A receiver of a stream to many.
    Receiver(Arc<dyn AwaitAnswer>),
}

/// Who is told how a request ended, without any lock.
pub(crate) trait AwaitAnswer: Send + Sync {
    fn answered(&self, outcome: Result<ValueRef<'_>, RequestError>);
}

impl std::fmt::Debug for Waiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Future(_) => f.write_str("Future"),
            Self::Receiver(_) => f.write_str("Receiver"),
            Self::Node(asker) => asker.fmt(f),
            Self::Relay { id, .. } => f.debug_struct("Relay").field("id", id).finish(),
        }
    }
}

impl Waiter {
    pub(crate) fn complete(self, outcome: Result<ValueRef<'_>, RequestError>) {
        match self {
            // Nobody listens any more: the future was dropped.
            Self::Future(sender) => drop(sender.send(outcome.map(|value| value.to_value()))),
            Self::Receiver(receiver) => receiver.answered(outcome),
            Self::Node(asker) => asker.answer(&outcome),
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
