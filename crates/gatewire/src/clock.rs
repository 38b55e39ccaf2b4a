//! The clock of the process, as the time of the state machines below.

use gatewire_core::Time;
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
