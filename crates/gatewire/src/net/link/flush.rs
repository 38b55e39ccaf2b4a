//! Who flushes takes the whole outbox, writes without the lock, and gives the rest back.

use std::io::{self, IoSlice};
use std::task::{Context, Poll, Waker};

use gatewire_core::session::Batch;
use tokio::net::tcp::OwnedWriteHalf;

use super::Link;
use crate::error::{DisconnectReason, EmitError};

/// Pieces of one vectored write: as many as cost no more than they save.
const MAX_SLICES: usize = 64;

impl Link {
    /// Writes what is queued until nothing is left or the kernel takes no more. Does nothing while
    /// another thread writes, or while the kernel is known to be full.
    pub(crate) fn flush(&self) {
        self.flush_if(|blocked| !blocked);
    }

    /// As [`flush`](Self::flush), also when the kernel was full: it takes bytes again.
    pub(crate) fn flush_writable(&self) {
        self.flush_if(|_| true);
    }

    fn flush_if(&self, go: impl Fn(bool) -> bool) {
        loop {
            let (mut batch, stream) = {
                let mut shared = self.lock();
                if !go(shared.outbound.outbox().is_blocked()) {
                    return;
                }
                let Some(stream) = shared.stream.clone() else { return };
                let Some(batch) = shared.outbound.outbox_mut().take() else { return };
                (batch, stream)
            };
            let result = write(&stream, &mut batch);
            let ready = {
                let mut shared = self.lock();
                shared.outbound.outbox_mut().give_back(batch);
                if let Err(error) = &result {
                    shared.ending.get_or_insert(DisconnectReason::Io(error.kind()));
                }
                let above = shared.outbound.outbox().is_above_soft_mark();
                if shared.ending.is_some() || (shared.congested && !above) {
                    // The driver waits for the outbox to be empty, or has to tell that it drained.
                    self.driver.wake();
                }
                if above { Vec::new() } else { std::mem::take(&mut shared.ready) }
            };
            ready.into_iter().for_each(Waker::wake);
            match result {
                // Others may have queued more in the meantime.
                Ok(Written::All) => {}
                Ok(Written::Blocked) | Err(_) => {
                    self.driver.wake();
                    return;
                }
            }
        }
    }

    /// Waits until the outbox is below its soft mark.
    pub(crate) fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), EmitError>> {
        let flush = {
            let mut shared = self.lock();
            if shared.outbound.is_closing() || shared.ending.is_some() {
                return Poll::Ready(Err(EmitError::Closed));
            }
            let outbox = shared.outbound.outbox();
            if !outbox.is_above_soft_mark() {
                return Poll::Ready(Ok(()));
            }
            let flush = !outbox.is_blocked();
            shared.wait(context);
            flush
        };
        if flush {
            self.flush();
        }
        Poll::Pending
    }

    /// Waits until everything that is queued is with the kernel.
    pub(crate) fn poll_flushed(&self, context: &mut Context<'_>) -> Poll<Result<(), EmitError>> {
        self.flush();
        let mut shared = self.lock();
        if shared.outbound.outbox().is_empty() {
            return Poll::Ready(Ok(()));
        }
        if shared.ending.is_some() {
            return Poll::Ready(Err(EmitError::Closed));
        }
        shared.wait(context);
        Poll::Pending
    }
}

enum Written {
    All,
    Blocked,
}

fn write(stream: &OwnedWriteHalf, batch: &mut Batch) -> io::Result<Written> {
    while !batch.is_empty() {
        let result = match batch.single() {
            Some(bytes) => stream.try_write(bytes),
            None => {
                let mut slices = [IoSlice::new(&[]); MAX_SLICES];
                let count = batch.slices(&mut slices);
                stream.try_write_vectored(&slices[..count])
            }
        };
        match result {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => batch.advance(written),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Written::Blocked),
            Err(error) => return Err(error),
        }
    }
    Ok(Written::All)
}
