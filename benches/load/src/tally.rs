//! What a handler keeps of the events that it heard.

use std::sync::atomic::{AtomicU64, Ordering};

use gatewire_harness::{Received, sequence_of};

/// A [`Checker`](gatewire_harness::Checker) that handlers share: they are called by shared reference,
/// on any thread.
///
/// One connection is tallied at a time and its handlers run one after the other, so plain loads and
/// stores do; an event of a second connection would be seen as out of order.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    count: AtomicU64,
    bytes: AtomicU64,
    errors: AtomicU64,
}

impl Tally {
    /// Takes a payload, which must be the next one.
    #[inline]
    pub(crate) fn check(&self, payload: &[u8]) {
        let expected = self.count.load(Ordering::Relaxed);
        if sequence_of(payload) != Some(expected) {
            add(&self.errors, 1);
        }
        self.count.store(expected + 1, Ordering::Relaxed);
        add(&self.bytes, payload.len() as u64);
    }

    /// What was heard so far.
    pub(crate) fn heard(&self) -> Received {
        Received {
            count: self.count.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            errors: self.errors.load(Ordering::Relaxed),
        }
    }

    /// What was heard; the next driver begins anew.
    pub(crate) fn take(&self) -> Received {
        Received {
            count: self.count.swap(0, Ordering::Relaxed),
            bytes: self.bytes.swap(0, Ordering::Relaxed),
            errors: self.errors.swap(0, Ordering::Relaxed),
        }
    }
}

fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed) + more, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use gatewire_harness::Payload;

    use super::*;

    #[test]
    fn a_tally_finds_what_is_missing_and_begins_anew() {
        let tally = Tally::default();
        let mut payload = Payload::new(16);
        tally.check(payload.with(0));
        tally.check(payload.with(1));
        assert_eq!(tally.heard(), Received { count: 2, bytes: 32, errors: 0 });
        assert!(tally.take().expect(2, 16).is_ok());
        tally.check(payload.with(0));
        tally.check(payload.with(2));
        assert_eq!(tally.take(), Received { count: 2, bytes: 32, errors: 1 });
    }
}
