//! The answers to a request to many, as they come.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use gatewire_codec::SocketAddress;
use gatewire_format::{DecodeContext, Formats, FromValue};

use super::Arrivals;
use super::arrivals::Summary;
use crate::error::RequestError;
use crate::net::link::HasLink;
use crate::server::gather::Gather;

/// Who asks.
pub(super) enum Questioner {
    /// This node.
    Here { gather: Arc<Gather>, formats: Formats },
    /// The server beyond this connection, under this id.
    There { owner: Arc<dyn HasLink>, id: u32 },
}

impl Questioner {
    fn formats(&self) -> &Formats {
        match self {
            Self::Here { formats, .. } => formats,
            Self::There { owner, .. } => &owner.link().formats,
        }
    }
}

/// The answers to a request to many, as they come; from [`RoomRequest::answers`](crate::RoomRequest::answers).
///
/// A [`Stream`] of one item for each receiver that was asked: its address, and its answer or why there is none.
/// Those that are silent when the time is over come last, as [`RequestError::Timeout`]. Then the stream ends.
///
/// Dropped before that, no further answer is waited for.
pub struct RoomAnswers<T> {
    arrivals: Arc<Arrivals>,
    questioner: Questioner,
    event: Box<str>,
    answer: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for RoomAnswers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomAnswers").field("event", &self.event).finish_non_exhaustive()
    }
}

impl<T> RoomAnswers<T> {
    pub(super) fn new(arrivals: Arc<Arrivals>, questioner: Questioner, event: &str) -> Self {
        Self { arrivals, questioner, event: event.into(), answer: PhantomData }
    }

    /// Who was asked, as far as it is known by now: on a server all of its own node, and of other nodes those of whom
    /// they have told; on a client those of whom its server has told.
    #[must_use]
    pub fn expected(&self) -> Vec<SocketAddress> {
        self.arrivals.inspect(|expected, _, _| expected.to_vec())
    }

    /// The nodes of a cluster that could not be reached, as far as it is known by now. On one server: none.
    #[must_use]
    pub fn unreachable(&self) -> Vec<String> {
        self.arrivals
            .inspect(|_, nodes, _| nodes.iter().map(|node| String::from(&**node)).collect())
    }

    /// Why the stream has ended before all was told, once it has: the request was denied, its time was over, or
    /// the connection to the server was lost. On a server: never.
    #[must_use]
    pub fn error(&self) -> Option<RequestError> {
        self.arrivals.inspect(|_, _, end| end.and_then(|end| end.as_ref().err().cloned()))
    }

    pub(super) fn summary(&self) -> Summary {
        self.arrivals.summary()
    }
}

// Nothing in it is pinned.
impl<T> Unpin for RoomAnswers<T> {}

impl<T: FromValue> Stream for RoomAnswers<T> {
    type Item = (SocketAddress, Result<T, RequestError>);

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some((address, outcome)) = ready!(self.arrivals.poll_next(context)) else {
            return Poll::Ready(None);
        };
        let context = DecodeContext::new(self.questioner.formats(), &self.event);
        let answer = outcome.and_then(|value| {
            T::from_value(value.as_ref(), &context).map_err(RequestError::BadAnswer)
        });
        Poll::Ready(Some((address, answer)))
    }
}

impl<T> Drop for RoomAnswers<T> {
    fn drop(&mut self) {
        if self.arrivals.is_over() {
            return;
        }
        match &self.questioner {
            Questioner::Here { gather, .. } => gather.close(),
            Questioner::There { owner, id } => {
                // Not dropped under the lock: it tells that it is over.
                let waiter = owner.link().with_outbound(|outbound| outbound.forget(*id));
                drop(waiter);
            }
        }
    }
}
