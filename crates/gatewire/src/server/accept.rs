//! From a TCP connection to a socket, and its end.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

use gatewire_codec::{CloseCode, RejectCode};
use gatewire_core::handshake::{HandshakeError, Refusal};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout_at};

use super::side::ServerSide;
use super::{Inner, Socket, SocketInner};
use crate::error::{ConnectError, DisconnectReason};
use crate::net::channel::{Channel, Looked};
use crate::net::driver::{Driver, DriverConfig, Leftover};
use crate::net::handshake::{self, Shaken};
use crate::net::link::Link;
use crate::net::tcp;

/// Delays after a failed accept (out of file descriptors): doubled up to a second.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A refused client should wait this long.
const BUSY_RETRY_S: u16 = 1;

/// An open listener, counted.
pub(super) struct Listening {
    // Dropped in this order: it is closed before it is no longer counted.
    listener: TcpListener,
    _count: Count,
}

struct Count(Arc<Inner>);

impl Drop for Count {
    fn drop(&mut self) {
        self.0.listening.send_modify(|listening| *listening -= 1);
    }
}

impl Listening {
    pub(super) fn begin(server: Arc<Inner>, listener: TcpListener) -> Self {
        server.listening.send_modify(|listening| *listening += 1);
        Self { listener, _count: Count(server) }
    }
}

pub(super) async fn accept_loop(server: Arc<Inner>, listening: Listening) {
    // `None`: the server was closed.
    let _closed: Option<()> = server.while_open(accept_all(&server, &listening.listener)).await;
}

async fn accept_all(server: &Arc<Inner>, listener: &TcpListener) {
    let handshakes = Arc::new(Semaphore::new(server.limits.max_handshakes));
    let mut pause = FIRST_PAUSE;
    loop {
        match accept(listener, &handshakes).await {
            Ok(accepted) => {
                pause = FIRST_PAUSE;
                let opening = Box::pin(open(Arc::clone(server), accepted));
                tokio::spawn(serve(Live::begin(Arc::clone(server)), opening));
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed; pausing {pause:?}");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

impl Inner {
    fn note_failed(&self, error: &ConnectError) {
        self.handshakes_failed.fetch_add(1, Ordering::Relaxed);
        if !handshake::is_refusal(error) {
            tracing::debug!(%error, "handshake failed");
        }
    }
}

/// A TCP connection that is to become a socket.
struct Accepted {
    stream: TcpStream,
    peer_addr: SocketAddr,
    /// One of the handshakes that may be under way.
    permit: OwnedSemaphorePermit,
}

async fn accept(listener: &TcpListener, handshakes: &Arc<Semaphore>) -> io::Result<Accepted> {
    // The semaphore is never closed.
    let permit = Arc::clone(handshakes).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer_addr) = listener.accept().await?;
    Ok(Accepted { stream, peer_addr, permit })
}

/// Counts a connection as long as its task lives, however that ends.
struct Live(Arc<Inner>);

impl Live {
    fn begin(server: Arc<Inner>) -> Self {
        server.live.send_if_modified(|live| {
            *live += 1;
            // Who waits, waits for the last to end.
            false
        });
        Self(server)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.live.send_if_modified(|live| {
            *live -= 1;
            *live == 0
        });
    }
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

type Opened = Result<(Registration, Driver<ServerSide>), ConnectError>;
type Opening = Pin<Box<dyn Future<Output = Opened> + Send>>;

/// The whole life of one connection.
///
/// The task of an idle connection has room for nothing but its driver: what is needed before and
/// after it is larger, and has memory of its own while it runs.
async fn serve(live: Live, opening: Opening) {
    let server = &live.0;
    let (registration, mut driver) = match opening.await {
        Ok(opened) => opened,
        Err(error) => return server.note_failed(&error),
    };
    let reason = driver.run().await;
    Box::pin(end(server, registration, reason, driver.close())).await;
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

/// Handshake and registration.
async fn open(server: Arc<Inner>, accepted: Accepted) -> Opened {
    let server = &server;
    let Accepted { stream, peer_addr, permit: _permit } = accepted;
    tcp::configure(&stream, &server.tcp)?;
    let limits = &server.limits;
    let deadline = Instant::now() + limits.handshake_timeout;
    // Pinned here and below: a future that is handed on by value is stored once per hand.
    let shaken = server.while_open(pin!(shake(server, stream, deadline))).await;
    let (mut stream, (accept, established, leftover)) = shaken.ok_or(ConnectError::Closed)??;

    // The server's limit holds for both directions.
    let link = Link::new(limits.outbox, limits.max_frame, server.formats.clone(), server.clock);
    let inner = Arc::new(SocketInner {
        link,
        id: established.session_id,
        peer_addr,
        key_id: established.key_id.into(),
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
        stream.write_all(&accept).await?;
        // TLS may keep some of it until then.
        stream.flush().await
    };
    timeout_at(deadline, told).await.map_err(|_| ConnectError::Timeout)??;
    let (transport, reader) = stream.into_transport();
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

/// The handshake up to the client's proof.
async fn shake(
    server: &Inner,
    stream: TcpStream,
    deadline: Instant,
) -> Result<(Channel, Shaken), ConnectError> {
    let limits = &server.limits;
    // One timer for both: moving it to later costs nothing.
    let first = (Instant::now() + limits.first_byte_timeout).min(deadline);
    let mut limit = pin!(sleep_until(first));
    let mut stream = Looked::new(stream);
    before(limit.as_mut(), pin!(async { Ok(stream.look().await?) })).await?;
    limit.as_mut().reset(deadline);
    let mut stream = before(limit.as_mut(), pin!(server.open_channel(stream))).await?;
    if *server.live.borrow() > limits.max_connections {
        let busy = Refusal::with(RejectCode::Busy, BUSY_RETRY_S);
        return before(limit, pin!(handshake::refuse(&mut stream, busy))).await;
    }
    let shaken = before(limit, pin!(handshake::accept(&mut stream, &server.listener()))).await?;
    Ok((stream, shaken))
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
