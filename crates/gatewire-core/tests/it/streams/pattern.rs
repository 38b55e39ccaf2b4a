//! What the streams of the tests carry: bytes that tell their place and their stream.

use std::sync::LazyLock;

/// A prime, so that no chunk and no window is a multiple of it.
const PERIOD: usize = 1_000_003;

static TABLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state = 0x9e37_79b9_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    // Twice, so that each slice of up to a period lies in one piece.
    let once: Vec<u8> = (0..PERIOD).map(next).collect();
    once.repeat(2)
});

/// `length` bytes of a stream from `offset` on; at most a million.
pub(super) fn slice(stream: u32, offset: usize, length: usize) -> &'static [u8] {
    let start = (offset + stream as usize * 7919) % PERIOD;
    &TABLE[start..start + length]
}
