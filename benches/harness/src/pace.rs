//! When to send: until a time is over, or at a fixed rate.

use std::time::{Duration, Instant};

/// Says when a span of time is over, without looking at the clock at each message.
#[derive(Debug, Clone)]
pub struct Stopwatch {
    end: Instant,
    every: u32,
    left: u32,
}

impl Stopwatch {
    /// A span of so many seconds that begins now. [`is_over`](Self::is_over) looks at the clock once in
    /// `every` calls.
    #[must_use]
    pub fn start(seconds: f64, every: u32) -> Self {
        let every = every.max(1);
        Self { end: Instant::now() + Duration::from_secs_f64(seconds.max(0.0)), every, left: every }
    }

    /// Whether it is over. To be called for each message.
    #[inline]
    pub fn is_over(&mut self) -> bool {
        self.left -= 1;
        if self.left > 0 {
            return false;
        }
        self.left = self.every;
        Instant::now() >= self.end
    }
}

/// Points in time at a fixed rate. One that was missed stays due, so that a sender which was held up
/// catches up and the rate is kept.
#[derive(Debug, Clone)]
pub struct Pace {
    begin: Instant,
    interval: f64,
    total: u64,
    next: u64,
}

impl Pace {
    /// `rate` points per second for `seconds`, the first one now.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float converts to the nearest integer there is, which is what is meant"
    )]
    pub fn start(rate: f64, seconds: f64) -> Self {
        let total = (rate * seconds).round().max(1.0) as u64;
        Self { begin: Instant::now(), interval: 1.0 / rate, total, next: 0 }
    }

    /// The sequence number and the time of the next point; `None` when all were taken.
    #[expect(clippy::cast_precision_loss, reason = "there are not so many")]
    pub fn take(&mut self) -> Option<(u64, Instant)> {
        let sequence = self.next;
        (sequence < self.total).then(|| {
            self.next += 1;
            (sequence, self.begin + Duration::from_secs_f64(self.interval * sequence as f64))
        })
    }

    /// How many points there are in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopwatch_looks_at_the_clock_now_and_then() {
        let mut stopwatch = Stopwatch::start(0.0, 3);
        assert!(!stopwatch.is_over());
        assert!(!stopwatch.is_over());
        assert!(stopwatch.is_over());
        assert!(!Stopwatch::start(1000.0, 1).is_over());
    }

    #[test]
    fn points_are_evenly_spaced_and_end() {
        let mut pace = Pace::start(100.0, 0.03);
        let begin = pace.begin;
        let points: Vec<_> = std::iter::from_fn(|| pace.take()).collect();
        let at = |millis| begin + Duration::from_millis(millis);
        assert_eq!(points, [(0, at(0)), (1, at(10)), (2, at(20))]);
        assert_eq!(pace.total(), 3);
    }
}
