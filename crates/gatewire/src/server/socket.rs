//! One connected client, as the server sees it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};

use gatewire_codec::{CloseCode, SocketAddress, Value};
use gatewire_core::SocketId;
use gatewire_core::handshake::Grant;
use gatewire_core::hub::{JoinError, SocketKey};
use gatewire_core::permissions::Permissions;
use gatewire_core::session::{Class, StreamLimits};
use gatewire_format::{FromValue, IntoValue};

use super::{Inner, Server};
use crate::error::{DisconnectReason, EmitError, Error};
use crate::handler::{Handler, HandlerId, Handlers};
use crate::net::link::{HasLink, Link};
use crate::request::Request;
use crate::stream::{OpenStream, Peer};
use crate::to::{Origin, To, ToSocket};
use crate::wire::Wire;

/// A handle of one connection of a [`Server`]. Clones are the same socket. After the disconnect it
/// still tells its id, and everything that sends fails.
#[derive(Clone)]
pub struct Socket {
    pub(crate) inner: Arc<SocketInner>,
}

pub(crate) struct SocketInner {
    pub(crate) link: Link,
    pub(crate) id: SocketId,
    pub(crate) peer_addr: SocketAddr,
    /// `None`: the session has no key.
    pub(crate) key_id: Option<Arc<str>>,
    /// What the key gave to the session.
    pub(crate) grant: Arc<Grant>,
    pub(crate) server: Arc<Inner>,
    /// Set when the hub has the socket.
    pub(crate) place: OnceLock<SocketKey>,
    pub(crate) own: OnceLock<Handlers<Socket>>,
    /// How many receivers it waits for that it asked through the server.
    pub(crate) asking: AtomicU32,
}

impl HasLink for SocketInner {
    fn link(&self) -> &Link {
        &self.link
    }

    fn stream_limits(&self) -> StreamLimits {
        self.server.limits.streams
    }

    fn report(&self, error: Error) {
        // The caller holds an `Arc` of this socket; the hub has it as long as it is connected.
        self.server.report(self.id, error);
    }

    fn drained(&self) {
        self.server.drained(self.id);
    }
}

impl SocketInner {
    pub(crate) fn key(&self) -> Option<SocketKey> {
        self.place.get().copied()
    }

    /// Empty without a key.
    pub(super) fn key_id(&self) -> &str {
        self.key_id.as_deref().unwrap_or("")
    }

    pub(crate) fn with_key<R>(&self, f: impl FnOnce(SocketKey) -> R) -> Option<R> {
        self.key().map(f)
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("id", &self.inner.id)
            .field("peer_addr", &self.inner.peer_addr)
            .finish_non_exhaustive()
    }
}

impl PartialEq for Socket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for Socket {}

impl Socket {
    /// The session's id. Another client reaches this one by it.
    #[must_use]
    pub fn id(&self) -> SocketId {
        self.inner.id
    }

    /// Where the socket is reached from: its id, with the name of its server's node if that is in a cluster.
    #[must_use]
    pub fn address(&self) -> SocketAddress {
        self.inner.server.address_of(self.inner.id)
    }

    /// The client's address in its network.
    #[must_use]
    pub fn peer_addr(&self) -> SocketAddr {
        self.inner.peer_addr
    }

    /// The version of the wire that the client speaks.
    #[must_use]
    pub fn wire(&self) -> Wire {
        self.inner.link.wire()
    }

