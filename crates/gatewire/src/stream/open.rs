//! Opening a stream to one peer.

use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use futures_channel::oneshot;
use gatewire_codec::{Names, SocketAddress, Target};
use gatewire_format::{EncodeContext, IntoValue};

use super::{Outgoing, Readers, StreamError, StreamWriter};
use crate::error::RequestError;
use crate::net::link::{HasLink, with_scratch};
use crate::net::waiter::Waiter;
use crate::request::ToNode;

/// How long a reader may take for its answer once all is on its way: as much as it may have in memory, at some
/// 100 KB/s.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// A stream to one peer that is about to be opened. Await it: it never waits, and gives the
/// [`StreamWriter`] at once.
#[must_use = "a stream is opened when it is awaited"]
pub struct OpenStream<'e, V> {
    to: Result<Peer, RequestError>,
    event: &'e str,
    info: V,
    timeout: Duration,
    answered: bool,
}

/// Who reads a stream to one.
pub(crate) enum Peer {
    /// The peer of a connection, or a socket beyond it.
    Link { owner: Arc<dyn HasLink>, socket: Option<SocketAddress> },
    /// A socket of another node.
    Node(ToNode),
}

impl<V> fmt::Debug for OpenStream<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenStream").field("event", &self.event).finish_non_exhaustive()
    }
}

impl<'e, V> OpenStream<'e, V> {
    pub(crate) fn new(to: Result<Peer, RequestError>, event: &'e str, info: V) -> Self {
        Self { to, event, info, timeout: ANSWER_TIMEOUT, answered: true }
    }

    /// How long [`finish`](StreamWriter::finish) waits for the answer, from the moment that the last byte is
    /// on its way: 60 s by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Wants no answer: [`finish`](StreamWriter::finish) is done, and gives nothing (`()` or `None`), once all is on
    /// its way. That nobody takes the stream is an error all the same, if it is known by then.
    ///
    /// For peers of wire versions 1 and 2 whose handler calls no callback; to others it saves a frame. To a socket of
    /// another node the answer is waited for in any case.
    pub fn unanswered(mut self) -> Self {
        self.answered = false;
        self
    }
}

impl<V: IntoValue> OpenStream<'_, V> {
    fn open(self) -> Result<StreamWriter, StreamError> {
        let (owner, socket) = match self.to? {
            Peer::Link { owner, socket } => (owner, socket),
            Peer::Node(to) => return open_across(&to, self.event, &self.info, self.timeout),
        };
        let id = socket.map(|socket| [socket.to_string()]);
        let target = id.as_ref().map(|ids| {
            let sockets = Names::from_strings(ids);
            Target { sockets, ..Target::default() }
        });
        let mut writer = open_through(
            owner,
            (Readers::One, self.answered),
            target,
            self.event,
            &self.info,
            self.timeout,
        )?;
        writer.expect_answer(self.answered);
        Ok(writer)
    }
}

/// Opens a stream on a connection, for its peer or for a target behind it.
pub(crate) fn open_through(
    owner: Arc<dyn HasLink>,
    (readers, answered): (Readers, bool),
    target: Option<Target<'_>>,
    event: &str,
    info: &impl IntoValue,
    timeout: Duration,
) -> Result<StreamWriter, StreamError> {
    let (sender, outcome) = oneshot::channel();
    let outgoing = Arc::new(Outgoing::to(readers));
    let link = owner.link();
    let opened = link.with_value(event, info, |info| {
        owner.check(event, info, target.as_ref())?;
        let (waiter, watcher) = (Waiter::Future(sender), Arc::clone(&outgoing));
        link.open_stream(&owner, (target, answered), event, info, waiter, watcher)
    })?;
    Ok(StreamWriter::new(owner, outgoing, opened, event, timeout, outcome))
}

/// Opens a stream on the link that leads to the node of a socket.
fn open_across(
    to: &ToNode,
    event: &str,
    info: &impl IntoValue,
    timeout: Duration,
) -> Result<StreamWriter, StreamError> {
    let way = to.router.way(&to.address, to.flow);
    let (owner, route) = way.ok_or(RequestError::Unreachable)?;
    let sockets = [to.address.to_string()];
    let target = Target { sockets: Names::from_strings(&sockets), ..Target::default() };
    let (sender, outcome) = oneshot::channel();
    let outgoing = Arc::new(Outgoing::across());
    let opened = with_scratch(info.uses_scratch(), |scratch| {
        let info = info.to_value(EncodeContext::new(&to.formats, event, scratch))?;
        let watcher = Arc::clone(&outgoing);
        owner.link().open_stream_with(&owner, Waiter::Future(sender), watcher, |id, out| {
            route.encode_open((id, &target), event, info, out)
        })
    })?;
    Ok(StreamWriter::new(owner, outgoing, opened, event, timeout, outcome))
}

impl<'e, V: IntoValue> IntoFuture for OpenStream<'e, V> {
    type Output = Result<StreamWriter, StreamError>;
    type IntoFuture = Ready<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        ready(self.open())
    }
}
