//! The side that listens.

mod accept;
mod ask;
mod authorize;
mod builder;
#[cfg(feature = "tls")]
mod certificates;
mod channels;
mod connection;
mod fanout;
mod gate;
pub(crate) mod gather;
pub(crate) mod group;
mod hub;
#[cfg(feature = "key-file")]
mod key_file;
mod keys;
#[cfg(feature = "legacy")]
mod legacy;
mod lifecycle;
mod neighbour;
mod opening;
mod permit;
mod shutdown;
mod side;
mod socket;
mod streams;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use crate::admission::AdmissionCounters;
use bytes::{Bytes, BytesMut};
use gatewire_codec::v3::handshake::{Extensions, extension, put_extension};
use gatewire_core::SocketId;
use gatewire_core::handshake::ListenerConfig;
use gatewire_core::hub::Hub;
use gatewire_core::session::Class;
use gatewire_format::{Formats, IntoValue};
use tokio::net::ToSocketAddrs;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::counters::{Counters, Totals};
use crate::error::{DisconnectReason, EmitError, Error};
use crate::handler::{Handler, HandlerId, Handlers};
use crate::limits::{Limits, TcpOptions};
use crate::router::RouterInner;
use crate::stream::OpenFanout;
use crate::to::{Origin, To, ToSocket};
use crate::wire::Wire;
use channels::Channels;
use gate::Gate;
use gatewire_codec::{SocketAddress, Target, Value};
use lifecycle::Lifecycle;
use shutdown::State;

pub(crate) use ask::Questions;
pub use builder::ServerBuilder;
pub(crate) use hub::{RELAY_TIMEOUT, single};
pub(crate) use keys::prolonged;
pub use shutdown::Drain;
pub use socket::Socket;
pub(crate) use socket::SocketInner;
pub(crate) use streams::{MAX_INFO, length};

/// Accepts connections, runs handlers, and moves messages between its sockets.
///
/// A handle: clones are the same server. The server runs until [`close`](Self::close) or
/// [`drain`](Self::drain), also when all handles are gone.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use gatewire::{Server, Socket};
///
/// let server = Server::builder().bind("127.0.0.1:0").await?;
/// server.on("hello", |socket: Socket, name: String| {
///     let _ = socket.join("greeted");
///     format!("hello {name}")          // the answer, if one was asked for
/// });
/// server.to("greeted").emit("news", "somebody came")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Server {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) hub: RwLock<Hub<Arc<SocketInner>>>,
    pub(crate) handlers: Handlers<Socket>,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) formats: Formats,
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) tcp: TcpOptions,
    /// What handshakes go by. Replaced as a whole, with other keys.
    listener: RwLock<Arc<ListenerConfig>>,
    channels: Channels,
    /// Of older wire versions.
    #[cfg(feature = "legacy")]
    pub(crate) legacy: legacy::LegacyPeers,
    /// Asked before what clients do takes effect.
    authorize: Option<authorize::Hook>,
    pub(crate) gate: Gate,
    #[cfg(feature = "tls")]
    certificates: certificates::Certificates,
    #[cfg(feature = "key-file")]
    key_file: key_file::Followed,
    pub(crate) key_reloads_failed: AtomicU64,
    /// How long sessions may go on that their key does not uphold any more.
    reauth_grace: Duration,
    local_addr: OnceLock<SocketAddr>,
    /// The name of this server's node in its cluster, if it is in one.
    node: OnceLock<Arc<str>>,
    /// The same as a handshake tells it.
    extensions: OnceLock<Bytes>,
    /// The router whose clients and neighbours come here.
    router: OnceLock<Arc<RouterInner>>,
    state: watch::Sender<State>,
    /// Connections whose task runs.
    live: watch::Sender<usize>,
    /// Listeners that are open.
    listening: watch::Sender<usize>,
    pub(crate) totals: Mutex<Totals>,
    pub(crate) panics: AtomicU64,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("local_addr", &self.inner.local_addr.get())
            .field("sockets", &self.len())
            .finish_non_exhaustive()
    }
}

impl Server {
    /// A server with default settings, to be changed and bound.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    /// Listens, and accepts connections on a task of the current runtime. A server may listen on
    /// several addresses. The address with its port, which the system chose for port 0.
    ///
    /// # Errors
    ///
    /// The address cannot be resolved or bound, or the server is closed.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it does not listen.
    pub async fn listen(&self, address: impl ToSocketAddrs) -> io::Result<SocketAddr> {
        self.inner.prepare_channels()?;
        self.listen_for(Wire::V3, address).await
    }

