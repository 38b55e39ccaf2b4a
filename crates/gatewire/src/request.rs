//! A question and the wait for its answer.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_channel::oneshot;
use gatewire_codec::{Names, SocketAddress, Target};
use gatewire_format::{DecodeContext, EncodeContext, Formats, FromValue, IntoValue};

use crate::error::RequestError;
use crate::net::link::{HasLink, with_scratch};
use crate::net::waiter::{Outcome, Waiter};
use crate::router::RouterInner;

/// The time that a request may take unless told otherwise.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// A request. Await it: it is sent when it is first polled, and ends in the answer or in one
/// [`RequestError`]; the wait is never longer than its [`timeout`](Self::timeout) (5 s by default).
///
/// `Ok` means that the handler ran once and answered. The errors tell apart whether it can have run.
///
/// # Cancel safety
///
/// Dropped before the first poll, nothing is sent. Dropped later, the request is with the peer and
/// its answer is ignored.
#[must_use = "a request is sent when it is awaited"]
pub struct Request<'e, T, V> {
    event: &'e str,
    value: V,
    timeout: Duration,
    state: State,
    answer: PhantomData<fn() -> T>,
}

enum State {
    Unsent(Way),
    Sent(Pending),
    Failed(RequestError),
    Done,
}

/// By which way a request goes.
#[derive(Clone)]
enum Way {
    /// To the peer of a connection, or to a socket beyond it.
    Link { owner: Arc<dyn HasLink>, socket: Option<SocketAddress> },
    /// To a socket of another node.
    Node(ToNode),
}

/// A socket of another node, and who asks it.
#[derive(Clone)]
pub(crate) struct ToNode {
    pub(crate) router: Arc<RouterInner>,
    pub(crate) address: SocketAddress,
    /// Of the sender.
    pub(crate) flow: u8,
    pub(crate) formats: Formats,
}

impl Way {
    fn formats(&self) -> &Formats {
        match self {
            Self::Link { owner, .. } => &owner.link().formats,
            Self::Node(ToNode { formats, .. }) => formats,
        }
    }

    /// Nobody waits for the answer any more.
    fn forget(&self, id: u32) {
        match self {
            Self::Link { owner, .. } => {
                let waiter = owner.link().with_outbound(|outbound| outbound.forget(id));
                // Not dropped under the lock: that wakes this request's task, by whatever waker it has.
                drop(waiter);
            }
            Self::Node(ToNode { router, .. }) => router.forget(id),
        }
    }
}

struct Pending {
    way: Way,
    id: u32,
    outcome: oneshot::Receiver<Outcome>,
    ended: bool,
}

impl Pending {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Outcome> {
        // An error: the connection's task is gone, with its runtime.
        let outcome = ready!(Pin::new(&mut self.outcome).poll(context))
            .unwrap_or(Err(RequestError::MaybeDelivered));
        self.ended = true;
        Poll::Ready(outcome)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.ended {
            self.way.forget(self.id);
        }
    }
}

impl<T, V> fmt::Debug for Request<'_, T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("event", &self.event)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl<'e, T, V> Request<'e, T, V> {
    fn new(state: State, event: &'e str, value: V) -> Self {
        Self { event, value, timeout: DEFAULT_TIMEOUT, state, answer: PhantomData }
    }

    pub(crate) fn to_peer(owner: Arc<dyn HasLink>, event: &'e str, value: V) -> Self {
        Self::new(State::Unsent(Way::Link { owner, socket: None }), event, value)
    }

    pub(crate) fn through(
        owner: Arc<dyn HasLink>,
        socket: SocketAddress,
        event: &'e str,
        value: V,
    ) -> Self {
        Self::new(State::Unsent(Way::Link { owner, socket: Some(socket) }), event, value)
    }

    pub(crate) fn across(to: ToNode, event: &'e str, value: V) -> Self {
        Self::new(State::Unsent(Way::Node(to)), event, value)
    }

    pub(crate) fn failed(error: RequestError, event: &'e str, value: V) -> Self {
        Self::new(State::Failed(error), event, value)
    }

    /// The longest time to wait for the answer, from the moment it is sent.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl<T, V: IntoValue> Request<'_, T, V> {
    fn send(&self, way: Way) -> Result<Pending, RequestError> {
        let (sender, outcome) = oneshot::channel();
        let waiter = Waiter::Future(sender);
        let id = match &way {
            Way::Link { owner, socket } => self.send_on(owner, socket.as_ref(), waiter),
            Way::Node(to) => self.send_across(to, waiter),
        }?;
        Ok(Pending { way, id, outcome, ended: false })
    }

    fn send_on(
        &self,
        owner: &Arc<dyn HasLink>,
        socket: Option<&SocketAddress>,
        waiter: Waiter,
    ) -> Result<u32, RequestError> {
        let link = owner.link();
        let deadline = link.clock.now() + self.timeout;
        let sent = link.with_value(self.event, &self.value, |value| {
            owner.check(self.event, value, None)?;
            link.request(owner, deadline, |outbound, deadline| match socket {
                None => outbound.request(self.event, value, deadline, waiter),
                Some(socket) => {
                    let ids = [socket.to_string()];
                    let sockets = Names::from_strings(&ids);
                    let target = Target { sockets, ..Target::default() };
                    outbound.request_from(target, self.event, value, deadline, waiter)
                }
            })
        });
        sent.map_err(RequestError::NotSent)
    }

    fn send_across(&self, to: &ToNode, waiter: Waiter) -> Result<u32, RequestError> {
        with_scratch(self.value.uses_scratch(), |scratch| {
            let context = EncodeContext::new(&to.formats, self.event, scratch);
            let value = self.value.to_value(context);
            let value = value.map_err(|error| RequestError::NotSent(error.into()))?;
            let deadline = to.router.now() + self.timeout;
            to.router.ask((&to.address, to.flow), self.event, value, deadline, waiter, None)
        })
    }
}

// Nothing in it is pinned.
impl<T, V> Unpin for Request<'_, T, V> {}

impl<T: FromValue, V: IntoValue> Future for Request<'_, T, V> {
    type Output = Result<T, RequestError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if matches!(this.state, State::Unsent(_) | State::Failed(_)) {
            match std::mem::replace(&mut this.state, State::Done) {
                State::Unsent(way) => this.state = State::Sent(this.send(way)?),
                State::Failed(error) => return Poll::Ready(Err(error)),
                other => this.state = other,
            }
        }
        let State::Sent(pending) = &mut this.state else {
            panic!("a request was polled after its end");
        };
        let outcome = ready!(pending.poll(context));
        let context = DecodeContext::new(pending.way.formats(), this.event);
        let answer = outcome.and_then(|value| {
            T::from_value(value.as_ref(), &context).map_err(RequestError::BadAnswer)
        });
        this.state = State::Done;
        Poll::Ready(answer)
    }
}
