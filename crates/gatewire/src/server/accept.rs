//! Connections that come in.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, ToSocketAddrs, lookup_host};
use tokio::time::sleep;

use super::Inner;
use super::gate::{Live, PendingPlace};
use super::opening::Accepted;
use crate::wire::Wire;

/// Delays after a failed accept (out of file descriptors): doubled up to a second.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Connections that wait to be accepted; the system has a bound of its own (4,096 on Linux). When they are too
/// many, it drops what a client sends to connect, and the client tries again after a second.
const BACKLOG: u32 = 1 << 16;

/// Listens on the first address that can be bound.
pub(super) async fn bind(address: impl ToSocketAddrs) -> io::Result<TcpListener> {
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
    for address in lookup_host(address).await? {
        match bind_to(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn bind_to(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // A server that is started anew gets its port, whatever connections of the one before linger. (On Windows
    // it would mean that another may take the port.)
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

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

pub(super) async fn accept_loop(server: Arc<Inner>, listening: Listening, wire: Wire) {
    // `None`: the server was closed.
    let _closed: Option<()> =
        server.while_open(accept_all(&server, &listening.listener, wire)).await;
}

async fn accept_all(server: &Arc<Inner>, listener: &TcpListener, wire: Wire) {
    let mut pause = FIRST_PAUSE;
    loop {
        let (stream, peer_addr) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                server.gate.accept_failed();
                tracing::warn!(%error, "accept failed; pausing {pause:?}");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
        };
        pause = FIRST_PAUSE;
        match PendingPlace::take(server, peer_addr.ip()) {
            Ok((place, evicted)) => {
                let accepted = Accepted { stream: Some(stream), peer_addr, place, evicted, wire };
                tokio::spawn(accepted.open(Live::begin(Arc::clone(server))));
            }
            Err(refused) => tracing::debug!(%peer_addr, refused = refused.name(), "closed at once"),
        }
    }
}
