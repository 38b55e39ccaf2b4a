//! What a link costs.

use std::time::Duration;

/// What the way over a link costs. Messages take the way whose links cost least in all; of a link that its two ends
/// see differently, the larger cost counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// This much, whatever the link is like. 0 counts as 1.
    Fixed(u16),
    /// The round trip that is measured, in tenths of a millisecond, at least 1 and at most 60,000 (6 s).
    ///
    /// Measured once a second and smoothed (RFC 6298). Each change is told to all routers, so it follows with
    /// hysteresis: when the smoothed value has differed by more than a quarter, and by two tenths of a millisecond
    /// or more, for five seconds.
    Measured,
}

impl From<u16> for Cost {
    fn from(cost: u16) -> Self {
        Self::Fixed(cost)
    }
}

impl Cost {
    /// The cost to begin with.
    pub(crate) fn first(self) -> u16 {
        match self {
            Self::Fixed(cost) => cost.max(1),
            // Until there is a measurement: a link within one machine room.
            Self::Measured => UNKNOWN,
        }
    }
}

/// What a link costs that is to be measured and was not yet: 1 ms.
const UNKNOWN: u16 = 10;

/// The smoothed round trip of a link, and the cost that follows from it.
#[derive(Debug)]
pub(super) struct Measure {
    smoothed: Option<Duration>,
    cost: u16,
    /// How many measurements in a row the cost was off.
    off: u32,
}

/// How many measurements in a row the cost has to be off before it changes.
const PATIENCE: u32 = 5;
/// By how much, in costs, it has to be off at least.
const NOTICEABLE: u16 = 2;
/// The weight of a new measurement is one in so many.
const SMOOTHING: u32 = 8;
/// What a cost of 1 is.
const UNIT: Duration = Duration::from_micros(100);
const MOST: u16 = 60_000;

impl Measure {
    pub(super) fn new() -> Self {
        Self { smoothed: None, cost: UNKNOWN, off: 0 }
    }

    /// The round trip as it is known.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.smoothed
    }

    /// Takes a measurement. `Some`: the cost changes to this.
    pub(super) fn take(&mut self, round_trip: Duration) -> Option<u16> {
        let first = self.smoothed.is_none();
        let smoothed = match self.smoothed {
            None => round_trip,
            Some(before) => (before * (SMOOTHING - 1) + round_trip) / SMOOTHING,
        };
        self.smoothed = Some(smoothed);
        let units = smoothed.as_nanos().div_ceil(UNIT.as_nanos());
        let cost = u16::try_from(units).unwrap_or(MOST).clamp(1, MOST);
        let difference = cost.abs_diff(self.cost);
        let is_off = difference >= NOTICEABLE && u32::from(difference) * 4 > u32::from(self.cost);
        self.off = if is_off { self.off + 1 } else { 0 };
        if self.off < PATIENCE && !(first && is_off) {
            return None;
        }
        self.off = 0;
        self.cost = cost;
        Some(cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(tenths: u64) -> Duration {
        Duration::from_micros(100 * tenths)
    }

    #[test]
    fn the_first_measurement_counts_at_once_and_later_ones_when_they_last() {
        let mut measure = Measure::new();
        assert_eq!(measure.take(millis(200)), Some(200));
        assert_eq!(measure.take(millis(200)), None);
        // Smoothed: 200, 275, 341, 398 and on towards 800.
        let changes: Vec<_> = (0..40).filter_map(|_| measure.take(millis(800))).collect();
        assert!(changes.len() >= 2 && changes.len() <= 6, "{changes:?}");
        assert!(changes.last().is_some_and(|last| *last > 640), "{changes:?}");
    }

    #[test]
    fn a_single_slow_answer_and_a_jitter_of_a_tenth_change_nothing() {
        let mut measure = Measure::new();
        assert_eq!(measure.take(millis(100)), Some(100));
        for round in 0..100 {
            let jitter = if round % 2 == 0 { 110 } else { 90 };
            assert_eq!(measure.take(millis(jitter)), None);
        }
        assert_eq!(measure.take(millis(400)), None);
        for _ in 0..10 {
            assert_eq!(measure.take(millis(100)), None);
        }
    }

    #[test]
    fn costs_are_within_their_bounds() {
        let mut measure = Measure::new();
        assert_eq!(measure.take(Duration::ZERO), Some(1));
        let mut last = None;
        for _ in 0..100 {
            last = measure.take(Duration::from_secs(100)).or(last);
        }
        assert_eq!(last, Some(60_000));
        assert_eq!(Cost::Fixed(0).first(), 1);
    }
}
