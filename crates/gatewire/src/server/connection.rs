//! From a TCP connection to a socket, and its end.

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

use gatewire_codec::{CloseCode, RejectCode};
use gatewire_core::handshake::{HandshakeError, Refusal};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout_at};

use super::gate::{Evicted, Live, PendingPlace};
use super::side::ServerSide;
use super::{Inner, Socket, SocketInner};
use crate::error::{ConnectError, DisconnectReason};
use crate::net::channel::{Channel, Looked};
use crate::net::driver::{Driver, DriverConfig, Leftover};
use crate::net::handshake::{self, Shaken};
use crate::net::link::Link;
use crate::net::tcp;

/// A refused client should wait this long.
const BUSY_RETRY_S: u16 = 1;

/// The time that a client has to take its refusal, which fits any send buffer.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);

/// A TCP connection that is to become a socket.
pub(super) struct Accepted {
    pub(super) stream: TcpStream,
    pub(super) peer_addr: SocketAddr,
    /// One of the handshakes that may be under way.
    pub(super) place: PendingPlace,
    pub(super) evicted: Evicted,
}

/// A socket's place in the hub, given up however its task ends.
struct Registration {
    /// `None`: given up.
    socket: Option<Socket>,
}

impl Registration {
    /// Takes the socket out of the hub; its account stays open until it is retired.
    fn leave(mut self) -> Option<Socket> {
        self.withdraw()
    }

    fn withdraw(&mut self) -> Option<Socket> {
        let socket = self.socket.take()?;
        let inner = &socket.inner;
        let mut hub = inner.server.hub.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = inner.key() {
            hub.remove(key);
            inner.server.unlist(inner);
        }
        drop(hub);
        Some(socket)
    }
}

impl Drop for Registration {
    /// The handshake broke off at its last frame, or the task ended in a way that none should.
    fn drop(&mut self) {
        if let Some(Socket { inner }) = self.withdraw() {
            inner.link.abandon();
            inner.server.retire(&inner);
        }
    }
}

/// A session that is ready to be driven, with its places.
type Opened = (Live, Registration, Driver<ServerSide>);
/// `None`: there is no session, which is counted.
type Opening = Pin<Box<dyn Future<Output = Option<Opened>> + Send>>;

impl Accepted {
    /// The whole life of the connection, counted.
    pub(super) fn serve(self, server: &Arc<Inner>) -> impl Future<Output = ()> + Send + use<> {
        serve(Box::pin(open(Live::begin(Arc::clone(server)), self)))
    }
}

/// The whole life of one connection.
///
/// The task of an idle connection has room for nothing but its driver: what is needed before and
/// after it is larger, and has memory of its own while it runs.
async fn serve(opening: Opening) {
    let Some((live, registration, mut driver)) = opening.await else { return };
    let reason = driver.run().await;
    Box::pin(end(&live.server, registration, reason, driver.close())).await;
}

/// A connection has ended; its handlers have not, maybe.
async fn end(
    server: &Inner,
    registration: Registration,
    reason: DisconnectReason,
    leftover: Option<Leftover<ServerSide>>,
) {
    let Some(socket) = registration.leave() else { return };
    tracing::debug!(socket = %socket.id(), %reason, "disconnected");
    socket.inner.link.end_requests().await;
    // Still a connection of the server, as far as its limit goes: its messages take memory.
    tokio::join!(tell(server, &socket, reason), finish(leftover));
    server.retire(&socket.inner);
    if let Some(own) = socket.inner.own.get() {
        // A closure that holds its own socket would keep both for ever.
        own.clear();
    }
}

/// A connection has come: it becomes a session or ends.
async fn open(mut live: Live, accepted: Accepted) -> Option<Opened> {
    let Accepted { stream, peer_addr, mut place, mut evicted } = accepted;
    let server = &Arc::clone(&live.server);
    let deadline = Instant::now() + server.limits.handshake_timeout;
    let shaken = {
        // Pinned here and below: a future that is handed on by value is stored once per hand.
        let mut shaking = pin!(shake(server, stream, deadline, &mut place));
        tokio::select! {
            biased;
            _ = &mut evicted => None,
            shaken = server.while_open(shaking.as_mut()) => Some(shaken),
        }
    };
    let Some(shaken) = shaken else {
        tracing::debug!(%peer_addr, "made room for another handshake");
        return None;
    };
    let failed = match shaken.unwrap_or(Err(ConnectError::Closed)) {
        Ok((channel, shaken)) => {
            match begin(&mut live, place, channel, shaken, peer_addr, deadline).await {
                Ok((registration, driver)) => return Some((live, registration, driver)),
                Err(error) => error,
            }
        }
        Err(error) => {
            // Unless it was counted before its answer.
            place.fail(&error);
            error
        }
    };
    if !handshake::is_refusal(&failed) {
        tracing::debug!(%peer_addr, error = %failed, "handshake failed");
    }
    None
}

