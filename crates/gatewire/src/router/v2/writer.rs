//! What is written to an old router.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::WriteHalf;
use tokio::time::timeout;

use super::link::V2Link;

/// Writes what a link has queued.
///
/// The batch that is on its way is kept here, not in the future that writes it. So whoever drops that future, because
/// the router is closed, can finish the frame that it was in the middle of.
pub(super) struct Writer<'s> {
    half: WriteHalf<'s>,
    /// What is taken from the queue, and not written yet.
    batch: BytesMut,
    /// How long the other end may take nothing.
    stall: Duration,
}

impl<'s> Writer<'s> {
    pub(super) fn new(half: WriteHalf<'s>, stall: Duration) -> Self {
        Self { half, batch: BytesMut::new(), stall }
    }

    /// Writes until the link has ended, or the connection: why.
    ///
    /// # Cancel safety
    ///
    /// Safe: what is not written yet stays, and [`drain`](Self::drain) goes on with it.
    pub(super) async fn run(&mut self, link: &V2Link) -> String {
        loop {
            match link.take().await {
                Ok(batch) => self.batch = batch,
                Err(why) => return why,
            }
            if let Err(why) = self.finish_batch().await {
                return why;
            }
        }
    }

    /// Writes what is left, until nothing is queued any more.
    pub(super) async fn drain(&mut self, link: &V2Link) -> Result<(), String> {
        loop {
            self.finish_batch().await?;
            self.batch = link.take_queued();
            if self.batch.is_empty() {
                return Ok(());
            }
        }
    }

    async fn finish_batch(&mut self) -> Result<(), String> {
        while !self.batch.is_empty() {
            match timeout(self.stall, self.half.write_buf(&mut self.batch)).await {
                Ok(Ok(0)) => return Err(io::Error::from(io::ErrorKind::WriteZero).to_string()),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(error.to_string()),
                Err(_) => return Err("it takes nothing any more".to_owned()),
            }
        }
        Ok(())
    }
}
