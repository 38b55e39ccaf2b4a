//! The bounds of an outbox, and what happens at them.

/// The bounds of an outbox, and what happens at them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxLimits {
    /// The most bytes that wait, 4 MiB by default: some seconds of a fast sender, while 1,000
    /// stalled peers still fit in 4 GiB.
    pub max_bytes: usize,
    /// The most frames that wait, 16,384 by default.
    pub max_frames: usize,
    /// What happens to a message that does not fit.
    pub overflow: Overflow,
}

impl OutboxLimits {
    /// The soft mark as a share of the bounds: above it volatile messages are dropped and
    /// producers that can wait do.
    const SOFT_PERCENT: usize = 75;

    pub(super) fn soft_bytes(&self) -> usize {
        self.max_bytes / 100 * Self::SOFT_PERCENT
    }

    pub(super) fn soft_frames(&self) -> usize {
        self.max_frames * Self::SOFT_PERCENT / 100
    }
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self { max_bytes: 4 << 20, max_frames: 16_384, overflow: Overflow::Disconnect }
    }
}

/// What happens when a message does not fit the outbox of a slow peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overflow {
    /// The peer is disconnected: it can reconnect and catch up, which beats a silent gap.
    #[default]
    Disconnect,
    /// The message is dropped; its sender is told.
    DropNewest,
    /// The oldest events are dropped until the queue is below its soft mark.
    DropOldest,
    /// Queued events of the same name for the same receivers are dropped; if there are none, the
    /// message is.
    Latest,
}

/// How a frame is treated when the peer is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Keeps the connection alive or ends it: never dropped; beyond a reserve above the bound the
    /// peer is disconnected.
    Control,
    /// Queued up to the bound.
    Normal,
    /// Dropped unless the peer keeps up: while the kernel takes no more, or above the soft mark.
    Volatile,
}