    async fn listen_for(&self, wire: Wire, address: impl ToSocketAddrs) -> io::Result<SocketAddr> {
        if !self.inner.is_open() {
            return Err(io::Error::other("the server is closed"));
        }
        let listener = accept::bind(address).await?;
        let local_addr = listener.local_addr()?;
        // The first address stays the one that is told.
        let _ = self.inner.local_addr.set(local_addr);
        let listening = accept::Listening::begin(Arc::clone(&self.inner), listener);
        #[cfg(feature = "key-file")]
        self.inner.follow_key_file();
        tokio::spawn(accept::accept_loop(Arc::clone(&self.inner), listening, wire));
        Ok(local_addr)
    }

    /// The address that the server listens on, the first if there are several.
    ///
    /// # Panics
    ///
    /// Before [`listen`](Self::listen): there is none.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        *self.inner.local_addr.get().expect("the server listens")
    }

    /// Listens for an event of any socket. Several handlers of one event run in the order of their
    /// registration; the first answers requests.
    pub fn on<M>(&self, event: &str, handler: impl Handler<Socket, M>) -> HandlerId {
        self.inner.handlers.add(event, handler, false)
    }

    /// As [`on`](Self::on), for one message only.
    pub fn once<M>(&self, event: &str, handler: impl Handler<Socket, M>) -> HandlerId {
        self.inner.handlers.add(event, handler, true)
    }

    /// Hears every event that is for the server, before its handlers do and whether it has any or
    /// not. Does not answer. What clients publish to others passes it by.
    pub fn on_any(
        &self,
        handler: impl Fn(&Socket, &str, Value) + Send + Sync + 'static,
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

    /// Runs for each socket when it has connected; its messages wait until the future is done.
    /// Replaces the one before.
    pub fn on_connect<F>(&self, handler: impl Fn(Socket) -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.inner.lifecycle.set_connect(handler);
    }

    /// Runs for each socket when it has disconnected and left its rooms. Messages received before may
    /// still be handled then: a disconnect cancels none of them. Replaces the one before.
    pub fn on_disconnect<F>(
        &self,
        handler: impl Fn(Socket, DisconnectReason) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        self.inner.lifecycle.set_disconnect(handler);
    }

    /// Hears of what goes wrong without a caller to tell. Replaces the one before; without one it is
    /// logged.
    pub fn on_error(&self, handler: impl Fn(&Socket, Error) + Send + Sync + 'static) {
        self.inner.lifecycle.set_error(handler);
    }

    /// Called when the send queue of a socket has been above its soft mark (75 % of its bounds) and
    /// is below again: its producer may go on. [`Socket::ready`] waits for the same. Replaces the one
    /// before.
    pub fn on_drain(&self, handler: impl Fn(&Socket) + Send + Sync + 'static) {
        self.inner.lifecycle.set_drain(handler);
    }

    /// Emits an event to all sockets.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: the value could not be encoded. What becomes of a socket that is slow is its
    /// outbox's policy, and counted.
    pub fn emit(&self, event: &str, value: impl IntoValue) -> Result<(), EmitError> {
        self.broadcast().emit(event, value)
    }

    /// Opens a stream to all sockets; see [`FanoutWriter`](crate::FanoutWriter).
    pub fn stream<'a, V: IntoValue>(&'a self, event: &'a str, info: V) -> OpenFanout<'a, V> {
        self.broadcast().stream(event, info)
    }

    /// Addresses all sockets.
    pub fn broadcast(&self) -> To<'_> {
        To::everyone(Origin::Server(&self.inner))
    }

    /// Addresses the members of a room.
    pub fn to<'a>(&'a self, room: &'a str) -> To<'a> {
        To::nobody(Origin::Server(&self.inner)).to(room)
    }

    /// Addresses the members of several rooms, each socket once. No room is nobody.
    pub fn to_rooms<'a>(&'a self, rooms: impl IntoIterator<Item = &'a str>) -> To<'a> {
        To::nobody(Origin::Server(&self.inner)).to_rooms(rooms)
    }

    /// Addresses one socket, by its id or its address.
    pub fn to_socket(&self, socket: impl Into<SocketAddress>) -> ToSocket<'_> {
        ToSocket::new(Origin::Server(&self.inner), socket.into())
    }

    /// The socket with this id.
    #[must_use]
    pub fn socket(&self, id: &SocketId) -> Option<Socket> {
        self.inner.socket(*id)
    }

    /// All sockets, at this moment.
    #[must_use]
    pub fn sockets(&self) -> Vec<Socket> {
        let hub = self.inner.hub.read().unwrap_or_else(PoisonError::into_inner);
        hub.iter().map(|(_, socket)| Socket { inner: Arc::clone(socket) }).collect()
    }

    /// The members of a room, at this moment.
    #[must_use]
    pub fn members(&self, room: &str) -> Vec<Socket> {
        let hub = self.inner.hub.read().unwrap_or_else(PoisonError::into_inner);
        hub.members(room).map(|(_, socket)| Socket { inner: Arc::clone(socket) }).collect()
    }

    /// How many sockets are connected.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.hub.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether no socket is connected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What came in, went out and was dropped, over all connections that there ever were.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.inner.counters()
    }

    /// Who was let in, who was not, and why: one counter for each limit that holds before a session begins.
    #[must_use]
    pub fn admission(&self) -> AdmissionCounters {
        self.inner.gate.counters()
    }

    /// Stops accepting, tells each socket that the server goes away, writes what is queued (2 s at
    /// most), closes all connections and waits until they are closed and their handlers done, 4 s at
    /// most. In a handler, spawn it: it would wait for that handler too.
    ///
    /// # Cancel safety
    ///
    /// Closing has begun when the future is first polled and goes on without it.
    pub async fn close(&self) {
        self.inner.close().await;
    }

    /// Goes away gracefully: stops accepting, asks the clients to reconnect elsewhere within a
    /// window, writes what is queued, and closes the connections in slices over the window.
    ///
    /// # Cancel safety
    ///
    /// The server accepts nothing from the first poll on; dropped, the rest is not closed: call
    /// [`close`](Self::close).
    pub async fn drain(&self, drain: Drain) {
        self.inner.drain(drain).await;
    }
}

