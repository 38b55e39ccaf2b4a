//! Numbered payloads that come as a stream of bytes, and the check that none of them is missing.

use crate::payload::{Payload, Received};

/// Checks payloads of one size, [`Payload`]s one behind the other, that come cut anywhere.
///
/// The numbers are looked for by their offset in the stream: bytes that are missing or too many
/// anywhere before move all numbers behind them, and are found.
#[derive(Debug, Clone)]
pub struct StreamChecker {
    size: usize,
    /// Bytes of the payload that has begun to come, and its number as far as it has.
    begun: usize,
    number: [u8; Payload::SHORTEST],
    received: Received,
}

impl StreamChecker {
    /// Expects 0 first. `size`: of each payload, [`Payload::SHORTEST`] at least.
    #[must_use]
    pub fn new(size: usize) -> Self {
        let number = [0; Payload::SHORTEST];
        let size = size.max(Payload::SHORTEST);
        Self { size, begun: 0, number, received: Received::default() }
    }

    /// Takes the next bytes.
    #[inline]
    pub fn check(&mut self, mut bytes: &[u8]) {
        self.received.bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            let (part, rest) = bytes.split_at(bytes.len().min(self.size - self.begun));
            if let Some(missing) = self.number.get_mut(self.begun..) {
                let length = missing.len().min(part.len());
                missing[..length].copy_from_slice(&part[..length]);
            }
            self.begun += part.len();
            if self.begun == self.size {
                let right = u64::from_le_bytes(self.number) == self.received.count;
                self.received.errors += u64::from(!right);
                self.received.count += 1;
                self.begun = 0;
            }
            bytes = rest;
        }
    }

    /// What came up to now. Of a payload that has only begun, the bytes alone.
    #[must_use]
    pub fn received(&self) -> Received {
        self.received
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three payloads of 16 bytes.
    fn stream() -> Vec<u8> {
        let mut payload = Payload::new(16);
        (0..3).flat_map(|number| payload.with(number).to_vec()).collect()
    }

    fn check<'b>(parts: impl IntoIterator<Item = &'b [u8]>) -> Received {
        let mut checker = StreamChecker::new(16);
        parts.into_iter().for_each(|part| checker.check(part));
        checker.received()
    }

    #[test]
    fn a_whole_stream_is_right_wherever_it_is_cut() {
        let stream = stream();
        for length in 1..=stream.len() {
            check(stream.chunks(length)).expect(3, 16).expect("all arrived");
        }
    }

    #[test]
    fn bytes_that_are_missing_or_repeated_are_found() {
        let stream = stream();
        for at in 0..stream.len() {
            let missing = check([&stream[..at], &stream[at + 1..]]);
            assert!(missing.expect(3, 16).is_err(), "byte {at} is missing");
            let (before, behind) = (&stream[..at], &stream[at + 1..]);
            let repeated = check([before, &stream[at..=at], &stream[at..=at], behind]);
            assert!(repeated.expect(3, 16).is_err(), "byte {at} came twice");
        }
    }

    #[test]
    fn payloads_that_changed_places_are_found() {
        let stream = stream();
        let swapped = check([&stream[16..32], &stream[..16], &stream[32..]]);
        assert_eq!(swapped, Received { count: 3, bytes: 48, errors: 2 });
    }
}
