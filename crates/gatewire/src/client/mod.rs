//! The side that dials.

mod builder;
mod credentials;
mod dial;
#[cfg(feature = "legacy")]
mod legacy;
mod lifecycle;
mod renewal;
mod rooms;
mod side;
mod supervise;

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatewire_codec::{CloseCode, SocketAddress, Value};
#[cfg(feature = "legacy")]
use gatewire_codec::{Target, ValueRef};
use gatewire_core::session::{Class, OutboxLimits, StreamLimits};
use gatewire_core::{Backoff, SocketId};
use gatewire_format::{FromValue, IntoValue};
use tokio::sync::watch;

use crate::counters::Counters;
use crate::error::{ConnectError, DisconnectReason, EmitError, Error};
use crate::handler::{Handler, HandlerId, Handlers};
use crate::limits::{Limits, TcpOptions};
use crate::net::credentials::Credentials;
use crate::net::link::{HasLink, Link, Session};
use crate::request::Request;
use crate::stream::{OpenStream, Peer};
use crate::to::{Origin, To, ToSocket};
use lifecycle::Lifecycle;

pub use builder::{ClientBuilder, OfflineQueue, WhenFull};

/// A connection to a [`Server`](crate::Server), kept up by reconnecting.
///
/// A handle: clones are the same client. It lives until [`close`](Self::close), or until the server
/// disconnects it, also when all handles are gone.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use gatewire::Client;
///
/// // Handlers first, then the connection: so no message comes too early.
/// let client = Client::builder().build("127.0.0.1:5000");
/// client.on("news", |text: String| println!("{text}"));
/// client.connect().await?;
/// client.join("readers").await?;
/// client.emit("hello", "alejandro")?;
/// client.broadcast().include_self().emit("hello", "world")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<ClientInner>,
}

pub(crate) struct ClientInner {
    pub(crate) link: Link,
    pub(crate) handlers: Handlers<Client>,
    pub(crate) lifecycle: Lifecycle,
    address: String,
    credentials: Credentials,
    limits: Limits,
    tcp: TcpOptions,
    backoff: Option<Backoff>,
    max_attempts: Option<u32>,
    offline: Option<OutboxLimits>,
    state: watch::Sender<State>,
    /// The name of the node that the client is connected to, if that is in a cluster.
    node: Mutex<Option<Arc<str>>>,
    /// For a server of an older wire version.
    #[cfg(feature = "legacy")]
    legacy: legacy::LegacyServer,
    /// The id that such a server has given.
    #[cfg(feature = "legacy")]
    registered: Mutex<Option<Arc<str>>>,
    /// Whether `close` was called: nothing is begun any more.
    closing: watch::Sender<bool>,
    rooms: Mutex<rooms::Rooms>,
    /// Within which time the server wants its clients to come back.
    retry_window: Mutex<Option<Duration>>,
    /// The connection on which the server has asked for another.
    asked: Mutex<Option<Session>>,
    panics: AtomicU64,
}

/// Where a client is between its first connect and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not connected, and nobody tries.
    Idle,
    /// Somebody connects for the first time.
    Connecting,
    /// Connected.
    Online(SocketId),
    /// The connection is lost; it will be made again.
    Offline,
    /// Closed for good.
    Closed,
}

impl HasLink for ClientInner {
    fn link(&self) -> &Link {
        &self.link
    }

    fn stream_limits(&self) -> StreamLimits {
        self.limits.streams
    }

    fn report(&self, error: Error) {
        self.report_error(error);
    }

    fn drained(&self) {
        self.lifecycle.drained();
    }

    #[cfg(feature = "legacy")]
    fn check(
        &self,
        event: &str,
        value: ValueRef<'_>,
        target: Option<&Target<'_>>,
    ) -> Result<(), EmitError> {
        self.check_for_wire(event, value, target)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("address", &self.inner.address)
            .field("state", &*self.inner.state.borrow())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client with default settings, to be changed and connected.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Connects. Ready when it returns: authenticated, with an id, and everything may be sent.
    ///
    /// From then on the client reconnects by itself, if it was built to.
    ///
    /// # Errors
    ///
    /// [`ConnectError`]: this first attempt failed, and there will be no other until the next call. Only
    /// when the server hangs up without a word, as one does that is busy with handshakes from this address,
    /// it is tried again for about a second.
    /// [`ConnectError::Closed`]: the client is connected (or connecting) already, or closed.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the attempt is given up.
    pub async fn connect(&self) -> Result<(), ConnectError> {
        self.inner.connect().await
    }

    /// The id of the current session. `None` while there is none.
    #[must_use]
    pub fn id(&self) -> Option<SocketId> {
        match *self.inner.state.borrow() {
            State::Online(id) => Some(id),
            _ => None,
        }
    }

    /// Where others reach the current session: its [id](Self::id), with the name of the server's node if that is
    /// in a cluster. `None` while there is no session.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddress> {
        let id = self.id()?;
        #[cfg(feature = "legacy")]
        if let Some(id) = self.registered_id() {
            return id.parse().ok();
        }
        let node = self.inner.node.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Some(match node {
            Some(node) => SocketAddress::new(node, id).unwrap_or_else(|_| id.into()),
            None => id.into(),
        })
    }

