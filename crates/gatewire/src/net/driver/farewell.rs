//! The last words on a connection.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use gatewire_codec::CloseCode;
use gatewire_core::Time;
use gatewire_core::session::OutboxLimits;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::task::yield_now;
use tokio::time::timeout;

use super::{Driver, Phase};
use crate::net::link::LinkOutbound;
use crate::net::side::Side;
use crate::net::transport::TransportReader;

/// How long the peer may take to see our end.
pub(super) const LINGER: Duration = Duration::from_secs(1);

impl<S: Side> Driver<S> {
    /// Leaves the connection for another, if that is asked for and it is time to.
    pub(super) fn try_leave(&mut self, now: Time) -> bool {
        let handling = !self.receiver.inbox.is_idle();
        let left = self.link().try_leave(now, handling, self.transport.has_unsent());
        if left {
            self.phase = Phase::Left;
        }
        left
    }

    /// After [`run`](Self::run): if the connection was left for another, tells the peer, and waits until it has
    /// read all, so that nothing of the next connection comes before it. `false`: it was not left.
    pub(crate) async fn say_goodbye(&mut self) -> bool {
        if !matches!(self.phase, Phase::Left) {
            return false;
        }
        let mut last = LinkOutbound::new(u32::MAX, OutboxLimits::default());
        last.close(CloseCode::Normal, "");
        let Self { transport, reader, .. } = self;
        let told = async {
            if let Some(mut batch) = last.take() {
                // Everything before it has been written, so there is room for it.
                transport.write(&mut batch)?;
            }
            poll_fn(|context| transport.poll_shutdown(context)).await?;
            // All of it, however much: a connection that is closed before is reset, and what the peer has not
            // read yet of what was written here may be lost.
            while !poll_fn(|context| discard(reader, context)).await {
                yield_now().await;
            }
            Ok(())
        };
        let told: Result<io::Result<()>, _> = timeout(LINGER, told).await;
        if !matches!(told, Ok(Ok(()))) {
            tracing::debug!("a peer did not see the end of a connection that was left");
        }
        true
    }
}

/// Reads and throws away. `true`: the peer sends no more; `false`: there may be more already.
pub(super) fn discard(reader: &mut TransportReader, context: &mut Context<'_>) -> Poll<bool> {
    /// Reads at one go.
    const MAX_READS: usize = 64;

    let mut trash = [0; 4096];
    for _ in 0..MAX_READS {
        let mut target = ReadBuf::new(&mut trash);
        match ready!(Pin::new(&mut *reader).poll_read(context, &mut target)) {
            Ok(()) if !target.filled().is_empty() => {}
            _ => return Poll::Ready(true),
        }
    }
    Poll::Ready(false)
}
