//! When to try again after a connection was lost.

use std::time::Duration;

/// The delay before each attempt to reconnect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backoff {
    /// The same delay each time, as the Node packages do (1 s there).
    Fixed(Duration),
    /// Full jitter: a random time up to `min(longest, first * 2^attempt)`, so that clients which
    /// lost the same server do not come back all at once (AWS Architecture Blog, "Exponential
    /// Backoff And Jitter", 2015).
    FullJitter {
        /// Upper bound of the first delay.
        first: Duration,
        /// Upper bound of all delays.
        longest: Duration,
    },
}

impl Backoff {
    /// A connection that lasted this long starts the count of attempts again.
    pub const STABLE_AFTER: Duration = Duration::from_secs(60);

    /// The delay before attempt number `attempt` (from 0), given 64 random bits.
    #[must_use]
    pub fn delay(&self, attempt: u32, random: u64) -> Duration {
        match *self {
            Self::Fixed(delay) => delay,
            Self::FullJitter { first, longest } => {
                let factor = 1_u128.checked_shl(attempt).unwrap_or(u128::MAX);
                let ceiling = first.as_nanos().saturating_mul(factor).min(longest.as_nanos());
                let nanos = u64::try_from(ceiling).unwrap_or(u64::MAX);
                // The high half of the product is uniform in 0..nanos (Lemire, 2019).
                let scaled = (u128::from(random) * u128::from(nanos)) >> 64;
                Duration::from_nanos(u64::try_from(scaled).unwrap_or(nanos))
            }
        }
    }
}

impl Default for Backoff {
    /// Full jitter from 100 ms to 30 s.
    fn default() -> Self {
        Self::FullJitter { first: Duration::from_millis(100), longest: Duration::from_secs(30) }
    }
}
