//! One attempt to connect.

use std::io;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "legacy")]
use bytes::BytesMut;
use gatewire_codec::v3::handshake::Extensions;
use gatewire_core::Backoff;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::ClientInner;
use super::supervise::Ready;
use crate::entropy::random_u64;
use crate::error::ConnectError;
#[cfg(feature = "legacy")]
use crate::wire::Wire;

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
        #[cfg(feature = "legacy")]
        if self.legacy.wire != Wire::V3 {
            let dialled = timeout(self.limits.handshake_timeout, Box::pin(self.dial_legacy()));
            let (transport, established) = dialled.await.map_err(|_| ConnectError::Timeout)??;
            return Ok(self.go_online(transport, &established, BytesMut::new(), older.take()));
        }
        let dialled = self.credentials.dial(&self.address, &self.tcp, Extensions::NONE);
        let dialled = timeout(self.limits.handshake_timeout, dialled);
        let (stream, established, leftover) =
            dialled.await.map_err(|_| ConnectError::Timeout)??;
        Ok(self.go_online(stream.into_transport(), &established, leftover, older.take()))
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
