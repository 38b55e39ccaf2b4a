//! Payloads that carry a sequence number, and the check that they arrive in order.

use crate::failure::Failure;

/// A payload of a fixed size whose first 8 bytes are a sequence number, little-endian.
#[derive(Debug, Clone)]
pub struct Payload(Vec<u8>);

impl Payload {
    /// The shortest payload: a sequence number and nothing else.
    pub const SHORTEST: usize = 8;

    /// A payload of `size` bytes, [`SHORTEST`](Self::SHORTEST) at least.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self(vec![b'x'; size.max(Self::SHORTEST)])
    }

    /// The payload with this sequence number.
    #[inline]
    pub fn with(&mut self, sequence: u64) -> &[u8] {
        self.0[..8].copy_from_slice(&sequence.to_le_bytes());
        &self.0
    }
}

/// The sequence number of a payload. `None`: it is too short to have one.
#[inline]
#[must_use]
pub fn sequence_of(payload: &[u8]) -> Option<u64> {
    payload.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// What a receiver keeps: the sequence number that must come next, and how many bytes came.
///
/// A payload that is not the next one is counted as an error and fails the run at its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checker {
    received: Received,
}

impl Checker {
    /// Expects 0 first.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a payload; whether it is the one that had to come.
    #[inline]
    pub fn check(&mut self, payload: &[u8]) -> bool {
        let right = sequence_of(payload) == Some(self.received.count);
        self.received.count += 1;
        self.received.bytes += payload.len() as u64;
        self.received.errors += u64::from(!right);
        right
    }

    /// What came up to now.
    #[must_use]
    pub fn received(&self) -> Received {
        self.received
    }
}

/// What a receiver says that it has received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Received {
    /// Payloads.
    pub count: u64,
    /// Bytes of payloads.
    pub bytes: u64,
    /// Payloads that were not the next in order.
    pub errors: u64,
}

impl Received {
    /// Its length on the wire.
    pub const LENGTH: usize = 24;

    /// The three numbers, little-endian, one after the other: the answer of a receiver that is asked.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        for (chunk, number) in bytes.chunks_exact_mut(8).zip([self.count, self.bytes, self.errors])
        {
            chunk.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// It has another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Failure> {
        let (chunks, rest) = bytes.as_chunks::<8>();
        match (chunks, rest) {
            (&[count, bytes, errors], []) => Ok(Self {
                count: u64::from_le_bytes(count),
                bytes: u64::from_le_bytes(bytes),
                errors: u64::from_le_bytes(errors),
            }),
            _ => Err(Failure::new(format!("a receiver's report has {} bytes", bytes.len()))),
        }
    }

    /// Checks that everything arrived: `count` payloads of `size` bytes, in order.
    ///
    /// # Errors
    ///
    /// Says what is wrong: the run does not count.
    pub fn expect(self, count: u64, size: usize) -> Result<(), Failure> {
        let expected = Self { count, bytes: count * size as u64, errors: 0 };
        if self == expected {
            return Ok(());
        }
        Err(Failure::new(format!(
            "sent {count} payloads of {size} bytes; received {} in {} bytes, {} out of order",
            self.count, self.bytes, self.errors
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_in_order_are_right() {
        let mut payload = Payload::new(16);
        let mut checker = Checker::new();
        for sequence in 0..3 {
            assert!(checker.check(payload.with(sequence)));
        }
        checker.received().expect(3, 16).expect("all arrived");
    }

    #[test]
    fn a_gap_a_repeat_and_a_short_payload_are_found() {
        let mut payload = Payload::new(0);
        let mut checker = Checker::new();
        assert!(checker.check(payload.with(0)));
        assert!(!checker.check(payload.with(0)));
        assert!(!checker.check(payload.with(1)));
        assert!(!checker.check(&[3; 7]));
        assert_eq!(checker.received(), Received { count: 4, bytes: 31, errors: 3 });
        let failure = checker.received().expect(4, 8).expect_err("three were wrong");
        assert!(failure.to_string().contains("3 out of order"), "{failure}");
    }

    #[test]
    fn a_missing_payload_is_found() {
        let mut checker = Checker::new();
        checker.check(Payload::new(8).with(0));
        assert!(checker.received().expect(2, 8).is_err());
    }

    #[test]
    fn a_report_comes_back_from_the_wire() {
        let received = Received { count: 1, bytes: u64::MAX, errors: 3 };
        assert_eq!(Received::from_bytes(&received.to_bytes()).ok(), Some(received));
        assert!(Received::from_bytes(&[0; 23]).is_err());
        assert!(Received::from_bytes(&[0; 32]).is_err());
    }
}
