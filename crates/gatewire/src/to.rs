//! Whom a message is for.

use std::sync::Arc;
use std::time::Duration;

use gatewire_codec::{Names, SocketAddress, Target};
use gatewire_core::session::Class;
use gatewire_format::{FromValue, IntoValue};

use crate::client::ClientInner;
use crate::error::{EmitError, RequestError};
use crate::net::link::HasLink;
use crate::request::{Request, ToNode};
use crate::room::RoomRequest;
use crate::router::{RouterInner, flow_of_socket};
use crate::server::{Inner, Socket};
use crate::stream::{
    FanoutWriter, OpenFanout, OpenStream, Peer, Readers, StreamError, open_through,
};

/// How long a client waits for the report of a stream to many: for longer than its server takes, which ends
/// each receiver that does not take 64 KiB in 5 s or answer in 60 s.
const REPORT_TIMEOUT: Duration = Duration::from_secs(2 * 60 * 60);

/// Who sends.
#[derive(Clone, Copy)]
pub(crate) enum Origin<'a> {
    Server(&'a Arc<Inner>),
    Socket(&'a Socket),
    Client(&'a Arc<ClientInner>),
    Router(&'a Arc<RouterInner>),
}

/// The receivers of a message: rooms, sockets, or everyone, less some exceptions.
///
/// The receivers are the union of all that is addressed; a socket that is addressed several times
/// receives once. Then the exceptions are taken away. The sender itself receives only with
/// [`include_self`](Self::include_self), or if it is addressed by its id. Rooms and sockets that do
/// not exist are nobody.
///
/// "The members of a room" are those that the server knows when it handles the message.
#[derive(Clone)]
#[must_use = "nothing is sent until `emit`"]
pub struct To<'a> {
    origin: Origin<'a>,
    everyone: bool,
    rooms: Vec<&'a str>,
    sockets: Vec<String>,
    except_rooms: Vec<&'a str>,
    except_sockets: Vec<String>,
    include_self: bool,
}

impl std::fmt::Debug for To<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.target().fmt(f)
    }
}

impl<'a> To<'a> {
    pub(crate) fn nobody(origin: Origin<'a>) -> Self {
        Self {
            origin,
            everyone: false,
            rooms: Vec::new(),
            sockets: Vec::new(),
            except_rooms: Vec::new(),
            except_sockets: Vec::new(),
            include_self: false,
        }
    }

    pub(crate) fn everyone(origin: Origin<'a>) -> Self {
        Self { everyone: true, ..Self::nobody(origin) }
    }

    /// Also the members of this room.
    pub fn to(mut self, room: &'a str) -> Self {
        self.rooms.push(room);
        self
    }

    /// Also the members of these rooms.
    pub fn to_rooms(mut self, rooms: impl IntoIterator<Item = &'a str>) -> Self {
        self.rooms.extend(rooms);
        self
    }

    /// Also this socket, by its id or its address.
    pub fn to_socket(mut self, socket: impl Into<SocketAddress>) -> Self {
        self.sockets.push(socket.into().to_string());
        self
    }

    /// Also this socket, by the id that a server of wire version 1 or 2 has given it: see
    /// [`Client::registered_id`](crate::Client::registered_id). On a connection of version 3 it is nobody, unless it
    /// reads as an address.
    #[cfg(feature = "legacy")]
    pub fn to_id(mut self, id: impl Into<String>) -> Self {
        self.sockets.push(id.into());
        self
    }

    /// Not this socket, named by its id or its address.
    pub fn except(mut self, socket: impl Into<SocketAddress>) -> Self {
        self.except_sockets.push(socket.into().to_string());
        self
    }

    /// Not the members of this room.
    pub fn except_room(mut self, room: &'a str) -> Self {
        self.except_rooms.push(room);
        self
    }

    /// Also the sender, if it is among the addressed.
    pub fn include_self(mut self) -> Self {
        self.include_self = true;
        self
    }

