//! From a TCP connection to a socket.
//!
//! A handshake has a task of its own, since there may be many that never end well: it holds little while it
//! waits for the first byte, and the session that comes of it has another.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::BytesMut;
use gatewire_codec::RejectCode;
use gatewire_codec::v3::handshake::Role;
use gatewire_core::handshake::{HandshakeError, Refusal};
#[cfg(feature = "legacy")]
use gatewire_legacy::downlink::longest_near_frame;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout, timeout_at};

use super::connection::{Registration, register, serve};
use super::gate::{Evicted, Live, PendingPlace};
#[cfg(feature = "legacy")]
use super::legacy;
use super::side::ServerSide;
use super::{Inner, Socket, SocketInner, neighbour};
use crate::error::ConnectError;
use crate::limits::Limits;
use crate::net::channel::{Channel, Looked};
use crate::net::driver::{Driver, DriverConfig};
use crate::net::handshake::{self, Shaken};
use crate::net::link::Link;
use crate::net::transport::{Transport, TransportReader};
use crate::wire::Wire;

/// A refused client should wait this long.
const BUSY_RETRY_S: u16 = 1;

/// The time that a client has to take its refusal, which fits any send buffer.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);

/// A TCP connection that is to become a socket.
pub(super) struct Accepted {
    /// `None`: it is being opened.
    pub(super) stream: Option<TcpStream>,
    pub(super) peer_addr: SocketAddr,
    /// One of the handshakes that may be under way.
    pub(super) place: PendingPlace,
    pub(super) evicted: Evicted,
    /// What its listener is for.
    pub(super) wire: Wire,
}

impl Accepted {
    /// Becomes a session, which has a task of its own, or comes to nothing.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` would have room for its arguments twice"
    )]
    pub(super) fn open(mut self, live: Live) -> impl Future<Output = ()> + Send {
        async move {
            let deadline = Instant::now() + live.server.limits.handshake_timeout;
            let shaken = {
                let server = &live.server;
                // Pinned here and below: a future that is handed on by value is stored once per hand.
                let stream = self.stream.take().expect("a connection is opened once");
                let mut shaking = pin!(shake(server, self.wire, stream, &mut self.place, deadline));
                tokio::select! {
                    biased;
                    _ = &mut self.evicted => None,
                    shaken = server.while_open(shaking.as_mut()) => Some(shaken),
                }
            };
            let Some(shaken) = shaken else {
                tracing::debug!(peer_addr = %self.peer_addr, "made room for another handshake");
                return;
            };
            let failed = match shaken.unwrap_or(Err(ConnectError::Closed)) {
                Ok(proven) => {
                    let beginning = begin(live, self.place, *proven, self.peer_addr, deadline);
                    let begun = Box::pin(beginning).await;
                    let Err(error) = begun else { return };
                    error
                }
                Err(error) => {
                    // Unless it was counted before its answer.
                    self.place.fail(&error);
                    error
                }
            };
            if !handshake::is_refusal(&failed) {
                tracing::debug!(peer_addr = %self.peer_addr, error = %failed, "handshake failed");
            }
        }
    }
}

/// A client that has proven what it is, and what it said.
pub(super) struct Proven {
    pub(super) channel: Channel,
    pub(super) shaken: Shaken,
    /// It speaks an older version.
    #[cfg(feature = "legacy")]
    pub(super) legacy: Option<legacy::LegacyPeer>,
}

