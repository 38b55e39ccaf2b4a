//! Random bytes from the operating system.

/// Random bytes. Without a source of randomness no nonce and no id can be made, and nothing that
/// this process does with a network would be safe.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

pub(crate) fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system has a source of randomness");
}

/// Several blocks of 32 random bytes, with one system call.
pub(crate) fn random_blocks<const N: usize>() -> [[u8; 32]; N] {
    let mut blocks = [[0; 32]; N];
    fill(blocks.as_flattened_mut());
    blocks
}

pub(crate) fn random_u64() -> u64 {
    u64::from_le_bytes(random())
}
