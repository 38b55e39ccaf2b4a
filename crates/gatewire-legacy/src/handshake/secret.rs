//! The key of version 2.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

/// A pre-shared key of version 2: any bytes, since the keys in the field are what they are. Never shown, and
/// overwritten when it is dropped.
///
/// Use no key of version 3 here: who plays a server of version 2 gets answers under it.
#[derive(Clone)]
pub struct V2Secret(Zeroizing<Vec<u8>>);

impl V2Secret {
    /// The key with these bytes; a text stands for its UTF-8 bytes, as in the Node packages.
    #[must_use]
    pub fn new(secret: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(secret.into()))
    }

    /// What a dialler answers to a seed: 64 lower-case hexadecimal digits.
    #[must_use]
    pub(super) fn proof(&self, seed: &str) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(seed.as_bytes());
        hex(&mac.finalize().into_bytes())
    }

    /// Whether a proof is right, in a time that does not tell how much of it is.
    pub(super) fn verifies(&self, seed: &str, proof: &str) -> Choice {
        self.proof(seed).as_bytes().ct_eq(proof.as_bytes())
    }
}

impl fmt::Debug for V2Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("V2Secret(..)")
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_hmac_sha256_in_lower_case() {
        // RFC 4231, test case 2.
        let proof = V2Secret::new(*b"Jefe").proof("what do ya want for nothing?");
        assert_eq!(proof, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn only_the_same_digits_verify() {
        let secret = V2Secret::new(*b"This is a test key");
        let proof = secret.proof("seed");
        assert!(bool::from(secret.verifies("seed", &proof)));
        for wrong in
            [proof.to_uppercase(), proof[1..].to_owned(), format!("{proof}0"), String::new()]
        {
            assert!(!bool::from(secret.verifies("seed", &wrong)), "{wrong}");
        }
        assert!(!bool::from(V2Secret::new(*b"").verifies("seed", &proof)));
    }
}