/// The handshake up to the client's proof.
///
/// Whoever waits here may be one of a thousand that will never say more. So there is little room: what comes
/// after the first byte, and what comes after HELLO, has memory of its own when it is there.
async fn shake(
    server: &Inner,
    wire: Wire,
    tcp: TcpStream,
    place: &mut PendingPlace,
    deadline: Instant,
) -> Result<Box<Proven>, ConnectError> {
    // One timer for both: moving it to later costs nothing.
    let first = (Instant::now() + server.limits.first_byte_timeout).min(deadline);
    let mut limit = pin!(sleep_until(first));
    #[cfg(feature = "legacy")]
    let waits = wire == Wire::V3 && !server.legacy.on_v3;
    #[cfg(not(feature = "legacy"))]
    let waits = true;
    if waits {
        before(limit.as_mut(), pin!(first_byte(&tcp))).await?;
    }
    limit.as_mut().reset(deadline);
    let proving = before(limit, Box::pin(prove(server, wire, tcp, place)).as_mut()).await?;
    match proving {
        Ok(proven) => Ok(proven),
        Err(refused) => Box::pin(refuse_late(*refused, place)).await,
    }
}

/// Waits until there is something to read, or the end. (`TcpStream::readable` may be early, and that is no matter
/// for who reads then; and as a future it is larger.)
pub(super) fn first_byte(tcp: &TcpStream) -> impl Future<Output = Result<(), ConnectError>> {
    poll_fn(|context| {
        let peeked = tcp.poll_peek(context, &mut ReadBuf::new(&mut [0]));
        peeked.map(|peeked| Ok(peeked.map(drop)?))
    })
}

/// A client that is refused, and why.
pub(super) type Refused = (Channel, Refusal);

/// From the first byte to the client's proof.
async fn prove(
    server: &Inner,
    wire: Wire,
    tcp: TcpStream,
    place: &mut PendingPlace,
) -> Result<Result<Box<Proven>, Box<Refused>>, ConnectError> {
    let (wire, stream) = match wire {
        #[cfg(feature = "legacy")]
        Wire::V3 if server.legacy.on_v3 => legacy::recognise(tcp).await?,
        wire => (wire, Looked::new(tcp)),
    };
    #[cfg(feature = "legacy")]
    if wire != Wire::V3 {
        return Box::pin(legacy::prove(server, wire, stream, place)).await;
    }
    #[cfg(not(feature = "legacy"))]
    debug_assert_eq!(wire, Wire::V3);
    stream.configure(&server.tcp)?;
    let mut channel = server.open_channel(stream).await?;
    if place.is_turned_away() {
        return Ok(Err(Box::new((channel, busy()))));
    }
    let shaken = handshake::accept(&mut channel, &server.listener(), server.told_name()).await?;
    Ok(match shaken {
        Ok(shaken) => Ok(Box::new(Proven {
            channel,
            shaken,
            #[cfg(feature = "legacy")]
            legacy: None,
        })),
        Err(refusal) => Err(Box::new((channel, refusal))),
    })
}

/// Tells a client that it is refused, when it may be told.
async fn refuse_late<T>(
    (mut channel, refusal): Refused,
    place: &mut PendingPlace,
) -> Result<T, ConnectError> {
    // Counted at once, whatever else comes from there while the answer waits.
    if let Some(delay) = place.fail(&ConnectError::Handshake(refusal.error)) {
        sleep(delay).await;
    }
    let told = timeout(ANSWER_LIMIT, handshake::refuse(&mut channel, refusal));
    told.await.unwrap_or(Err(ConnectError::Timeout))
}

/// Runs a step of the handshake until its time is over.
async fn before<T>(
    limit: Pin<&mut Sleep>,
    step: Pin<&mut impl Future<Output = Result<T, ConnectError>>>,
) -> Result<T, ConnectError> {
    tokio::select! {
        biased;
        result = step => result,
        () = limit => Err(ConnectError::Timeout),
    }
}

fn busy() -> Refusal {
    Refusal::with(RejectCode::Busy, BUSY_RETRY_S)
}