    pub(crate) fn origin(&self) -> Origin<'a> {
        self.origin
    }

    /// As a client names many to its server. To one socket by its id and nobody else, the server would tell of
    /// its answer alone. A socket that is addressed by its id is one also if it is the sender, so that this
    /// changes nothing else.
    pub(crate) fn target_of_many(&self) -> Target<'_> {
        let target = self.target();
        let lone = Target { sockets: target.sockets, ..Target::default() };
        let one = self.sockets.len() == 1 && target == lone;
        Target { include_self: target.include_self || one, ..target }
    }

    pub(crate) fn target(&self) -> Target<'_> {
        Target {
            everyone: self.everyone,
            rooms: Names::from_slice(&self.rooms),
            sockets: Names::from_strings(&self.sockets),
            except_rooms: Names::from_slice(&self.except_rooms),
            except_sockets: Names::from_strings(&self.except_sockets),
            include_self: self.include_self,
        }
    }

    /// Emits an event. Never waits; at most once per receiver, in order per sender and receiver.
    ///
    /// # Errors
    ///
    /// [`EmitError`]: nothing was sent. What becomes of a slow receiver is the policy of its queue.
    pub fn emit(&self, event: &str, value: impl IntoValue) -> Result<(), EmitError> {
        self.send(Class::Normal, event, &value)
    }

    /// As [`emit`](Self::emit), but dropped (and counted) for receivers that do not keep up. From a
    /// client the message is dropped if its own connection does not keep up.
    ///
    /// # Errors
    ///
    /// As [`emit`](Self::emit); a drop is no error.
    pub fn emit_volatile(&self, event: &str, value: impl IntoValue) -> Result<(), EmitError> {
        self.send(Class::Volatile, event, &value)
    }

    /// Asks all who are addressed at this moment; see [`RoomRequest`].
    pub fn request<T: FromValue, V: IntoValue>(
        self,
        event: &'a str,
        value: V,
    ) -> RoomRequest<'a, T, V> {
        RoomRequest::new(self, event, value)
    }

    /// Opens a stream to all who are addressed at this moment; see [`FanoutWriter`].
    pub fn stream<V: IntoValue>(self, event: &'a str, info: V) -> OpenFanout<'a, V> {
        OpenFanout::new(self, event, info)
    }

    pub(crate) fn open_stream(
        &self,
        event: &str,
        info: &impl IntoValue,
    ) -> Result<FanoutWriter, StreamError> {
        let target = self.target();
        match self.origin {
            Origin::Server(server) => server.open_fanout(&target, None, event, info),
            Origin::Socket(socket) => {
                let inner = &socket.inner;
                inner.server.open_fanout(&target, Some(inner), event, info)
            }
            Origin::Router(router) => router.open_fanout(&target, event, info),
            Origin::Client(client) => {
                let client = Arc::clone(client);
                let many = Readers::Many;
                let target = self.target_of_many();
                let writer =
                    open_through(client, (many, true), Some(target), event, info, REPORT_TIMEOUT)?;
                Ok(FanoutWriter::there(writer))
            }
        }
    }

    fn send(&self, class: Class, event: &str, value: &impl IntoValue) -> Result<(), EmitError> {
        let target = self.target();
        match self.origin {
            Origin::Server(server) => server.emit(&target, None, class, event, value),
            Origin::Socket(socket) => {
                let inner = &socket.inner;
                inner.server.emit(&target, Some(inner), class, event, value)
            }
            Origin::Router(router) => router.emit(&target, class, event, value),
            Origin::Client(client) => client.link.with_value(event, value, |value| {
                client.check(event, value, Some(&target))?;
                client
                    .link
                    .command(client, |outbound| outbound.publish(class, target, event, value))
            }),
        }
    }
}

/// Where a socket is.
enum Found {
    Here(Socket),
    There(ToNode),
}

/// One socket, addressed by its id or its [address](SocketAddress).
#[derive(Clone)]
#[must_use = "nothing is sent until `emit` or `request`"]
pub struct ToSocket<'a> {
    origin: Origin<'a>,
    socket: SocketAddress,
}

impl std::fmt::Debug for ToSocket<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ToSocket").field(&self.socket).finish()
    }
}

impl<'a> ToSocket<'a> {
    pub(crate) fn new(origin: Origin<'a>, socket: SocketAddress) -> Self {
        Self { origin, socket }
    }

    /// Emits an event to the socket; an id that does not exist is nobody.
    ///
    /// # Errors
    ///
    /// As [`To::emit`].
    pub fn emit(&self, event: &str, value: impl IntoValue) -> Result<(), EmitError> {
        self.and().emit(event, value)
    }

    /// As [`To::emit_volatile`].
    ///
    /// # Errors
    ///
    /// As [`To::emit`].
    pub fn emit_volatile(&self, event: &str, value: impl IntoValue) -> Result<(), EmitError> {
        self.and().emit_volatile(event, value)
    }

    /// Asks the socket, through the server if this is a client; see [`Request`]. An id that does not
    /// exist is [`RequestError::NoSuchSocket`].
    pub fn request<'e, T: FromValue, V: IntoValue>(
        &self,
        event: &'e str,
        value: V,
    ) -> Request<'e, T, V> {
        if let Origin::Client(client) = self.origin {
            return Request::through(client.clone(), self.socket.clone(), event, value);
        }
        match self.find() {
            Ok(Found::Here(socket)) => Request::to_peer(socket.inner, event, value),
            Ok(Found::There(to)) => Request::across(to, event, value),
            Err(error) => Request::failed(error, event, value),
        }
    }

    /// The socket, looked for from this process.
    fn find(&self) -> Result<Found, RequestError> {
        let address = &self.socket;
        let (server, sender) = match self.origin {
            Origin::Server(server) => (Some(server), None),
            Origin::Socket(socket) => (Some(&socket.inner.server), Some(&*socket.inner)),
            Origin::Router(_) | Origin::Client(_) => (None, None),
        };
        let router = match self.origin {
            Origin::Router(router) => Some(router),
            _ => server.and_then(|server| server.router()),
        };
        let here = match (server, router) {
            (Some(server), _) => server.find_here(address),
            (None, Some(router)) => router.find(address),
            (None, None) => None,
        };
        if let Some(socket) = here {
            return Ok(Found::Here(socket));
        }
        let router = router.filter(|router| router.other_node(address).is_some());
        let router = router.ok_or(RequestError::NoSuchSocket)?;
        let formats = match server {
            Some(server) => server.formats.clone(),
            None => router.formats().clone(),
        };
        let (router, address) = (Arc::clone(router), address.clone());
        Ok(Found::There(ToNode { router, address, flow: flow_of_socket(sender), formats }))
    }

    /// Opens a stream to the socket, through the server if this is a client; see
    /// [`StreamWriter`](crate::StreamWriter). An id that does not exist is [`RequestError::NoSuchSocket`].
    pub fn stream<'e, V: IntoValue>(&self, event: &'e str, info: V) -> OpenStream<'e, V> {
        if let Origin::Client(client) = self.origin {
            let peer = Peer::Link { owner: client.clone(), socket: Some(self.socket.clone()) };
            return OpenStream::new(Ok(peer), event, info);
        }
        let peer = self.find().map(|found| match found {
            Found::Here(socket) => Peer::Link { owner: socket.inner, socket: None },
            Found::There(to) => Peer::Node(to),
        });
        OpenStream::new(peer, event, info)
    }

    /// This socket, and others to be named.
    pub fn and(&self) -> To<'a> {
        To::nobody(self.origin).to_socket(&self.socket)
    }
}
