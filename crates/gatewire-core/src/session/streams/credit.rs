//! How much credit a reader gives.
//!
//! A stream is as fast as the network if its credit is what the network holds: delay times bandwidth.
//! That is measured. While the window may still grow, the reader sends a PING when bytes arrive and counts
//! what is read until the PONG: one delay's worth of bandwidth. If that was half of the window or more, the
//! window was the limit, since credit is given by halves; it grows by as much, and ends between two
//! and three times delay times bandwidth. A slow writer or a slow reader never gets there: their windows
//! stay small. (What arrives would not tell: a whole window does at once, whenever a slow reader has
//! allowed it.)
//!
//! The same idea as the receive buffers of TCP in Linux ("dynamic right-sizing", Fisk and Feng, 2001),
//! which take the delay from time stamps, and as gRPC's estimator.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gatewire_codec::v3;

/// Credit beyond the first window of each stream, shared by the streams of one connection.
#[derive(Debug)]
pub struct CreditPool {
    left: AtomicU64,
}

impl CreditPool {
    /// A pool of so many bytes.
    #[must_use]
    pub fn new(bytes: u64) -> Arc<Self> {
        Arc::new(Self { left: AtomicU64::new(bytes) })
    }

    /// Takes up to `bytes`; how many.
    fn take(&self, bytes: u64) -> u64 {
        let less = |left: u64| Some(left.saturating_sub(bytes));
        let before = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        before.unwrap_or_default().min(bytes)
    }

    fn put_back(&self, bytes: u64) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes that nobody has taken.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }
}

/// The window of one stream: how far the credit reaches beyond what is read.
#[derive(Debug)]
pub struct CreditWindow {
    size: u64,
    max: u64,
    pool: Arc<CreditPool>,
    /// What had been read when the PING was sent whose PONG is waited for.
    probe: Option<u64>,
    /// A next probe is worth while when so much has arrived, and, if that does not make the window
    /// larger, the one behind it after twice as much.
    next_probe: u64,
    rest: u64,
}

impl CreditWindow {
    /// The first window, [`v3::INITIAL_CREDIT`].
    #[must_use]
    pub fn new(max: u64, pool: Arc<CreditPool>) -> Self {
        Self { size: v3::INITIAL_CREDIT, max, pool, probe: None, next_probe: 0, rest: 0 }
    }

    /// Bytes that the writer may be ahead.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes have arrived, `received` in all, of which `consumed` are read; `true`: send a PING and tell
    /// [`pong`](Self::pong).
    pub fn arrived(&mut self, received: u64, consumed: u64) -> bool {
        let probe = self.probe.is_none() && self.size < self.max && received >= self.next_probe;
        if probe {
            self.probe = Some(consumed);
        }
        probe
    }

    /// The answer to the PING is here. Also that of another PING than ours would do: it measures less.
    pub fn pong(&mut self, received: u64, consumed: u64) {
        let Some(begin) = self.probe.take() else { return };
        let one_delay = consumed - begin;
        if one_delay >= self.size / 2 {
            self.size += self.pool.take(one_delay.min(self.max - self.size));
            self.rest = 0;
        }
        self.rest = (self.rest * 2).clamp(self.size / 2, self.size * MOST_REST);
        self.next_probe = received + self.rest;
    }

    /// The limit to tell when so much is read and `granted` was told before; `None`: not worth a frame.
    #[must_use]
    pub fn grant(&self, consumed: u64, granted: u64) -> Option<u64> {
        let limit = consumed + self.size;
        (limit >= granted + self.size / 2).then_some(limit)
    }
}

/// Windows from one probe to the next, at most: a path that becomes faster is noticed after so many, and probes
/// cost nothing that could be measured.
const MOST_REST: u64 = 16;

impl Drop for CreditWindow {
    fn drop(&mut self) {
        self.pool.put_back(self.size - v3::INITIAL_CREDIT);
    }
}
