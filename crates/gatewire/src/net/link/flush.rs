//! Who flushes takes the whole outbox, writes without the lock, and gives the rest back.

use std::io;
use std::pin::pin;

use gatewire_core::session::Sent;

use super::{Link, Session, Shared};
use crate::error::{DisconnectReason, EmitError};
use crate::net::tcp;
use crate::net::transport::Written;

impl Link {
    /// Writes what is queued until nothing is left or the kernel takes no more. Does nothing while
    /// another thread writes, or while the kernel is known to be full.
    pub(crate) fn flush(&self) {
        self.flush_if(|blocked| !blocked);
    }

    /// As [`flush`](Self::flush), also when the kernel was full: it takes bytes again.
    pub(crate) fn flush_writable(&self) {
        self.flush_if(|_| true);
        self.tell_written();
    }

    /// Bytes that were the transport's already are with the kernel: who waits may have waited for these.
    pub(crate) fn tell_written(&self) {
        let waited_for = {
            let mut shared = self.lock();
            !shared.outbound.outbox().is_above_soft_mark() && std::mem::take(&mut shared.waited_for)
        };
        if waited_for {
            self.changed.notify_waiters();
        }
    }

    /// Nothing more will go out.
    pub(crate) fn fail(&self, error: &io::Error) {
        self.lock().fail(error);
        self.driver.wake();
    }

    fn flush_if(&self, go: impl Fn(bool) -> bool) {
        loop {
            let (mut batch, stream, queue) = {
                let mut shared = self.lock();
                if !go(shared.outbound.outbox().is_blocked()) || shared.holds_back() {
                    return;
                }
                let Some(stream) = shared.stream.clone() else { return };
                let Some(batch) = shared.outbound.take() else { return };
                let streams = shared.outbound.open_streams() > 0;
                let changes = std::mem::replace(&mut shared.short_queue, streams) != streams;
                (batch, stream, changes.then_some(streams))
            };
            if let Some(short) = queue {
                tcp::keep_queue_short(stream.tcp(), short);
            }
            let result = stream.write(&mut batch);
            let (waited_for, sent) = {
                let mut shared = self.lock();
                shared.outbound.outbox_mut().give_back(batch);
                if let Err(error) = &result {
                    shared.fail(error);
                }
                let above = shared.outbound.outbox().is_above_soft_mark();
                if shared.ending.is_some()
                    || shared.leaving.is_some()
                    || (shared.congested && !above)
                {
                    // The driver waits for the outbox to be empty, or has to tell that it drained.
                    self.driver.wake();
                }
                let sent: Vec<_> = shared.outbound.drain_sent().collect();
                (!above && std::mem::take(&mut shared.waited_for), sent)
            };
            for Sent { handle, total, whole } in sent {
                handle.sent(total, whole);
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
            let held = shared.stream.as_ref().is_some_and(|stream| stream.has_unsent());
            if shared.outbound.outbox().is_empty() && !held {
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

impl Shared {
    fn fail(&mut self, error: &io::Error) {
        self.broken = true;
        self.ending.get_or_insert(DisconnectReason::Io(error.kind()));
    }
}
