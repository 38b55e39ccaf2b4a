//! The last words on a connection.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use gatewire_codec::CloseCode;
use gatewire_core::Time;
use gatewire_core::session::OutboxLimits;
use tokio::io::{AsyncRead, ReadBuf};
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
        let busy = !self.receiver.inbox.is_idle() || self.transport.has_unsent();
        let left = self.link().try_leave(now, busy);
        if left {
            self.phase = Phase::Left;
        }
        left
    }

    /// After [`run`](Self::run): if the connection was left for another, tells the peer, and waits until it has
    /// read all, so that nothing of the next connection comes before it.
    pub(crate) async fn say_goodbye(&mut self) {
        if !matches!(self.phase, Phase::Left) {
            return;
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
            poll_fn(|context| match discard(reader, context) {
                true => Poll::Ready(Ok(())),
                false => Poll::Pending,
            })
            .await
        };
        let told: Result<io::Result<()>, _> = timeout(LINGER, told).await;
        if !matches!(told, Ok(Ok(()))) {
            tracing::debug!("a peer did not see the end of a connection that was left");
        }
    }
}

/// Reads and throws away; `true`: the peer sends no more.
pub(super) fn discard(reader: &mut TransportReader, context: &mut Context<'_>) -> bool {
    /// What a lingering peer may still send: more is cut off.
    const MAX_READS: usize = 64;

    let mut trash = [0; 4096];
    for _ in 0..MAX_READS {
        let mut target = ReadBuf::new(&mut trash);
        match Pin::new(&mut *reader).poll_read(context, &mut target) {
            Poll::Pending => return false,
            Poll::Ready(Ok(())) if !target.filled().is_empty() => {}
            Poll::Ready(_) => return true,
        }
    }
    true
}
