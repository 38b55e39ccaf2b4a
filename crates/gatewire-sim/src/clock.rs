//! Virtual time: it moves from event to event and costs nothing to wait for.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A point of simulated time: nanoseconds since the simulation began. After 584 years it stands
/// still at [`Time::NEVER`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(u64);

impl Time {
    /// The begin of the simulation.
    pub const ZERO: Self = Self(0);
    /// Later than any other.
    pub const NEVER: Self = Self(u64::MAX);

    /// The point `elapsed` after the begin.
    #[must_use]
    pub fn from_elapsed(elapsed: Duration) -> Self {
        Self(nanoseconds(elapsed))
    }

    /// How long after the begin this is.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    pub(crate) const fn as_nanos(self) -> u64 {
        self.0
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanoseconds(duration)))
    }
}

impl Sub for Time {
    type Output = Duration;

    /// How long after `earlier` this is; zero when it is not after.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Seconds with nine digits, so that times stand below one another in a trace.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09} s", self.0 / NANOS_PER_SECOND, self.0 % NANOS_PER_SECOND)
    }
}

/// The nanoseconds of `duration`, at most 584 years.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

pub(crate) const NANOS_PER_SECOND: u64 = 1_000_000_000;
