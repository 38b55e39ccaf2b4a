//! Time as an argument.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A point in time: nanoseconds since a start that the caller chose. After 584 years it
/// stands still at [`Time::NEVER`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(u64);

impl Time {
    /// The start.
    pub const ZERO: Self = Self(0);
    /// Later than any other: a deadline that never comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// The point `elapsed` after the start.
    #[must_use]
    pub fn from_elapsed(elapsed: Duration) -> Self {
        Self(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX))
    }

    /// How long after the start this is.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

impl Sub for Time {
    type Output = Duration;

    /// How long after `earlier` this is; zero when it is not after.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A second of the calendar, in which keys become valid and expire: seconds since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixTime(u64);

impl UnixTime {
    /// The second that is so many seconds after 1970 began.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds)
    }

    /// How many seconds after 1970 began it is.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0
    }
}
