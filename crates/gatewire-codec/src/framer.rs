//! Cuts a byte stream into frames: `u32 LE length | length bytes`. The same in all versions.
//!
//! ```text
//!  0               4               4 + length
//! +---------------+----------------------- - - -+
//! | length u32 LE | version u8 | kind u8 | ...  |
//! +---------------+----------------------- - - -+
//! ```

use bytes::{Buf, Bytes, BytesMut};

use crate::error::FrameError;

/// Bytes in front of each frame.
pub const LENGTH_PREFIX: usize = 4;

// Lengths of 32 bits are indices here.
const _: () = assert!(usize::BITS >= 32, "gatewire-codec needs 32-bit addresses");

/// The shortest frame: a version byte and one more.
const MIN_FRAME: u32 = 2;

/// A frame and the bytes behind it.
pub type Split<'a> = (&'a [u8], &'a [u8]);

/// Splits the first frame off `input`: `(frame, rest)`, without the length prefix.
///
/// `Ok(None)` means that more bytes are needed. Nothing is copied.
///
/// # Errors
///
/// [`FrameError`], as soon as the four length bytes are there. The stream cannot go on.
///
/// # Example
///
/// ```
/// let (frame, rest) = gatewire_codec::split_frame(b"\x02\0\0\0\x03\x08more", 512)?.expect("whole");
/// assert_eq!((frame, rest), (&b"\x03\x08"[..], &b"more"[..]));
/// # Ok::<(), gatewire_codec::FrameError>(())
/// ```
#[inline]
pub fn split_frame(input: &[u8], limit: u32) -> Result<Option<Split<'_>>, FrameError> {
    let Some((prefix, rest)) = input.split_first_chunk::<LENGTH_PREFIX>() else {
        return Ok(None);
    };
    let length = check(u32::from_le_bytes(*prefix), limit)?;
    Ok(rest.split_at_checked(length))
}

#[inline]
fn check(length: u32, limit: u32) -> Result<usize, FrameError> {
    if length > limit {
        return Err(FrameError::TooLarge { length, limit });
    }
    if length < MIN_FRAME {
        return Err(FrameError::TooShort { length });
    }
    Ok(length as usize)
}

/// Takes frames from a growing buffer, as [`Bytes`] that share its memory.
///
/// The state of a stream is the buffer itself; the framer holds the limit. Drop both with the
/// connection: half a frame must never meet the bytes of the next connection.
#[derive(Debug, Clone, Copy)]
pub struct Framer {
    limit: u32,
}

impl Framer {
    /// A framer that refuses frames longer than `limit` bytes (not counting the length prefix).
    #[must_use]
    pub fn new(limit: u32) -> Self {
        Self { limit }
    }

    /// The longest frame allowed.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// Changes the limit for the frames to come (it is small until a peer is authenticated).
    pub fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
    }

    /// The next whole frame of `buffer`, without its length prefix; `Ok(None)` when more bytes are
    /// needed. Reserves nothing: four bytes that announce 4 GiB cost four bytes.
    ///
    /// # Errors
    ///
    /// [`FrameError`]; `buffer` is left as it was, and the stream cannot go on.
    pub fn next_frame(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        let Some((frame, _)) = split_frame(buffer, self.limit)? else {
            return Ok(None);
        };
        let length = frame.len();
        buffer.advance(LENGTH_PREFIX);
        Ok(Some(buffer.split_to(length).freeze()))
    }

    /// How many bytes the frame at the start of `buffer` still lacks, once its length is known.
    ///
    /// `Ok(None)`: the length is not known yet. `Ok(Some(0))`: the frame is whole.
    ///
    /// # Errors
    ///
    /// As [`next_frame`](Self::next_frame).
    pub fn missing(&self, buffer: &[u8]) -> Result<Option<usize>, FrameError> {
        let Some((prefix, rest)) = buffer.split_first_chunk::<LENGTH_PREFIX>() else {
            return Ok(None);
        };
        let length = check(u32::from_le_bytes(*prefix), self.limit)?;
        Ok(Some(length.saturating_sub(rest.len())))
    }
}
