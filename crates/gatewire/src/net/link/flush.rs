//! Who flushes takes the whole outbox, writes without the lock, and gives the rest back.

use std::io::{self, IoSlice};
use std::pin::pin;

use gatewire_core::session::{Batch, Sent};
use tokio::net::tcp::OwnedWriteHalf;

use super::{Link, Session, Shared};
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
                let Some(batch) = shared.outbound.take() else { return };
                (batch, stream)
            };
            let result = write(&stream, &mut batch);
            let (waited_for, sent) = {
                let mut shared = self.lock();
                shared.outbound.outbox_mut().give_back(batch);
                if let Err(error) = &result {
                    shared.broken = true;
                    shared.ending.get_or_insert(DisconnectReason::Io(error.kind()));
                }
                let above = shared.outbound.outbox().is_above_soft_mark();
                if shared.ending.is_some() || (shared.congested && !above) {
                    // The driver waits for the outbox to be empty, or has to tell that it drained.
                    self.driver.wake();
                }
                let sent: Vec<_> = shared.outbound.drain_sent().collect();
                (!above && std::mem::take(&mut shared.waited_for), sent)
            };
            for Sent { handle, total } in sent {
                handle.sent(total);
            }
            if waited_for {
                self.changed.notify_waiters();
            }
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
    pub(crate) async fn ready(&self) -> Result<(), EmitError> {
        self.wait_until(|shared, _| {
            if shared.outbound.is_closing() || shared.ending.is_some() {
                return Some(Err(EmitError::Closed));
            }
            (!shared.outbound.outbox().is_above_soft_mark()).then_some(Ok(()))
        })
        .await
    }

    /// Waits until everything that is queued is with the kernel. Fails when the connection that is
    /// to take it ends before, even if it waits for another then.
    pub(crate) async fn flushed(&self) -> Result<(), EmitError> {
        let session = self.session();
        self.flush();
        self.wait_until(|shared, now| {
            if session != now {
                return Some(Err(EmitError::Closed));
            }
            if shared.outbound.outbox().is_empty() {
                return Some(Ok(()));
            }
            (shared.ending.is_some() || shared.broken).then_some(Err(EmitError::Closed))
        })
        .await
    }

    /// Asks `done` now and after each write that leaves the outbox below its soft mark, until it
    /// answers.
    async fn wait_until<R>(&self, done: impl Fn(&Shared, Session) -> Option<R>) -> R {
        loop {
            let mut changed = pin!(self.changed.notified());
            // Before the question, so that nothing is missed behind it.
            changed.as_mut().enable();
            let flush = {
                let mut shared = self.lock();
                if let Some(result) = done(&shared, self.session()) {
                    return result;
                }
                shared.waited_for = true;
                !shared.outbound.outbox().is_blocked()
            };
            if flush {
                self.flush();
            }
            changed.await;
        }
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