/// The handshake up to the client's proof.
async fn shake(
    server: &Inner,
    stream: TcpStream,
    deadline: Instant,
    place: &mut PendingPlace,
) -> Result<(Channel, Shaken), ConnectError> {
    tcp::configure(&stream, &server.tcp)?;
    // One timer for both: moving it to later costs nothing.
    let first = (Instant::now() + server.limits.first_byte_timeout).min(deadline);
    let mut limit = pin!(sleep_until(first));
    let mut stream = Looked::new(stream);
    before(limit.as_mut(), pin!(async { Ok(stream.look().await?) })).await?;
    limit.as_mut().reset(deadline);
    let mut stream = before(limit.as_mut(), pin!(server.open_channel(stream))).await?;
    if place.is_turned_away() {
        return before(limit, pin!(handshake::refuse(&mut stream, busy()))).await;
    }
    let listener = server.listener();
    let shaken = before(limit, pin!(handshake::accept(&mut stream, &listener))).await?;
    match shaken {
        Ok(shaken) => Ok((stream, shaken)),
        Err(refusal) => {
            // Counted at once, whatever else comes from there while the answer waits.
            if let Some(delay) = place.fail(&ConnectError::Handshake(refusal.error)) {
                sleep(delay).await;
            }
            let limit = pin!(sleep(ANSWER_LIMIT));
            before(limit, pin!(handshake::refuse(&mut stream, refusal))).await
        }
    }
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

/// The client has proven what it is: it gets its place, and is told.
async fn begin(
    live: &mut Live,
    place: PendingPlace,
    mut channel: Channel,
    (accept, established, leftover): Shaken,
    peer_addr: SocketAddr,
    deadline: Instant,
) -> Result<(Registration, Driver<ServerSide>), ConnectError> {
    let key_id = match place.establish(&established, live) {
        Ok(key_id) => key_id,
        Err(refused) => {
            tracing::debug!(%peer_addr, refused = refused.name(), "refused as busy");
            let told = timeout_at(deadline, handshake::refuse(&mut channel, busy()));
            return told.await.unwrap_or(Err(ConnectError::Timeout));
        }
    };
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
    });
    let socket = Socket { inner };
    // First the socket exists, then the client is told: whoever knows of the one finds the other.
    // What others send in between is queued behind ACCEPT.
    socket.inner.link.prepare();
    let registration = register(server, &socket)?;
    let told = async {
        channel.write_all(&accept).await?;
        // TLS may keep some of it until then.
        channel.flush().await
    };
    timeout_at(deadline, told).await.map_err(|_| ConnectError::Timeout)??;
    let (transport, reader) = channel.into_transport();
    socket.inner.link.attach(Arc::clone(&transport));
    let config = DriverConfig {
        limits: limits.clone(),
        idle_timeout: server.tcp.idle_timeout,
        leftover,
        first: server.lifecycle.connected(&socket),
        paused: false,
    };
    Ok((registration, Driver::new(ServerSide { socket }, (transport, reader), config)))
}

/// Puts the socket into the hub.
fn register(server: &Arc<Inner>, socket: &Socket) -> Result<Registration, ConnectError> {
    let mut hub = server.hub.write().unwrap_or_else(PoisonError::into_inner);
    // 16 random bytes that are taken already: more likely a broken generator than chance.
    let busy = HandshakeError::Rejected { code: RejectCode::Busy, retry_after_s: BUSY_RETRY_S };
    let key = hub
        .insert(socket.inner.id, Arc::clone(&socket.inner))
        .ok_or(ConnectError::Handshake(busy))?;
    let _first = socket.inner.place.set(key);
    drop(hub);
    if !server.is_open() {
        // The server was closed in between and did not see this socket.
        socket.inner.link.end(DisconnectReason::Closed, CloseCode::GoingAway, "");
    }
    server.check_key(&socket.inner);
    Ok(Registration { socket: Some(socket.clone()) })
}

/// Handles what was received before the end.
async fn finish(leftover: Option<Leftover<ServerSide>>) {
    if let Some(leftover) = leftover {
        leftover.finish().await;
    }
}

/// Tells the application. Its panic ends its own future, nothing else.
async fn tell(server: &Inner, socket: &Socket, reason: DisconnectReason) {
    let Some(told) = server.lifecycle.disconnected(socket.clone(), reason) else { return };
    match tokio::spawn(told).await {
        Err(error) if error.is_panic() => {
            server.panics.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%error, "on_disconnect panicked");
        }
        // Done, or the runtime goes down.
        _ => {}
    }
}

#[cfg(test)]
mod tests;
