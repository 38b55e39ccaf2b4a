//! One pre-shared key.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The shortest key that is accepted.
const MIN_KEY: usize = 16;

/// A pre-shared key. Its bytes are never shown, are compared in constant time, and are overwritten when
/// it is dropped.
#[derive(Clone)]
pub struct Psk(Zeroizing<Vec<u8>>);

impl Psk {
    /// A key of at least 16 bytes; 32 random ones are right.
    ///
    /// A `Vec` that is given is overwritten when the key is dropped. Copies that the caller keeps, an
    /// array among them, are the caller's to wipe.
    ///
    /// # Errors
    ///
    /// [`WeakKey`]: it is shorter.
    pub fn new(secret: impl Into<Vec<u8>>) -> Result<Self, WeakKey> {
        let secret = Zeroizing::new(secret.into());
        if secret.len() < MIN_KEY {
            Err(WeakKey { length: secret.len() })
        } else {
            Ok(Self(secret))
        }
    }

    /// The secret itself, to be written to where it is kept.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for Psk {
    fn eq(&self, other: &Self) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }
}

impl Eq for Psk {}

impl fmt::Debug for Psk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Psk(..)")
    }
}

/// The key has fewer than 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeakKey {
    /// How many it has.
    pub length: usize,
}

impl fmt::Display for WeakKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a key of {} bytes is too weak, it takes at least {MIN_KEY}", self.length)
    }
}

impl std::error::Error for WeakKey {}
