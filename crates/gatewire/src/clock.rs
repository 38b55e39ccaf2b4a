//! The clock of the process, as the time of the state machines below.

use std::time::{SystemTime, UNIX_EPOCH};

use gatewire_core::{Time, UnixTime};
use tokio::time::Instant;

/// Tokio's clock, so that paused time in tests holds here too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub(crate) fn now(self) -> Time {
        Time::from_elapsed(self.start.elapsed())
    }

    /// `None`: the time never comes.
    pub(crate) fn instant(self, time: Time) -> Option<Instant> {
        if time == Time::NEVER { None } else { self.start.checked_add(time.elapsed()) }
    }
}

/// The second of the calendar, for the validity of keys. A clock that is set before 1970 stands at its
/// first second, in which no key that has a beginning is valid.
pub(crate) fn unix_now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_secs(since.as_secs())
}
