//! A question to many, and the wait for their answers.

mod answers;
mod arrivals;
mod report;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::Stream;
use gatewire_codec::SocketAddress;
use gatewire_format::{FromValue, IntoValue};

use crate::error::RequestError;
use crate::net::link::HasLink;
use crate::net::waiter::Waiter;
use crate::request::DEFAULT_TIMEOUT;
use crate::to::{Origin, To};
use answers::Questioner;
use arrivals::FromServer;

pub use answers::RoomAnswers;
pub(crate) use arrivals::Arrivals;
pub use report::RoomReport;

/// A request to all who are addressed at this moment; from [`To::request`]. Await it: it is sent when it is first
/// polled, and ends in a [`RoomReport`] as soon as each receiver has answered or failed, at its
/// [`timeout`](Self::timeout) (5 s by default) at the latest. Or take the [answers](Self::answers) as they come.
///
/// Who is asked is decided once, by the sender's server when it handles the request; in a cluster it decides which
/// nodes ask, and each of these on its own receivers when the request comes. Each is named: who is silent at the
/// deadline, or gone, is [missing](RoomReport::missing). That some or all do not answer is no error.
///
/// ```
/// use gatewire::{Client, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().bind("127.0.0.1:0").await?;
/// let mut voters = Vec::new();
/// for vote in [true, true, false] {
///     let client = Client::builder().connect(server.local_addr()).await?;
///     client.on("vote", move |_question: String| vote);
///     client.join("council").await?;
///     voters.push(client);
/// }
///
/// let report = server.to("council").request::<bool, _>("vote", "shall we?").await?;
/// assert!(report.is_complete());
/// assert_eq!(report.expected().len(), 3);
/// assert_eq!(report.received().filter(|(_, vote)| **vote).count(), 2);
/// # for client in &voters {
/// #     client.close().await;
/// # }
/// # server.close().await;
/// # Ok(())
/// # }
/// ```
///
/// # Limits
///
/// A server asks 16,384 receivers at most; for a client 4,096, or a quarter of the frames of its
/// [outbox](crate::Limits), and 65,536 that have not answered yet over all its requests. Beyond that nobody is asked:
/// [`RequestError::Denied`], and the last [`RequestError::Busy`]. In a cluster the 4,096 are those of the client's own
/// node, and a node with whose receivers there are more than 16,384 of a request, or 65,536 of a client, is
/// [unreachable](RoomReport::unreachable). Of one client 4,096 requests may wait for other nodes: the next one ends at
/// once without them. The value may have 64 KiB. Of an answer a client is told up to 1 KiB: a longer one is
/// [failed](RoomReport::failed), as [`RequestError::TooLarge`].
///
/// # Errors
///
/// [`RequestError`]: nobody is known to have been asked. `NotSent`; `Denied`: by the permissions of the client's key,
/// the server's bounds or its application; `Timeout` and `MaybeDelivered`: the time was over, or the connection
/// lost, before the server had told of anybody.
///
/// # Cancel safety
///
/// Dropped before the first poll, nothing is sent. Dropped later, the requests are with the receivers and their
/// answers are ignored.
#[must_use = "a request is sent when it is awaited"]
pub struct RoomRequest<'a, T, V> {
    event: &'a str,
    value: V,
    timeout: Duration,
    state: State<'a, T>,
}

enum State<'a, T> {
    Unsent(To<'a>),
    Sent(Collecting<T>),
    Done,
}

struct Collecting<T> {
    answers: RoomAnswers<T>,
    received: Vec<(SocketAddress, T)>,
    errors: Vec<(SocketAddress, RequestError)>,
}