    /// The id of the key that the client proved to know; empty on an open server.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.inner.key_id()
    }

    /// What the client's key permits; without keys everything.
    #[must_use]
    pub fn permissions(&self) -> &Permissions {
        &self.inner.grant.permissions
    }

    /// The socket's server.
    #[must_use]
    pub fn server(&self) -> Server {
        Server { inner: Arc::clone(&self.inner.server) }
    }

    /// Emits an event to this client. Never waits; `Ok` means queued.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: not queued, and why. At the bound of the queue the policy of
    /// [`Limits::outbox`](crate::Limits) applies.
    pub fn emit(&self, event: &str, value: impl IntoValue) -> Result<(), EmitError> {
        self.inner.link.emit(&self.inner, Class::Normal, event, &value)
    }

    /// As [`emit`](Self::emit), but dropped (and counted) when the client does not keep up.
    ///
    /// # Errors
    ///
    /// [`EmitError`]; a drop is no error.
    pub fn emit_volatile(&self, event: &str, value: impl IntoValue) -> Result<(), EmitError> {
        self.inner.link.emit(&self.inner, Class::Volatile, event, &value)
    }

    /// Asks this client; see [`Request`].
    pub fn request<'a, T: FromValue, V: IntoValue>(
        &self,
        event: &'a str,
        value: V,
    ) -> Request<'a, T, V> {
        Request::to_peer(self.inner.clone(), event, value)
    }

    /// Opens a stream to this client; see [`StreamWriter`](crate::StreamWriter).
    pub fn stream<'a, V: IntoValue>(&self, event: &'a str, info: V) -> OpenStream<'a, V> {
        let peer = Peer::Link { owner: self.inner.clone(), socket: None };
        OpenStream::new(Ok(peer), event, info)
    }

    /// Puts the socket into a room. `false`: it was in it already.
    ///
    /// # Errors
    ///
    /// [`JoinError`]: bad name, too many rooms, or the socket is gone.
    pub fn join(&self, room: &str) -> Result<bool, JoinError> {
        let key = self.inner.key().ok_or(JoinError::NoSuchSocket)?;
        // The place may belong to another socket by now.
        self.inner.server.change_rooms(|hub| match hub.handle(key) {
            Some(found) if Arc::ptr_eq(found, &self.inner) => hub.join(key, room),
            _ => Err(JoinError::NoSuchSocket),
        })
    }

    /// Takes the socket out of a room. `false`: it was not in it.
    pub fn leave(&self, room: &str) -> bool {
        self.in_hub(|hub, key| hub.leave(key, room)).unwrap_or(false)
    }

    /// Takes the socket out of all its rooms.
    pub fn leave_all(&self) {
        self.in_hub(gatewire_core::hub::Hub::leave_all);
    }

    /// The rooms that the socket is in.
    #[must_use]
    pub fn rooms(&self) -> Vec<String> {
        self.in_hub(|hub, key| hub.rooms_of(key).map(str::to_owned).collect()).unwrap_or_default()
    }

    fn in_hub<R>(
        &self,
        f: impl FnOnce(&mut gatewire_core::hub::Hub<Arc<SocketInner>>, SocketKey) -> R,
    ) -> Option<R> {
        let key = self.inner.key()?;
        self.inner.server.change_rooms(|hub| match hub.handle(key) {
            Some(found) if Arc::ptr_eq(found, &self.inner) => Some(f(hub, key)),
            _ => None,
        })
    }

    /// Addresses the members of a room, without this socket unless
    /// [`include_self`](To::include_self).
    pub fn to<'a>(&'a self, room: &'a str) -> To<'a> {
        To::nobody(Origin::Socket(self)).to(room)
    }

    /// Addresses the members of several rooms, each socket once. No room is nobody.
    pub fn to_rooms<'a>(&'a self, rooms: impl IntoIterator<Item = &'a str>) -> To<'a> {
        To::nobody(Origin::Socket(self)).to_rooms(rooms)
    }

    /// Addresses all other sockets.
    pub fn broadcast(&self) -> To<'_> {
        To::everyone(Origin::Socket(self))
    }

    /// Addresses one socket: of this node by its id, of any node of the cluster by its address.
    pub fn to_socket(&self, socket: impl Into<SocketAddress>) -> ToSocket<'_> {
        ToSocket::new(Origin::Socket(self), socket.into())
    }

    /// Listens for an event of this socket only, before the server's handlers do. Register in
    /// [`Server::on_connect`], so that no message comes before.
    pub fn on<M>(&self, event: &str, handler: impl Handler<Self, M>) -> HandlerId {
        self.own_handlers().add(event, handler, false)
    }

    /// As [`on`](Self::on), for one message only.
    pub fn once<M>(&self, event: &str, handler: impl Handler<Self, M>) -> HandlerId {
        self.own_handlers().add(event, handler, true)
    }

    /// Hears every event of this socket.
    pub fn on_any(
        &self,
        handler: impl Fn(&Self, &str, Value) + Send + Sync + 'static,
    ) -> HandlerId {
        self.own_handlers().add_any(Arc::new(handler))
    }

    /// Takes a handler of this socket off; whether it was there.
    pub fn off(&self, id: HandlerId) -> bool {
        self.own_handlers().remove(id)
    }

    fn own_handlers(&self) -> &Handlers<Self> {
        self.inner.own.get_or_init(Handlers::new)
    }

    /// Closes the connection. What is queued is still written; the client does not reconnect by itself.
    pub fn disconnect(&self) {
        self.inner.link.end(DisconnectReason::Closed, CloseCode::Kicked, "");
    }

    /// Waits until the send queue is below its soft mark (75 % of its bounds): back-pressure for a
    /// producer that can wait.
    ///
    /// # Errors
    ///
    /// [`EmitError::Closed`]: the connection has ended.
    ///
    /// # Cancel safety
    ///
    /// Safe: it only waits.
    pub async fn ready(&self) -> Result<(), EmitError> {
        self.inner.link.ready().await
    }

    /// Changes `TCP_NODELAY` of this connection.
    ///
    /// # Errors
    ///
    /// `NotConnected`, or what the operating system says.
    pub fn set_nodelay(&self, on: bool) -> std::io::Result<()> {
        self.inner.link.set_nodelay(on)
    }

    /// Bytes that wait to be written to this client.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.inner.link.queued_bytes()
    }

    /// Whether the connection is up.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.in_hub(|_, _| ()).is_some()
    }
}
