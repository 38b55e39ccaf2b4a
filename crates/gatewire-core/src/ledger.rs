//! Accounting: what came in either went out, was dropped under a reason, or is still queued.

use std::fmt;
use std::ops::AddAssign;

/// Why a message was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DropReason {
    /// Volatile, and the peer was not ready for it.
    Volatile,
    /// The queue was full; the newest went.
    QueueFull,
    /// The queue was full; the oldest went.
    Displaced,
    /// The queue was full; a newer one of the same event took its place.
    Superseded,
    /// The connection ended before it was written, or before it was decided whether it may be handled.
    Disconnected,
    /// Nobody listens for the event.
    NoHandler,
    /// The value could not be decoded.
    Decode,
    /// The handler panicked.
    Panicked,
    /// It is longer than the receiver's limit.
    TooLarge,
    /// The sender's key or the application does not permit it.
    Denied,
}

impl DropReason {
    /// All reasons, in the order of [`Ledger::dropped`].
    pub const ALL: [Self; 10] = [
        Self::Volatile,
        Self::QueueFull,
        Self::Displaced,
        Self::Superseded,
        Self::Disconnected,
        Self::NoHandler,
        Self::Decode,
        Self::Panicked,
        Self::TooLarge,
        Self::Denied,
    ];

    /// The standard name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Volatile => "volatile",
            Self::QueueFull => "queue_full",
            Self::Displaced => "displaced",
            Self::Superseded => "superseded",
            Self::Disconnected => "disconnected",
            Self::NoHandler => "no_handler",
            Self::Decode => "decode",
            Self::Panicked => "panicked",
            Self::TooLarge => "too_large",
            Self::Denied => "denied",
        }
    }
}

/// One direction's account. At each moment `accepted == done + dropped_total() + queued`.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Messages that came to this queue.
    pub accepted: u64,
    /// Messages that reached their end: written to the kernel, or handled.
    pub done: u64,
    /// Messages that wait.
    pub queued: u64,
    dropped: [u64; DropReason::ALL.len()],
}

impl Ledger {
    /// Counts messages dropped for a reason.
    pub fn drop_for(&mut self, reason: DropReason, count: u64) {
        self.dropped[reason as usize] += count;
    }

    /// How many were dropped for this reason.
    #[must_use]
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize]
    }

    /// How many were dropped.
    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// Whether the account adds up.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.accepted == self.done + self.dropped_total() + self.queued
    }
}

impl AddAssign for Ledger {
    fn add_assign(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.done += other.done;
        self.queued += other.queued;
        for (mine, theirs) in self.dropped.iter_mut().zip(other.dropped) {
            *mine += theirs;
        }
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Ledger");
        out.field("accepted", &self.accepted).field("done", &self.done);
        out.field("queued", &self.queued);
        for reason in DropReason::ALL.into_iter().filter(|reason| self.dropped(*reason) > 0) {
            out.field(reason.name(), &self.dropped(reason));
        }
        out.finish()
    }
}
