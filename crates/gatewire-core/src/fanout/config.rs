//! The bounds of a stream to many.

use std::time::Duration;

/// How a stream treats its receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FanoutConfig {
    /// How many bytes the source may be ahead of the middle receiver: 1 MiB, so that a source some
    /// milliseconds away does not run dry. At least 1.
    pub window: u64,
    /// How many bytes a receiver may be behind the source: 64 MiB, half a second at 1 Gbit/s. It is
    /// what a stream may cost in memory. Not below `window`.
    pub max_lag: u64,
    /// What happens to slow receivers.
    pub slow: SlowReceivers,
    /// How long a receiver that has taken everything may think about its answer: 60 s.
    pub answer_timeout: Duration,
}

impl Default for FanoutConfig {
    fn default() -> Self {
        Self {
            window: 1 << 20,
            max_lag: 64 << 20,
            slow: SlowReceivers::default(),
            answer_timeout: Duration::from_secs(60),
        }
    }
}

/// What happens to receivers that are slower than the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlowReceivers {
    /// Who stands still for so long, or holds the others up, is cut: 5 s.
    CutAfter(Duration),
    /// The source waits for the slowest.
    WaitForAll,
}

impl Default for SlowReceivers {
    fn default() -> Self {
        Self::CutAfter(Duration::from_secs(5))
    }
}
