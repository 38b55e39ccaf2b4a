//! What each message carries: a sequence number, for paced runs the time of sending, and filler.
//!
//! ```text
//!  binary   0        8         16              size
//!           | number | stamp   | filler ...    |      number and stamp little-endian, stamp from 16 B on
//!  text     0        16        32              size
//!           | number | stamp   | filler ...    |      the same in hexadecimal, stamp from 32 B on
//! ```

use std::io::Write;

/// The content of one message, as both ends see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Body {
    /// Counts from 0 for each publisher.
    pub number: u64,
    /// Nanoseconds since the run began, 0 where the size leaves no room for it.
    pub stamp: u64,
    /// The whole length in bytes.
    pub size: usize,
}

/// The largest body: what the workload of 64 KiB messages needs.
pub const MAX_SIZE: usize = 65_536;

/// The smallest body of a binary message, in bytes. Text needs twice as many.
pub const MIN_SIZE: usize = 8;

/// The smallest body with room for a stamp in both forms.
pub const STAMPED_SIZE: usize = 32;

static FILLER: [u8; MAX_SIZE] = [b'x'; MAX_SIZE];

impl Body {
    /// Appends the binary form.
    ///
    /// # Panics
    ///
    /// When the size is not between [`MIN_SIZE`] and [`MAX_SIZE`].
    pub fn write_binary(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.number.to_le_bytes());
        let mut written = 8;
        if self.size >= 16 {
            out.extend_from_slice(&self.stamp.to_le_bytes());
            written = 16;
        }
        out.extend_from_slice(&FILLER[written..self.size]);
    }

    /// Reads the binary form; `None` when it is too short to hold a number.
    #[must_use]
    pub fn read_binary(bytes: &[u8]) -> Option<Self> {
        let number = u64::from_le_bytes(*bytes.first_chunk()?);
        let stamp = bytes.get(8..16).and_then(|stamp| stamp.first_chunk());
        let stamp = stamp.map_or(0, |stamp| u64::from_le_bytes(*stamp));
        Some(Self { number, stamp, size: bytes.len() })
    }

    /// Appends the text form, for peers whose cheapest message is text.
    ///
    /// # Panics
    ///
    /// When the size is not between 16 and [`MAX_SIZE`].
    pub fn write_text(&self, out: &mut Vec<u8>) {
        write_hexadecimal(self.number, out);
        let mut written = 16;
        if self.size >= STAMPED_SIZE {
            write_hexadecimal(self.stamp, out);
            written = 32;
        }
        out.extend_from_slice(&FILLER[written..self.size]);
    }

    /// Reads the text form; `None` when no number is in it.
    #[must_use]
    pub fn read_text(bytes: &[u8]) -> Option<Self> {
        let number = read_hexadecimal(bytes.get(..16)?)?;
        let stamp = bytes.get(16..32).map_or(Some(0), read_hexadecimal)?;
        Some(Self { number, stamp, size: bytes.len() })
    }
}

/// Appends `number` in decimal, as the text wires write lengths.
pub fn write_decimal(number: usize, out: &mut Vec<u8>) {
    write!(out, "{number}").expect("a vector takes all bytes");
}

fn write_hexadecimal(number: u64, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |shift: u64| DIGITS[(number >> (shift * 4) & 15) as usize];
    out.extend((0..16).rev().map(digit));
}

fn read_hexadecimal(bytes: &[u8]) -> Option<u64> {
    bytes.iter().try_fold(0, |number: u64, byte| {
        let digit = char::from(*byte).to_digit(16)?;
        Some(number << 4 | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_as_it_was_written() {
        for size in [32, 64, 1024, MAX_SIZE] {
            let body = Body { number: 0x0123_4567_89ab_cdef, stamp: 77, size };
            let (mut binary, mut text) = (Vec::new(), Vec::new());
            body.write_binary(&mut binary);
            body.write_text(&mut text);
            assert_eq!((binary.len(), text.len()), (size, size));
            assert_eq!(Body::read_binary(&binary), Some(body));
            assert_eq!(Body::read_text(&text), Some(body));
        }
    }

    #[test]
    fn small_bodies_have_no_stamp() {
        let mut bytes = Vec::new();
        Body { number: 3, stamp: 9, size: 8 }.write_binary(&mut bytes);
        assert_eq!(Body::read_binary(&bytes), Some(Body { number: 3, stamp: 0, size: 8 }));
        bytes.clear();
        Body { number: 3, stamp: 9, size: 16 }.write_text(&mut bytes);
        assert_eq!(Body::read_text(&bytes), Some(Body { number: 3, stamp: 0, size: 16 }));
        assert_eq!(Body::read_binary(&[1, 2]), None);
        assert_eq!(Body::read_text(b"not hexadecimal!"), None);
    }
}
