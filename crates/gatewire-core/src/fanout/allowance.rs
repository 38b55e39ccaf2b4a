//! For how long the slow receivers of a stream may hold up the others.

use std::time::Duration;

use crate::Time;

/// The allowance is this part of the time in which nobody holds the stream up: 5 %, so that the others keep
/// 1 / 1.05 of their throughput, more than 95 %.
const PART: u32 = 20;

/// So much time is credited in advance, which gives 50 ms at once. A shorter stream would not be allowed
/// the pause of a busy machine, and 50 ms more are no harm to it.
const ADVANCE: Duration = Duration::from_secs(1);

/// An account of time: it fills while the stream is not held up, and is spent while it is.
#[derive(Debug)]
pub(super) struct Allowance {
    left: Duration,
    /// The most that is saved up.
    most: Duration,
    /// How much of [`ADVANCE`] has still to pass before more is earned.
    owed: Duration,
    held_up: bool,
    /// Up to when all this is true.
    settled: Time,
}

impl Allowance {
    pub(super) fn new(most: Duration, now: Time) -> Self {
        let left = most.min(ADVANCE / PART);
        Self { left, most, owed: ADVANCE, held_up: false, settled: now }
    }

    /// Settles the account, and notes whether the stream is held up from now on.
    #[inline]
    pub(super) fn account(&mut self, held_up: bool, now: Time) {
        if held_up == self.held_up {
            return;
        }
        let passed = now - self.settled;
        if self.held_up {
            self.left = self.left.saturating_sub(passed);
        } else {
            let earning = passed.saturating_sub(self.owed);
            self.owed = self.owed.saturating_sub(passed);
            self.left = self.most.min(self.left + earning / PART);
        }
        self.held_up = held_up;
        self.settled = now;
    }

    /// When nothing is left, if the stream goes on being held up.
    pub(super) fn used_up_at(&self) -> Time {
        if self.held_up { self.settled + self.left } else { Time::NEVER }
    }
}