impl Inner {
    pub(crate) fn socket(&self, id: SocketId) -> Option<Socket> {
        let hub = self.hub.read().unwrap_or_else(PoisonError::into_inner);
        hub.find(id).map(|(_, socket)| Socket { inner: Arc::clone(socket) })
    }

    /// The socket with this address, if it is one of this server's.
    pub(crate) fn addressed(&self, address: &SocketAddress) -> Option<Socket> {
        let own = address.node().is_none_or(|node| self.node() == Some(node));
        if own { self.socket(address.session()) } else { None }
    }

    /// The name of this server's node in its cluster.
    pub(crate) fn node(&self) -> Option<&str> {
        self.node.get().map(|node| &**node)
    }

    /// What it says of itself in a handshake: the name of its node.
    fn told_name(&self) -> Extensions<'_> {
        self.extensions.get().and_then(|bytes| Extensions::new(bytes).ok()).unwrap_or_default()
    }

    /// Names the node that this server is, once and before it has sockets. `false`: it has a name, or this can be
    /// none.
    pub(crate) fn set_node(&self, name: &str) -> bool {
        let nobody = SocketId::from_bytes([0; 16]);
        if SocketAddress::new(name, nobody).is_err() || self.node.set(name.into()).is_err() {
            return false;
        }
        self.hub.write().unwrap_or_else(PoisonError::into_inner).set_node(name);
        let mut extensions = BytesMut::new();
        let put = put_extension(&mut extensions, extension::SERVER_NAME, name.as_bytes());
        put.is_ok() && self.extensions.set(extensions.freeze()).is_ok()
    }

    /// The address of a session of this server.
    pub(crate) fn address_of(&self, session: SocketId) -> SocketAddress {
        let node = self.node.get().cloned();
        node.and_then(|node| SocketAddress::new(node, session).ok())
            .unwrap_or_else(|| session.into())
    }

    /// Emits an event to a target.
    pub(crate) fn emit(
        &self,
        target: &Target<'_>,
        sender: Option<&SocketInner>,
        class: Class,
        event: &str,
        value: &(impl IntoValue + ?Sized),
    ) -> Result<(), EmitError> {
        crate::net::link::with_scratch(value.uses_scratch(), |scratch| {
            let context = gatewire_format::EncodeContext::new(&self.formats, event, scratch);
            let value = value.to_value(context)?;
            self.publish(target, sender, class, event, value)?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
