//! The failures of each source, in a bounded table.
//!
//! A record lives for one window from its first failure; when its failures reach the limit, for one
//! window from then. Both lives are equally long, so records end in the order in which they were begun
//! or extended, and a queue of their ends is sorted by itself. An extended record leaves its old end
//! behind, which is recognised by its number. So a record goes only with its last end, and each end in
//! the queue is that of a record in the table, which has two at most.

use std::collections::{BTreeMap, VecDeque};

use super::AdmissionLimits;
use super::source::Source;
use crate::Time;

#[derive(Debug, Default)]
pub(super) struct Failures {
    records: BTreeMap<Source, Record>,
    ends: VecDeque<(Source, End)>,
    /// How many ends there have been.
    numbered: u64,
}

#[derive(Debug)]
struct Record {
    count: u32,
    /// The limit was reached.
    refused: bool,
    /// The one that counts.
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct End {
    at: Time,
    number: u64,
}

/// What else a failure has brought about.
#[derive(Debug, Default)]
pub(super) struct Noted {
    /// The source is refused from now on.
    pub(super) shut_out: bool,
    /// Another source was forgotten for it.
    pub(super) forgotten: bool,
}

impl Failures {
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn is_refused(&self, source: Source, now: Time) -> bool {
        self.records.get(&source).is_some_and(|record| record.refused && now < record.end.at)
    }

    pub(super) fn note(&mut self, source: Source, limits: &AdmissionLimits, now: Time) -> Noted {
        while self.ends.front().is_some_and(|(_, end)| end.at <= now) {
            self.end_next();
        }
        let mut noted = Noted::default();
        if !self.records.contains_key(&source) {
            noted.forgotten = self.make_room(limits.failing_sources.max(1));
        }
        let end = End { at: now + limits.failure_window, number: self.numbered };
        let mut begin_or_extend = || {
            self.ends.push_back((source, end));
            self.numbered += 1;
            end
        };
        let record = self.records.entry(source).or_insert_with(|| {
            let refused = limits.failures <= 1;
            noted.shut_out = refused;
            Record { count: 0, refused, end: begin_or_extend() }
        });
        record.count += 1;
        // Handshakes that were under way when the source was shut out do not prolong that.
        if !record.refused && record.count >= limits.failures {
            record.refused = true;
            record.end = begin_or_extend();
            noted.shut_out = true;
        }
        noted
    }

    /// Whether a record had to go.
    fn make_room(&mut self, most: usize) -> bool {
        let full = self.records.len() >= most;
        while self.records.len() >= most && self.end_next() {}
        full
    }

    /// Takes the next end out of the queue, and its record if this is the end that counts.
    fn end_next(&mut self) -> bool {
        let Some((source, end)) = self.ends.pop_front() else { return false };
        if self.records.get(&source).is_some_and(|record| record.end == end) {
            self.records.remove(&source);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    fn source(number: u32) -> Source {
        Source::of(Ipv4Addr::from_bits(number).into())
    }

    #[test]
    fn the_queue_is_as_bounded_as_the_table() {
        for failures in [1, 2, 10] {
            let limits =
                AdmissionLimits { failures, failing_sources: 50, ..AdmissionLimits::default() };
            let mut table = Failures::default();
            let mut now = Time::ZERO;
            for step in 0..20_000_u32 {
                // Sources that fail often and seldom, at the same moment and after their window.
                let next = step.wrapping_mul(2_654_435_761) % 97;
                now = now + Duration::from_millis(u64::from(step / 3 % 7) * 300);
                table.note(source(next), &limits, now);
                assert!(table.records.len() <= 50);
                assert!(table.ends.len() <= 2 * table.records.len(), "{} ends", table.ends.len());
            }
        }
    }

    #[test]
    fn a_source_that_is_shut_out_with_its_first_failure_is_let_in_again() {
        let limits = AdmissionLimits { failures: 1, ..AdmissionLimits::default() };
        let mut table = Failures::default();
        assert!(table.note(source(1), &limits, Time::ZERO).shut_out);
        assert!(table.is_refused(source(1), Time::ZERO));
        let later = Time::ZERO + Duration::from_secs(60);
        assert!(!table.is_refused(source(1), later));
        assert!(table.note(source(1), &limits, later).shut_out);
    }
}
