//! What a layer makes of what is written, on its way to the kernel.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::net::TcpStream;

/// The state machine of a layer, which has no I/O.
pub(super) trait Machine {
    /// Whether it has bytes for the kernel.
    fn has_output(&mut self) -> bool;

    /// Hands some of them over; how many.
    fn write_output(&mut self, tcp: &TcpStream) -> io::Result<usize>;

    /// After an error of [`write_output`](Self::write_output): whether the connection goes on without what was to be
    /// written, which is thrown away then.
    fn discard_output(&mut self) -> bool {
        false
    }
}

/// A state machine under the lock that joins the driver, which reads, and whoever flushes. What the kernel does not take counts
/// as written for the outbox, and goes out before anything else.
pub(super) struct Outgoing<M> {
    machine: Mutex<M>,
    /// Whether bytes wait for the kernel. Told without the lock, which is held over system calls.
    unsent: AtomicBool,
    /// Bytes that the kernel has taken.
    sent: AtomicU64,
}

impl<M: Machine> Outgoing<M> {
    pub(super) fn new(mut machine: M) -> Self {
        let unsent = AtomicBool::new(machine.has_output());
        Self { machine: Mutex::new(machine), unsent, sent: AtomicU64::new(0) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, M> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has_unsent(&self) -> bool {
        self.unsent.load(Ordering::Acquire)
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Sends what is left over; whether all is with the kernel.
    pub(super) fn flush(&self, tcp: &TcpStream) -> io::Result<bool> {
        self.send(&mut self.lock(), tcp)
    }

    /// The same for who has the lock.
    pub(super) fn send(&self, machine: &mut M, tcp: &TcpStream) -> io::Result<bool> {
        let mut all = self.write_all(machine, tcp);
        if all.is_err() && machine.discard_output() {
            all = Ok(true);
        }
        // After an error too: who is to send it meets the error.
        self.note(machine);
        all
    }

    /// Tells whether there is something to send now, with the next flush.
    pub(super) fn note(&self, machine: &mut M) {
        self.unsent.store(machine.has_output(), Ordering::Release);
    }

    fn write_all(&self, machine: &mut M, tcp: &TcpStream) -> io::Result<bool> {
        while machine.has_output() {
            match machine.write_output(tcp) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.sent.fetch_add(written as u64, Ordering::Relaxed);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