impl<T, V> fmt::Debug for RoomRequest<'_, T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomRequest")
            .field("event", &self.event)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl<'a, T, V> RoomRequest<'a, T, V> {
    pub(crate) fn new(to: To<'a>, event: &'a str, value: V) -> Self {
        Self { event, value, timeout: DEFAULT_TIMEOUT, state: State::Unsent(to) }
    }

    /// The longest time to wait for the answers, from the moment it is sent. A client's server waits for 60 s at
    /// most.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl<T: FromValue, V: IntoValue> RoomRequest<'_, T, V> {
    /// Sends the request now, for the answers as they come: a [`Stream`] of one item for each receiver.
    ///
    /// # Errors
    ///
    /// [`RequestError`]: nobody was asked.
    ///
    /// # Panics
    ///
    /// It was polled before.
    ///
    /// # Example
    ///
    /// ```
    /// # async fn example(client: gatewire::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::StreamExt;
    ///
    /// let mut answers = client.to("council").request::<bool, _>("vote", "shall we?").answers()?;
    /// while let Some((voter, vote)) = answers.next().await {
    ///     println!("{voter}: {vote:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn answers(self) -> Result<RoomAnswers<T>, RequestError> {
        let State::Unsent(to) = &self.state else {
            panic!("the answers were asked for after the request was polled");
        };
        self.send(to)
    }

    fn send(&self, to: &To<'_>) -> Result<RoomAnswers<T>, RequestError> {
        let (event, target) = (self.event, to.target());
        let questions = match to.origin() {
            Origin::Server(server) => server.questions(None),
            Origin::Socket(socket) => socket.inner.server.questions(Some(&*socket.inner)),
            Origin::Router(router) => router.questions(),
            Origin::Client(client) => {
                let owner: Arc<dyn HasLink> = client.clone();
                let arrivals = Arc::new(Arrivals::default());
                let target = to.target_of_many();
                let deadline = client.link.clock.now() + self.timeout;
                let told = Arc::new(FromServer(Arc::clone(&arrivals)));
                let sent = client.link.with_value(event, &self.value, |value| {
                    client.link.request(client, deadline, |outbound, deadline| {
                        let waiter = Waiter::Receiver(told);
                        outbound.request_from(target, event, value, deadline, waiter)
                    })
                });
                let id = sent.map_err(RequestError::NotSent)?;
                return Ok(RoomAnswers::new(arrivals, Questioner::There { owner, id }, event));
            }
        };
        let asked = questions.ask_many(&target, event, &self.value, self.timeout);
        let (gather, arrivals) = asked?;
        let questioner = Questioner::Here { gather, formats: questions.formats.clone() };
        Ok(RoomAnswers::new(arrivals, questioner, event))
    }
}

impl<T: FromValue> Collecting<T> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<RoomReport<T>, RequestError>> {
        while let Some((address, answer)) = ready!(Pin::new(&mut self.answers).poll_next(context)) {
            match answer {
                Ok(answer) => self.received.push((address, answer)),
                Err(error) => self.errors.push((address, error)),
            }
        }
        let summary = self.answers.summary();
        match summary.end {
            Err(error) if summary.expected.is_empty() && summary.unreachable.is_empty() => {
                Poll::Ready(Err(error))
            }
            _ => {
                let received = std::mem::take(&mut self.received);
                let errors = std::mem::take(&mut self.errors);
                Poll::Ready(Ok(RoomReport::new(summary, received, errors)))
            }
        }
    }
}

// Nothing in it is pinned.
impl<T, V> Unpin for RoomRequest<'_, T, V> {}

impl<T: FromValue, V: IntoValue> Future for RoomRequest<'_, T, V> {
    type Output = Result<RoomReport<T>, RequestError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let State::Unsent(_) = &this.state
            && let State::Unsent(to) = std::mem::replace(&mut this.state, State::Done)
        {
            let answers = this.send(&to)?;
            let (received, errors) = (Vec::new(), Vec::new());
            this.state = State::Sent(Collecting { answers, received, errors });
        }
        let State::Sent(collecting) = &mut this.state else {
            panic!("a request was polled after its end");
        };
        let report = ready!(collecting.poll(context));
        this.state = State::Done;
        Poll::Ready(report)
    }
}
