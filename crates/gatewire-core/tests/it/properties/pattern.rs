//! What the streams carry.

use std::sync::LazyLock;

/// How many bytes the streams repeat. No power of two and no multiple of one.
const PERIOD: usize = 140_009;

static TABLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mixed = |place: usize| (place.wrapping_mul(0x9e37_79b9) >> 16).to_le_bytes()[0];
    let once: Vec<u8> = (0..PERIOD).map(mixed).collect();
    once.repeat(2)
});

/// The bytes of a stream from a place on; at most [`PERIOD`].
pub(super) fn pattern(id: u32, place: u64, length: usize) -> &'static [u8] {
    let period = PERIOD as u64;
    let start = usize::try_from((place + u64::from(id) * 7919) % period).unwrap_or_default();
    &TABLE[start..start + length]
}