/// The client has proven what it is: it gets its place, is told, and its session begins.
async fn begin(
    mut live: Live,
    place: PendingPlace,
    proven: Proven,
    peer_addr: SocketAddr,
    deadline: Instant,
) -> Result<(), ConnectError> {
    let Proven { mut channel, shaken: (accept, established, leftover), .. } = proven;
    #[cfg(feature = "legacy")]
    let older = proven.legacy;
    let key_id = match place.establish(&established, &mut live) {
        Ok(key_id) => key_id,
        Err(refused) => {
            tracing::debug!(%peer_addr, refused = refused.name(), "refused as busy");
            #[cfg(feature = "legacy")]
            let busy = older.map_or_else(busy, |peer| legacy::busy(peer.wire()));
            #[cfg(not(feature = "legacy"))]
            let busy = busy();
            let told = timeout_at(deadline, handshake::refuse(&mut channel, busy));
            return told.await.unwrap_or(Err(ConnectError::Timeout));
        }
    };
    #[cfg(feature = "legacy")]
    let older = match older {
        Some(peer) if peer.router().is_some() => {
            let shaken = (peer, established, leftover);
            return legacy::begin_router(live, channel, shaken, deadline).await;
        }
        older => older,
    };
    if established.role == Role::Router {
        let shaken = (accept, established, leftover);
        return neighbour::begin(live, channel, shaken, deadline).await;
    }
    let server = &live.server;
    let limits = &server.limits;
    // The server's limit holds for both directions.
    let link = Link::new(limits.outbox, limits.max_frame, server.formats.clone(), server.clock);
    let inner = Arc::new(SocketInner {
        link,
        id: established.session_id,
        peer_addr,
        key_id,
        grant: established.grant,
        server: Arc::clone(server),
        place: OnceLock::new(),
        own: OnceLock::new(),
        asking: AtomicU32::new(0),
    });
    let socket = Socket { inner };
    #[cfg(feature = "legacy")]
    if let Some(peer) = &older {
        socket.inner.link.set_wire(peer.wire());
    }
    // First the socket exists, then the client is told: whoever knows of the one finds the other.
    // What others send in between is queued behind ACCEPT.
    socket.inner.link.prepare();
    // 16 random bytes that are taken already: more likely a broken generator than chance.
    let taken = HandshakeError::Rejected { code: RejectCode::Busy, retry_after_s: BUSY_RETRY_S };
    let registration = register(server, &socket).ok_or(ConnectError::Handshake(taken))?;
    #[cfg(feature = "legacy")]
    let (accept, translator) = match &older {
        Some(peer) => {
            let (frame, translator) = peer.welcome(server, socket.id());
            (frame, Some(translator))
        }
        None => (accept, None),
    };
    let told = channel.send(&accept);
    timeout_at(deadline, told).await.map_err(|_| ConnectError::Timeout)??;
    #[cfg(feature = "legacy")]
    if let Some(translator) = translator {
        let legacy = legacy::transport(server, translator, &leftover);
        let transport = channel.into_legacy(legacy);
        start(live, socket, registration, transport, BytesMut::new());
        return Ok(());
    }
    let transport = channel.into_transport();
    start(live, socket, registration, transport, leftover);
    Ok(())
}

/// The session begins.
fn start(
    live: Live,
    socket: Socket,
    registration: Registration,
    (transport, reader): (Arc<Transport>, TransportReader),
    leftover: BytesMut,
) {
    let server = &live.server;
    socket.inner.link.attach(Arc::clone(&transport));
    let config = DriverConfig {
        limits: limits_of(&socket),
        idle_timeout: server.tcp.idle_timeout,
        leftover,
        first: server.lifecycle.connected(&socket),
        paused: false,
    };
    let driver = Driver::new(ServerSide { socket }, (transport, reader), config);
    tokio::spawn(serve(live, registration, driver));
}

/// The limits of a socket's session. What older peers say may be longer when it is translated.
fn limits_of(socket: &Socket) -> Limits {
    let limits = socket.inner.server.limits.clone();
    #[cfg(feature = "legacy")]
    if socket.inner.link.wire() != Wire::V3 {
        let max_frame = longest_near_frame(limits.max_frame);
        return Limits { max_frame, ..limits };
    }
    limits
}
