//! What is counted while a run goes on, and the digest of its events.

use crate::clock::Time;
use crate::report::{Report, Tally};

#[derive(Debug, Default)]
pub(crate) struct Accounts {
    pub(crate) events: u64,
    pub(crate) delivered: u64,
    pub(crate) lost: u64,
    pub(crate) refused: u64,
    pub(crate) faults: u64,
    pub(crate) checks: u64,
    pub(crate) last_delivery: Time,
    /// In the order of their first use: there are few, and a search is cheaper than a map.
    kinds: Vec<(&'static str, Tally)>,
    fingerprint: u64,
}

impl Accounts {
    pub(crate) fn sent(&mut self, kind: &'static str, size: u64) {
        let known = self.kinds.iter_mut().find(|(name, _)| *name == kind);
        if let Some((_, tally)) = known {
            tally.add(size);
        } else {
            let mut tally = Tally::default();
            tally.add(size);
            self.kinds.push((kind, tally));
        }
    }

    /// Counts an event and mixes it into the digest.
    #[inline]
    pub(crate) fn event(&mut self, at: Time, words: [u64; 2]) {
        self.events += 1;
        for word in [at.as_nanos(), words[0], words[1]] {
            self.fingerprint = (self.fingerprint.rotate_left(23) ^ word).wrapping_mul(ODD);
        }
    }

    pub(crate) fn report(&self, seed: u64, now: Time) -> Report {
        Report {
            seed,
            simulated: now.elapsed(),
            events: self.events,
            sent: self.kinds.iter().copied().collect(),
            delivered: self.delivered,
            lost: self.lost,
            refused: self.refused,
            faults: self.faults,
            checks: self.checks,
            last_delivery: self.last_delivery,
            fingerprint: self.fingerprint,
        }
    }
}

/// 2^64 over the golden ratio: odd, and its bits look random.
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