    /// Whether the connection is up.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.id().is_some()
    }

    /// Emits an event to the server. Never waits; `Ok` means queued - for the next connection if
    /// there is none now and the offline queue has room.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: not queued, and why.
    pub fn emit(&self, event: &str, value: impl IntoValue) -> Result<(), EmitError> {
        self.inner.link.emit(&self.inner, Class::Normal, event, &value)
    }

    /// As [`emit`](Self::emit), but dropped (and counted) when the connection does not keep up.
    ///
    /// # Errors
    ///
    /// [`EmitError`]; a drop is no error.
    pub fn emit_volatile(&self, event: &str, value: impl IntoValue) -> Result<(), EmitError> {
        self.inner.link.emit(&self.inner, Class::Volatile, event, &value)
    }

    /// Asks the server; see [`Request`].
    pub fn request<'a, T: FromValue, V: IntoValue>(
        &self,
        event: &'a str,
        value: V,
    ) -> Request<'a, T, V> {
        Request::to_peer(self.inner.clone(), event, value)
    }

    /// Opens a stream to the server, on the connection that is up; see [`StreamWriter`](crate::StreamWriter).
    pub fn stream<'a, V: IntoValue>(&self, event: &'a str, info: V) -> OpenStream<'a, V> {
        let peer = Peer::Link { owner: self.inner.clone(), socket: None };
        OpenStream::new(Ok(peer), event, info)
    }

    /// Addresses the members of a room.
    pub fn to<'a>(&'a self, room: &'a str) -> To<'a> {
        To::nobody(Origin::Client(&self.inner)).to(room)
    }

    /// Addresses the members of several rooms, each socket once. No room is nobody.
    pub fn to_rooms<'a>(&'a self, rooms: impl IntoIterator<Item = &'a str>) -> To<'a> {
        To::nobody(Origin::Client(&self.inner)).to_rooms(rooms)
    }

    /// Addresses all other sockets.
    pub fn broadcast(&self) -> To<'_> {
        To::everyone(Origin::Client(&self.inner))
    }

    /// Addresses another client by its socket's id or address.
    pub fn to_socket(&self, socket: impl Into<SocketAddress>) -> ToSocket<'_> {
        ToSocket::new(Origin::Client(&self.inner), socket.into())
    }

    /// Listens for an event. Several handlers of one event run in the order of their registration;
    /// the first answers requests. They stay across reconnects.
    pub fn on<M>(&self, event: &str, handler: impl Handler<Self, M>) -> HandlerId {
        self.inner.handlers.add(event, handler, false)
    }

    /// As [`on`](Self::on), for one message only.
    pub fn once<M>(&self, event: &str, handler: impl Handler<Self, M>) -> HandlerId {
        self.inner.handlers.add(event, handler, true)
    }

    /// Hears every event that comes in, before its handlers do and whether it has any or not. Does
    /// not answer.
    pub fn on_any(
        &self,
        handler: impl Fn(&Self, &str, Value) + Send + Sync + 'static,
    ) -> HandlerId {
        self.inner.handlers.add_any(Arc::new(handler))
    }

    /// Takes a handler off; whether it was there.
    pub fn off(&self, id: HandlerId) -> bool {
        self.inner.handlers.remove(id)
    }

    /// Takes all handlers of an event off; how many there were.
    pub fn off_event(&self, event: &str) -> usize {
        self.inner.handlers.remove_event(event)
    }

    /// Called when a connection is up, the first and each later one, with the new id. Replaces the
    /// one before, as all `on_*` of a client do. Must not block.
    pub fn on_connect(&self, handler: impl Fn(SocketId) + Send + Sync + 'static) {
        self.inner.lifecycle.set_connect(handler);
    }

    /// Called when the connection has ended, and why.
    pub fn on_disconnect(&self, handler: impl Fn(&DisconnectReason) + Send + Sync + 'static) {
        self.inner.lifecycle.set_disconnect(handler);
    }

    /// Called before each attempt to reconnect: its number from 1, and the delay until it is made.
    pub fn on_reconnecting(&self, handler: impl Fn(u32, Duration) + Send + Sync + 'static) {
        self.inner.lifecycle.set_reconnecting(handler);
    }

    /// Hears of what goes wrong without a caller to tell. Without it, it is logged.
    pub fn on_error(&self, handler: impl Fn(Error) + Send + Sync + 'static) {
        self.inner.lifecycle.set_error(handler);
    }

    /// Called when the server says that it will close the connection, because it goes away or because the
    /// client is to authenticate anew, with the time within which clients are to come back (they do by
    /// themselves). In the latter case the client [reconnects](Self::reconnect) at a random time within the first
    /// half of it: a [new key](Self::set_key) that is set here is in time.
    pub fn on_go_away(&self, handler: impl Fn(Duration) + Send + Sync + 'static) {
        self.inner.lifecycle.set_go_away(handler);
    }

    /// Called when the send queue has been above its soft mark (75 % of its bounds) and is below
    /// again: the producer may go on. [`ready`](Self::ready) waits for the same.
    pub fn on_drain(&self, handler: impl Fn() + Send + Sync + 'static) {
        self.inner.lifecycle.set_drain(handler);
    }

    /// Changes `TCP_NODELAY` of the current connection; later ones have what the builder was told.
    ///
    /// # Errors
    ///
    /// `NotConnected`, or what the operating system says.
    pub fn set_nodelay(&self, on: bool) -> std::io::Result<()> {
        self.inner.link.set_nodelay(on)
    }

    /// Waits until the send queue is below its soft mark (75 % of its bounds): back-pressure for a
    /// producer that can wait. Returns at once if it is.
    ///
    /// # Errors
    ///
    /// [`EmitError::Closed`]: the client is closed.
    ///
    /// # Cancel safety
    ///
    /// Safe: it only waits.
    pub async fn ready(&self) -> Result<(), EmitError> {
        self.inner.link.ready().await
    }

    /// Waits until nothing is queued any more: everything that was emitted before is with the kernel.
    ///
    /// # Errors
    ///
    /// [`EmitError::Closed`]: the connection ended before. What was not written waits for the next one,
    /// within the offline queue, or is lost.
    ///
    /// # Cancel safety
    ///
    /// Safe: it only waits.
    pub async fn flush(&self) -> Result<(), EmitError> {
        self.inner.link.flushed().await
    }

    /// Bytes that wait to be written.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.inner.link.queued_bytes()
    }

    /// What came in, went out and was dropped, over all connections of this client.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.inner.counters()
    }

    /// Writes what is queued (2 s at most), tells the server, closes, and waits until it is done. The
    /// client does not reconnect and cannot be used again.
    ///
    /// # Cancel safety
    ///
    /// Closing begins with the first poll and goes on without the future.
    pub async fn close(&self) {
        let inner = &self.inner;
        inner.closing.send_replace(true);
        inner.link.end(DisconnectReason::Closed, CloseCode::Normal, "");
        let idle = inner.state.send_if_modified(|state| {
            // `connect` may be held by somebody who does not poll it any more.
            let idle = matches!(*state, State::Idle | State::Connecting);
            if idle {
                *state = State::Closed;
            }
            idle
        });
        if idle {
            inner.link.end_requests().await;
        }
        inner.wait_for(|state| state == State::Closed).await;
    }

    /// Waits until the client has no connection and will make none by itself: after
    /// [`close`](Self::close), after the server disconnected it for good, or because it does not (or
    /// no longer) reconnect. In the latter two cases it may be [connected](Self::connect) again.
    ///
    /// # Cancel safety
    ///
    /// Safe: it only waits.
    pub async fn closed(&self) {
        self.inner.wait_for(|state| matches!(state, State::Closed | State::Idle)).await;
    }
}

impl ClientInner {
    async fn wait_for(&self, reached: impl Fn(State) -> bool) {
        let mut state = self.state.subscribe();
        // Not an error: the sender lives as long as `self`.
        drop(state.wait_for(|state| reached(*state)).await);
    }

    fn lock_rooms(&self) -> std::sync::MutexGuard<'_, rooms::Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
