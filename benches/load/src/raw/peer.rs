//! The writing end of a connection, which its own task and those that publish to it share.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use tokio::net::tcp::OwnedWriteHalf;

/// What may wait for a peer that does not read; beyond it the peer is given up. As much as gatewire
/// holds by default.
const MAX_PENDING: usize = 4 << 20;

#[derive(Debug)]
pub(super) struct Peer {
    stream: OwnedWriteHalf,
    pending: Mutex<Pending>,
    /// The connection's task, to be woken when something waits to be written.
    task: AtomicWaker,
}

#[derive(Debug, Default)]
struct Pending {
    /// What the kernel did not take.
    bytes: Vec<u8>,
    /// The peer reads too slowly, or is gone.
    given_up: bool,
}

impl Peer {
    pub(super) fn new(stream: OwnedWriteHalf) -> Self {
        Self { stream, pending: Mutex::default(), task: AtomicWaker::new() }
    }

    /// Writes what the kernel takes and keeps the rest, behind what waits already.
    pub(super) fn send(&self, bytes: &[u8]) {
        let mut pending = self.lock();
        if pending.given_up {
            return;
        }
        let written = if pending.bytes.is_empty() {
            match self.stream.try_write(bytes) {
                Ok(written) if written == bytes.len() => return,
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(_) => return self.give_up(&mut pending),
            }
        } else {
            0
        };
        let rest = &bytes[written..];
        if pending.bytes.len() + rest.len() > MAX_PENDING {
            return self.give_up(&mut pending);
        }
        pending.bytes.extend_from_slice(rest);
        self.task.wake();
    }

    /// For the connection's task: writes what waits. `Ready`: nothing does any more, or `false` when
    /// the peer was given up.
    pub(super) fn poll_flush(&self, context: &mut Context<'_>) -> Poll<bool> {
        self.task.register(context.waker());
        let mut pending = self.lock();
        while !pending.given_up && !pending.bytes.is_empty() {
            if self.stream.as_ref().poll_write_ready(context).is_pending() {
                return Poll::Pending;
            }
            match self.stream.try_write(&pending.bytes) {
                Ok(written) => drop(pending.bytes.drain(..written)),
                // The readiness was old; the next look registers this task.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => self.give_up(&mut pending),
            }
        }
        if pending.bytes.is_empty() && pending.bytes.capacity() > 0 {
            pending.bytes = Vec::new();
        }
        Poll::Ready(!pending.given_up)
    }

    fn give_up(&self, pending: &mut Pending) {
        *pending = Pending { bytes: Vec::new(), given_up: true };
        self.task.wake();
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        // Nothing panics under it.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
