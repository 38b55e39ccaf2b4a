//! One attempt to connect.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use gatewire_core::Backoff;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::ClientInner;
use super::supervise::Ready;
use crate::entropy::random_u64;
use crate::error::ConnectError;
use crate::net::channel::{Channel, Looked};
use crate::net::{handshake, tcp};

/// How often a first connection is tried again when the server hangs up without a word, as one does that has
/// as many handshakes from this address under way as it takes (32): with many clients at once in one
/// process, or behind one router. Handshakes are short, so a place is free soon; all tries together wait
/// for 0.6 s on average.
const TRIES_WHEN_HUNG_UP: u32 = 6;
const WAIT_WHEN_HUNG_UP: Backoff =
    Backoff::FullJitter { first: Duration::from_millis(20), longest: Duration::from_millis(640) };

impl ClientInner {
    /// The attempt of a client that was not connected before: there is no back-off that would try again.
    pub(super) async fn dial_first(self: &Arc<Self>) -> Result<Ready, ConnectError> {
        for attempt in 0..TRIES_WHEN_HUNG_UP {
            match self.dial(&mut None).await {
                Err(error) if is_hung_up(&error) => {
                    tracing::debug!(%error, "the server hung up on the handshake");
                    sleep(WAIT_WHEN_HUNG_UP.delay(attempt, random_u64())).await;
                }
                dialled => return dialled,
            }
        }
        self.dial(&mut None).await
    }

    /// One attempt: TCP, handshake, and the session takes over what waits in the queue.
    pub(super) async fn dial(
        self: &Arc<Self>,
        older: &mut Option<JoinHandle<()>>,
    ) -> Result<Ready, ConnectError> {
        let dialled = timeout(self.limits.handshake_timeout, async {
            let stream = TcpStream::connect(&self.address).await?;
            tcp::configure(&stream, &self.tcp)?;
            // One look at the key: it may be replaced at any time.
            let dialler = self.credentials.dialler();
            let mut stream = self.open_channel(Looked::new(stream), dialler.key.is_some()).await?;
            let (established, leftover) = handshake::dial(&mut stream, dialler).await?;
            Ok::<_, ConnectError>((stream, established, leftover))
        });
        let (stream, established, leftover) =
            dialled.await.map_err(|_| ConnectError::Timeout)??;
        Ok(self.go_online(stream, &established, leftover, older.take()))
    }

    /// Shakes hands for TLS, if the client speaks it.
    #[cfg(feature = "tls")]
    async fn open_channel(&self, stream: Looked, has_key: bool) -> Result<Channel, ConnectError> {
        match self.credentials.connector(has_key) {
            None => Ok(Channel::Plain(stream)),
            Some(Err(error)) => Err(ConnectError::Tls(error)),
            Some(Ok(connector)) => Channel::connect(stream, &connector, &self.address).await,
        }
    }

    #[cfg(not(feature = "tls"))]
    async fn open_channel(&self, stream: Looked, _has_key: bool) -> Result<Channel, ConnectError> {
        Ok(Channel::Plain(stream))
    }
}

/// Whether the peer ended the connection within the handshake, and said nothing.
fn is_hung_up(error: &ConnectError) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error {
        ConnectError::Io(error) => {
            matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
        }
        #[cfg(feature = "tls")]
        ConnectError::Tls(error) => *error == crate::tls::TlsError::HungUp,
        _ => false,
    }
}
