//! Bytes of streams: a pattern that both ends can make.

use std::sync::LazyLock;

use bytes::Bytes;
use gatewire::{StreamError, StreamReader};
use sha2::{Digest, Sha256};

use crate::describe;

/// As much as is written at once.
const CHUNK: u64 = 64 << 10;

/// The pattern repeats after a prime number of bytes, so that a lost, doubled or moved piece changes the hash.
static BLOCK: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let bytes = |number: u32| number.wrapping_mul(0x9e37_79b1).to_be_bytes();
    (0..65_521).map(|number| bytes(number)[0]).collect()
});

/// The bytes of the pattern from `begin` to `end`.
pub(crate) fn pattern(begin: u64, end: u64) -> Bytes {
    let at = usize::try_from(begin % BLOCK.len() as u64).expect("it is in the block");
    let length = usize::try_from(end - begin).expect("it fits the memory");
    let mut bytes = BLOCK[at..].to_vec();
    while bytes.len() < length {
        bytes.extend_from_slice(&BLOCK);
    }
    bytes.truncate(length);
    bytes.into()
}

/// The first `length` bytes of the pattern, in chunks.
pub(crate) fn chunks(length: u64) -> impl Iterator<Item = Bytes> {
    let begins = (0..length).step_by(usize::try_from(CHUNK).expect("it is small"));
    begins.map(move |begin| pattern(begin, length.min(begin + CHUNK)))
}

/// The length of that and its SHA-256.
pub(crate) fn summary_of_pattern(length: u64) -> String {
    let hash = chunks(length).fold(Sha256::new(), Sha256::chain_update);
    describe::summary(length, hash)
}

/// Reads a stream to its end: the length and the SHA-256 of what it brought.
pub(crate) async fn summary(mut stream: StreamReader) -> Result<String, StreamError> {
    let mut hash = Sha256::new();
    let mut length = 0;
    while let Some(chunk) = stream.chunk().await? {
        length += chunk.len() as u64;
        hash.update(&chunk);
    }
    Ok(describe::summary(length, hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_the_pattern_make_the_whole() {
        let whole = pattern(0, 100_000);
        let pieces: Vec<u8> =
            [pattern(0, 7), pattern(7, 8), pattern(8, 100_000)].iter().flatten().copied().collect();
        assert_eq!(whole, pieces);
        assert_eq!(whole[..4], [0x00, 0x9e, 0x3c, 0xda]);
        assert_eq!(pattern(65_520, 65_523)[1..], whole[..2]);
    }
}
