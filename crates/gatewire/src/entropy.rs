//! Random bytes from the operating system.

/// Random bytes. Without a source of randomness no nonce and no id can be made, and nothing that
/// this process does with a network would be safe.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has a source of randomness");
    bytes
}

pub(crate) fn random_u64() -> u64 {
    u64::from_le_bytes(random())
}
