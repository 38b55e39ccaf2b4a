//! Pre-shared keys.

use std::fmt;

use rustc_hash::FxHashMap;

/// The shortest key that is accepted.
const MIN_KEY: usize = 16;

/// A pre-shared key. Its bytes are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Psk(Vec<u8>);

impl Psk {
    /// A key of at least 16 bytes; 32 random ones are right.
    ///
    /// # Errors
    ///
    /// [`WeakKey`]: it is shorter.
    pub fn new(secret: impl Into<Vec<u8>>) -> Result<Self, WeakKey> {
        let secret = secret.into();
        if secret.len() < MIN_KEY {
            Err(WeakKey { length: secret.len() })
        } else {
            Ok(Self(secret))
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

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

/// The keys that a listener accepts, by id. Empty: anybody may connect, without a key.
#[derive(Debug, Clone, Default)]
pub struct KeyRing(FxHashMap<String, Psk>);

impl KeyRing {
    /// No key: an open listener.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key, or replaces the one with this id. Ids longer than 255 bytes never match.
    #[must_use]
    pub fn with(mut self, id: impl Into<String>, key: Psk) -> Self {
        self.0.insert(id.into(), key);
        self
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn find(&self, id: &str) -> Option<&Psk> {
        self.0.get(id)
    }
}
