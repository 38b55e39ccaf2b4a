//! What tells two secrets apart without keeping either.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What is made of a key in one direction only, to see later whether a key is still the same. Who has it can
/// try guesses against it, so it is a secret too: never shown, compared in constant time, and overwritten
/// when it is dropped. All zeros: of no key.
#[derive(Clone, Default)]
pub(in crate::handshake) struct KeyTag(Zeroizing<[u8; 32]>);

impl KeyTag {
    pub(in crate::handshake) fn new(tag: Zeroizing<[u8; 32]>) -> Self {
        Self(tag)
    }
}

impl PartialEq for KeyTag {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl Eq for KeyTag {}

impl fmt::Debug for KeyTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyTag(..)")
    }
}
