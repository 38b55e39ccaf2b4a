//! How far the slowest of many receivers is, without looking at all of them each time.

/// Counts, for each distance from the slowest, how many receivers are there.
///
/// A ring of `bound + 1` counts: no receiver can be further ahead of the slowest than what is in flight.
#[derive(Debug)]
pub struct Slowest {
    receivers_at: Vec<usize>,
    slowest: u64,
}

impl Slowest {
    /// `receivers` that have received nothing, of which none gets more than `bound` ahead.
    ///
    /// # Panics
    ///
    /// When the memory could not hold a ring of that bound anyway.
    #[must_use]
    pub fn new(receivers: usize, bound: u64) -> Self {
        let length = usize::try_from(bound).expect("a bound is some thousands") + 1;
        let mut receivers_at = vec![0; length];
        receivers_at[0] = receivers;
        Self { receivers_at, slowest: 0 }
    }

    /// One receiver has got from `before` to `after` messages. Says whether the slowest has moved.
    pub fn advance(&mut self, before: u64, after: u64) -> bool {
        if before == after {
            return false;
        }
        let (from, to) = (self.index(before), self.index(after));
        self.receivers_at[from] -= 1;
        self.receivers_at[to] += 1;
        let old = self.slowest;
        while self.receivers_at[self.index(self.slowest)] == 0 {
            self.slowest += 1;
        }
        self.slowest != old
    }

    /// How many messages each receiver has at least.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.slowest
    }

    fn index(&self, count: u64) -> usize {
        let length = self.receivers_at.len();
        usize::try_from(count % length as u64).expect("smaller than the length")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_moves_the_count() {
        let mut slowest = Slowest::new(3, 4);
        assert!(!slowest.advance(0, 4));
        assert!(!slowest.advance(0, 2));
        assert_eq!(slowest.count(), 0);
        assert!(slowest.advance(0, 3));
        assert_eq!(slowest.count(), 2);
        assert!(slowest.advance(2, 6));
        assert_eq!(slowest.count(), 3);
        assert!(!slowest.advance(3, 3));
        assert!(slowest.advance(3, 7));
        assert!(slowest.advance(4, 7));
        assert_eq!(slowest.count(), 6);
    }
}
